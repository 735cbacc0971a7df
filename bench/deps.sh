#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what the benchmark's C programs are built with, where it is missing:
# clang (for user space and for BPF alike), libxdp and libbpf. Debian and its
# derivatives; elsewhere it names what to install.
set -eu

have() {
	command -v clang >/dev/null && command -v make >/dev/null &&
		echo '#include <xdp/xsk.h>
#include <bpf/bpf.h>' | clang -fsyntax-only -x c - 2>/dev/null
}

have && exit 0

if ! command -v apt-get >/dev/null; then
	echo "bench: install clang, make and the development files of libxdp and libbpf" >&2
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "bench: as root: apt-get install clang make libxdp-dev libbpf-dev" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Wait for another apt-get rather than fail beside it.
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 clang make libxdp-dev libbpf-dev >/dev/null
have || {
	echo "bench: clang, make, libxdp-dev and libbpf-dev are installed but don't work" >&2
	exit 1
}
