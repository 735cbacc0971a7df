// SPDX-License-Identifier: GPL-3.0-or-later

package docs_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"pvlua/internal/privileged"
)

// In tutorial.md a block with file=NAME behind its language is saved under that
// name, and console blocks are typed: what follows "$ " is a command, and the
// lines up to the next one are expected in its output, in this order. With
// status=N behind the language the last command of the block ends with that
// status, not with 0.

// The tutorial, typed as it stands, does what it says.
func TestTutorial(t *testing.T) {
	privileged.Require(t)
	for _, program := range []string{"unshare", "bash", "ping", "nc", "tcpdump", "tshark"} {
		if _, err := exec.LookPath(program); err != nil {
			if privileged.InCI() {
				t.Fatalf("%s is not installed: make deps", program)
			}
			t.Skipf("%s is not installed: make deps", program)
		}
	}
	s := newSession(t)
	for _, b := range readPage(t, "tutorial.md") {
		words := map[string]string{}
		for word := range strings.FieldsSeq(b.info) {
			name, value, _ := strings.Cut(word, "=")
			words[name] = value
		}
		switch {
		case words["file"] != "":
			write(t, s.folder, words["file"], b.text)
		case b.kind == "console":
			typeIn(t, s, b, words["status"])
		case b.kind == "lua":
			t.Errorf("%s: nothing runs this; say file=NAME", b.at("tutorial.md"))
		}
		if t.Failed() {
			return
		}
	}
}

// typeIn runs the commands of a block.
func typeIn(t *testing.T, s *session, b block, status string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	if !strings.HasPrefix(lines[0], "$ ") {
		t.Fatalf("%s: the block begins with no command", b.at("tutorial.md"))
	}
	for from := 0; from < len(lines); {
		to := from + 1
		for to < len(lines) && !strings.HasPrefix(lines[to], "$ ") {
			to++
		}
		want := 0
		if status != "" && to == len(lines) {
			var err error
			if want, err = strconv.Atoi(status); err != nil {
				t.Fatal(err)
			}
		}
		command := strings.TrimPrefix(lines[from], "$ ")
		if err := s.run(command, lines[from+1:to], want); err != nil {
			t.Errorf("docs/tutorial.md:%d: %s\n%v", b.line+from, lines[from], err)
			return
		}
		from = to
	}
}
