// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The rewriter must not change what a script means. The oracle is PUC Lua 5.1:
// random programs, whose tables have elements with the names of properties,
// must print the same in both.

func TestProgramsMeanTheSame(t *testing.T) {
	lua51, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("needs PUC Lua as an oracle: apt-get install lua5.1")
	}
	const programs = 200
	var all strings.Builder
	all.WriteString(preamble)
	for i := range programs {
		fmt.Fprintf(&all, "print('=== %d')\ndo\n%send\n", i, program(uint64(i)))
	}
	cmd := exec.Command(lua51, "-")
	cmd.Stdin = strings.NewReader(all.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("lua5.1: %v\n%s", err, out)
	}
	want := strings.Split(string(out), "=== ")
	failed := 0
	for i := range programs {
		f := load(t, preamble+"print('=== "+fmt.Sprint(i)+"')\n"+program(uint64(i))+"\nfunction on_packet() end")
		_, got, _ := strings.Cut(f.stdout.String(), "=== ")
		if got != want[i+1] {
			t.Errorf("program %d:\n%s\n--- pvlua prints\n%s\n--- Lua 5.1 prints\n%s\n--- first difference: %s",
				i, program(uint64(i)), got, want[i+1], firstDifference(got, want[i+1]))
			if failed++; failed >= 2 {
				break
			}
		}
		f.Close()
	}
}

// firstDifference gives the first line in which two texts differ.
func firstDifference(a, b string) string {
	la, lb := bytes.Split([]byte(a), []byte("\n")), bytes.Split([]byte(b), []byte("\n"))
	for i := range min(len(la), len(lb)) {
		if !bytes.Equal(la[i], lb[i]) {
			return fmt.Sprintf("line %d: %s / %s", i+1, la[i], lb[i])
		}
	}
	return "the length"
}
