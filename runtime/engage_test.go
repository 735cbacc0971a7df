// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
	"pvlua/internal/privileged"
	"pvlua/luabpf/ir"
)

// A script that --engine kernel refuses while another one runs: the log names its
// lines in one of its own.
func TestEngineKernelRefusesReload(t *testing.T) {
	privileged.Require(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, "function on_packet() end", func(c *Config) { c.Engine = EngineKernel })
	l.write("main.lua", "n = 0\nfunction on_packet() n = n + 1\nprint(n) end")
	if err := l.Reload(); err == nil {
		t.Error("it is taken")
	}
	l.log.wait(t, `explains): `+l.path("main.lua")+`:2: assignment to \"n\", which outlives the packet`)
	l.log.wait(t, "not reloaded, the script goes on as it was")
	if strings.Contains(l.log.String(), `explains):\n`) {
		t.Errorf("the log has line breaks: %s", l.log)
	}
}

// A handler that can't be made ready for user space, because it is too large or,
// as here, has a map that is not there, is left to Lua; the run goes on.
func TestEngineLeavesToLuaWhatUserSpaceCannotRun(t *testing.T) {
	privileged.Require(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	l := goLive(t, lab.B, "function on_packet() end", nil)
	if l.placeInUserSpace(0, &ir.Func{Name: "main.lua", Maps: []ir.Map{{Name: "none"}}}) {
		t.Error("it is said to run")
	}
	l.stop(0)
}

// A handler that compiles wholly, for a veth that takes no frames from the
// kernel: --engine kernel says that, and no lines of the script.
func TestEngineKernelNamesTheDeviceThatTakesNothing(t *testing.T) {
	privileged.Require(t)
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	script := filepath.Join(t.TempDir(), "back.lua")
	text := `local pv = require "pv" function on_packet(pkt) if pkt.udp then return pv.TX end end`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var r *Runtime
	lab.B.Do(t, func() (err error) {
		r, err = New(Config{
			Interfaces: []string{lab.B.Link}, Script: script, Engine: EngineKernel, Stdout: new(journal),
			Log: slog.New(slog.NewTextHandler(new(journal), nil)),
		})
		return err
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := r.Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "packets can't go out of "+lab.B.Link+" from the kernel") || strings.Contains(err.Error(), "back.lua") {
		t.Errorf("Run: %v", err)
	}
}
