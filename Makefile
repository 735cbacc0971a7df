# SPDX-License-Identifier: GPL-3.0-or-later
#
# make demo    build, raise a lab, run echo.lua, probe it, take all down again
# make test    every test; the privileged ones too when you are root
# make help    the rest

GO      ?= go
SUDO    ?= $(if $(filter 0,$(shell id -u)),,sudo)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 60s

# The real clients that the integration tests use, as command:package.
CLIENTS = arping:iputils-arping ping:iputils-ping 2ping:2ping nc:netcat-openbsd curl:curl \
          iperf3:iperf3 tcpdump:tcpdump ip:iproute2 ethtool:ethtool lua5.1:lua5.1 gcc:gcc udhcpc:udhcpc tshark:tshark

.PHONY: all build help deps demo test unit scripts lint race fuzz bench bench-short bench-page profile docs install clean

all: build

help:
	@printf '%s\n' \
	 'make build        bin/pvlua' \
	 'make demo         lab, echo.lua, real probes, a table, all removed again (root)' \
	 'make test         lint, reference check and all tests (privileged ones as root)' \
	 'make scripts      the tests of scripts/, which need no privilege' \
	 'make unit         the tests that need no privilege, quickly' \
	 'make race         the tests of all packages under the race detector' \
	 'make fuzz         every fuzzer for FUZZTIME=60s each' \
	 'make bench        against C programs, interleaved (root; installs clang, libxdp)' \
	 'make bench-page   the same, into docs/performance.md' \
	 'make profile      take anew what the compiler optimises pvlua by (root)' \
	 'make docs         rewrite the generated parts of docs/' \
	 'make deps         install the clients that the tests use (root, Debian)' \
	 'make install      bin/pvlua to PREFIX=/usr/local/bin' \
	 'make clean        remove what was built'

build:
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/pvlua ./cmd/pvlua

deps:
	@missing=''; for c in $(CLIENTS); do \
	   command -v $${c%%:*} >/dev/null 2>&1 || missing="$$missing $${c#*:}"; done; \
	 if [ -n "$$missing" ]; then \
	   echo "installing$$missing"; \
	   $(SUDO) apt-get update -q >/dev/null && \
	   DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
	 fi

demo: build
	$(SUDO) bin/pvlua demo

lint:
	@test -z "$$(gofmt -l .)" || { echo 'gofmt would change:'; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./internal/apidoc/cmd/apidoc -check docs/api.md
	$(GO) run ./internal/apidoc/cmd/apidoc -check docs/stubs/pvlua.lua

# The scripts' own tests, without privilege.
scripts: build
	bin/pvlua test scripts/*.lua

# Only root can use the clients, so only root installs them.
test: lint scripts $(if $(filter 0,$(shell id -u)),deps)
	$(GO) run ./internal/testreport ./...

unit:
	$(GO) test -short ./...

# The integration tests run the built command, which has no detector in it; the
# differential ones have nothing concurrent, and are many.
race: $(if $(filter 0,$(shell id -u)),deps)
	CGO_ENABLED=1 $(GO) run ./internal/testreport -race $$($(GO) list ./... | grep -v '/integration\|/difftest')

fuzz:
	@for pkg in $$($(GO) list ./...); do \
	   for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	     echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	   done; done

bench: build
	$(SUDO) bench/deps.sh
	$(SUDO) env "PATH=$$PATH" $(GO) run ./bench

bench-short: build
	$(SUDO) bench/deps.sh
	$(SUDO) env "PATH=$$PATH" $(GO) run ./bench -short

bench-page: build
	$(SUDO) bench/deps.sh
	$(SUDO) env "PATH=$$PATH" $(GO) run ./bench -into docs/performance.md

# cmd/pvlua/default.pgo is what go build optimises by. It is to be taken anew when
# the engine changes, on a machine that does nothing else.
PROFILE = $(or $(TMPDIR),/tmp)/pvlua-profile
profile:
	@mkdir -p $(PROFILE)
	$(SUDO) env "PATH=$$PATH" $(GO) test ./cmd/pvlua -run '^$$' -bench Load -benchtime 3s \
	   -cpuprofile $(PROFILE)/cpu.prof -o $(PROFILE)/load.test
	$(GO) tool pprof -proto -output cmd/pvlua/default.pgo $(PROFILE)/load.test $(PROFILE)/cpu.prof
	rm -r $(PROFILE)

docs:
	$(GO) run ./internal/apidoc/cmd/apidoc -w docs/api.md
	@mkdir -p docs/stubs
	$(GO) run ./internal/apidoc/cmd/apidoc -w docs/stubs/pvlua.lua

PREFIX ?= /usr/local
install: build
	install -D -m 755 bin/pvlua $(DESTDIR)$(PREFIX)/bin/pvlua

clean:
	rm -rf bin bench/c/build
