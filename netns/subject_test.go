// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pvlua/internal/privileged"
	"pvlua/netns"
)

// subjects are what this test binary does when it is run as a command by a test: no
// outside program is needed.
var subjects = map[string]func(t *testing.T){
	"links": func(t *testing.T) {
		entries, err := os.ReadDir("/sys/class/net")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		fmt.Printf("<links %s>\n", strings.Join(names, " "))
	},
	"hosts": func(t *testing.T) {
		b, err := os.ReadFile("/etc/hosts")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("<hosts %s>\n", b)
	},
	"fail":  func(t *testing.T) { os.Exit(7) },
	"sleep": func(t *testing.T) { fmt.Println("<asleep>"); time.Sleep(time.Hour) },
	// Replaces itself by the subject in the variable THEN.
	"exec": func(t *testing.T) {
		ns, err := netns.Open(os.Getenv("NS"))
		if err != nil {
			t.Fatal(err)
		}
		os.Setenv("NETNS_SUBJECT", os.Getenv("THEN"))
		t.Fatal(ns.Exec("/proc/self/exe", "-test.run=^TestSubject$", "-test.v"))
	},
	// Starts a sleeper in a namespace and waits to be killed.
	"parent": func(t *testing.T) {
		ns, err := netns.Open(os.Getenv("NS"))
		if err != nil {
			t.Fatal(err)
		}
		os.Setenv("NETNS_SUBJECT", "sleep")
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestSubject$")
		if err := ns.Start(cmd); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("<child %d>\n", cmd.Process.Pid)
		time.Sleep(time.Hour)
	},
	"create": func(t *testing.T) {
		ns, err := netns.Create(os.Getenv("NAME"))
		if err != nil {
			t.Fatal(err)
		}
		ns.Close()
	},
	"delete": func(t *testing.T) {
		if err := netns.Delete(os.Getenv("NAME")); err != nil {
			t.Fatal(err)
		}
	},
	"killed up": killedUp, // see interrupted_test.go
}

func TestSubject(t *testing.T) {
	if what := os.Getenv("NETNS_SUBJECT"); what != "" {
		subjects[what](t)
	} else {
		t.Log("runs only as a command of other tests")
	}
}

// subject makes the command that runs a subject.
func subject(what string, env ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSubject$", "-test.v")
	cmd.Env = append(os.Environ(), "NETNS_SUBJECT="+what)
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// subjectPipe is subject for one whose output is read while it runs.
func subjectPipe(t *testing.T, what string, env ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd, _ := subject(what, env...)
	cmd.Stdout = nil
	r, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, r
}

// running says whether a process exists and is no zombie.
func running(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(after, "Z")
}

// waitFor reads until a line holds text, and returns that line.
func waitFor(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var got []byte
	b := make([]byte, 1)
	for {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("%v before %q came; so far:\n%s", err, text, got)
		}
		if got = append(got, b[0]); b[0] == '\n' {
			lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
			if last := lines[len(lines)-1]; strings.Contains(last, text) {
				return last
			}
		}
	}
}

// tool finds a program that `make deps` installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && privileged.InCI() {
		t.Fatalf("needs %s: make deps", name)
	} else if err != nil {
		t.Skipf("needs %s: make deps", name)
	}
	return path
}
