// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// features are the flags of the pvlua under test that benchmarks depend on and
// that it knows.
type features []string

// findFeatures asks the program, which refuses a flag that it does not know
// before it looks at anything else.
func findFeatures(ctx context.Context, pvlua string) (f features, err error) {
	if _, err := os.Stat(pvlua); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: run make build", pvlua)
	}
	for _, flag := range []string{"tx", "engine", "busy-poll"} {
		out, err := exec.CommandContext(ctx, pvlua, "--"+flag+"=?").CombinedOutput()
		if err == nil {
			return nil, fmt.Errorf("%s --%s=? does not fail", pvlua, flag)
		}
		if !strings.Contains(string(out), "unknown flag") {
			f = append(f, flag)
		}
	}
	return f, ctx.Err()
}

// lack says that there is no such flag, "" if there is.
func (f features) lack(flag string) string {
	if slices.Contains(f, flag) {
		return ""
	}
	return "this pvlua has no --" + flag
}

// inUserSpace are the flags with which it runs a script on the packets of AF_XDP
// sockets and sends by the given way. It needs none to do so if it knows none.
func (f features) inUserSpace(tx string) (flags []string) {
	if f.lack("engine") == "" {
		flags = append(flags, "--engine=lua")
	}
	if f.lack("tx") == "" {
		flags = append(flags, "--tx="+tx)
	}
	return flags
}
