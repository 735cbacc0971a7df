// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/internal/privileged"
)

// The ready scripts, with arguments where they need some, do the same in all
// engines.
func TestScripts(t *testing.T) { runScripts(t, Engines(nil)) }

// And in the kernel.
func TestScriptsInKernel(t *testing.T) {
	privileged.Require(t)
	runScripts(t, []Engine{Kernel(nil)})
}

func runScripts(t *testing.T, engines []Engine) {
	files, err := filepath.Glob("../../scripts/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	rng := rand.New(rand.NewPCG(8, 8))
	list := Packets(rng, 400)
	for _, n := range pkttest.All() {
		list = append(list, Packet{Frame: n.Frame}, Packet{Frame: n.Frame, Port: 1})
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.lua") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lua, err := new(Engine).RunFile(file, string(source), list)
		if err != nil {
			t.Logf("%s: %v", filepath.Base(file), err)
			continue
		}
		for _, e := range engines {
			t.Run(fmt.Sprintf("%s/%s", filepath.Base(file), e.Name), func(t *testing.T) {
				o, err := e.RunFile(file, string(source), list)
				if errors.Is(err, ErrNotCompiled) {
					t.Log(err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				left := 0
				for _, l := range o.Left {
					if l {
						left++
					}
				}
				t.Logf("%d of %d packets left for Lua", left, len(list))
				if d := Difference(lua, o); d != "" {
					t.Error(d)
				}
			})
		}
	}
}
