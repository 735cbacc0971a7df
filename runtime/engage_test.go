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
)

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
