// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

// ownMounts are the mounts that commands in namespaces have versions of their own of,
// as this process sees them.
func ownMounts(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for line := range strings.Lines(string(b)) {
		if at := strings.Fields(line)[4]; at == "/" || at == "/sys" || strings.HasPrefix(at, "/etc") {
			own = append(own, line)
		}
	}
	return strings.Join(own, "")
}

func TestCommandSeesItsNamespace(t *testing.T) {
	ns := newNS(t)
	before := ownMounts(t)
	cmd, out := subject("links")
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, out)
	}
	if !strings.Contains(out.String(), "<links lo>") {
		t.Errorf("/sys/class/net should show lo alone, got:\n%s", out)
	}
	if d := cmp.Diff(before, ownMounts(t)); d != "" {
		t.Errorf("the mounts of this process changed:\n%s", d)
	}
	if names, err := os.ReadDir("/sys/class/net"); err != nil || len(names) == 0 {
		t.Errorf("our own /sys: %v, %v", names, err)
	}
	everyThreadIsHome(t)
}

// A lab can be raised and removed from within a namespace.
func TestNamesGivenByACommandAreKnownToAll(t *testing.T) {
	ns := newNS(t)
	name := labtest.Prefix(t) + "new"
	cmd, out := subject("create", "NAME="+name)
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, out)
	}
	made, err := netns.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	made.Close()
	cmd, out = subject("delete", "NAME="+name)
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v; it wrote:\n%s", err, out)
	}
	if _, err := netns.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its removal by a command: %v", err)
	}
}

func TestCommandGetsTheNamespacesEtc(t *testing.T) {
	ns := newNS(t)
	dir := filepath.Join("/etc/netns", ns.Name())
	made := "/etc/netns" // what is to be removed again
	if _, err := os.Stat(made); err == nil {
		made = dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.RemoveAll(dir)
		os.Remove(made) // only if it is empty
	})
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte("its own"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, out := subject("hosts")
	if err := ns.Run(cmd); err != nil || !strings.Contains(out.String(), "<hosts its own>") {
		t.Errorf("%v; it wrote:\n%s", err, out)
	}
	cmd, out = subject("hosts")
	if err := cmd.Run(); err != nil || strings.Contains(out.String(), "<hosts its own>") {
		t.Errorf("outside: %v; it wrote:\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "no-such-file-in-etc"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, _ = subject("hosts")
	if err := ns.Run(cmd); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no-such-file-in-etc") {
		t.Errorf("a file without counterpart in /etc: %v", err)
	}
}

func TestCommandFailures(t *testing.T) {
	ns := newNS(t)
	cmd, _ := subject("fail")
	var exit *exec.ExitError
	if err := ns.Run(cmd); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("exit status: %v", err)
	}
	if err := ns.Run(exec.Command("no-such-command-anywhere")); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no such command: %v", err)
	}
	if err := ns.Run(exec.Command("/etc/passwd")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("what can't be executed: %v", err)
	}
	if err := ns.Exec("no-such-command-anywhere"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no such command: %v", err)
	}
	if err := ns.Exec("/dev/null"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("what can't be executed: %v", err)
	}
	ns.Close()
	cmd, _ = subject("links")
	if err := ns.Start(cmd); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("in a closed namespace: %v", err)
	}
	everyThreadIsHome(t)
}

func TestExecReplacesTheProcess(t *testing.T) {
	ns := newNS(t)
	for then, want := range map[string]string{"links": "<links lo>", "fail": "exit status 7"} {
		cmd, out := subject("exec", "NS="+ns.Name(), "THEN="+then)
		err := cmd.Run()
		if got := fmt.Sprint(out, err); !strings.Contains(got, want) {
			t.Errorf("%s: want %q, got:\n%s", then, want, got)
		}
	}
	// It is the same process, so a signal to it reaches the command.
	cmd, r := subjectPipe(t, "exec", "NS="+ns.Name(), "THEN=sleep")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, r, "<asleep>")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestCommandDiesWithItsParent(t *testing.T) {
	ns := newNS(t)
	cmd, r := subjectPipe(t, "parent", "NS="+ns.Name())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := waitFor(t, r, "<child ")
	_, number, _ := strings.Cut(line, "<child ")
	child, err := strconv.Atoi(strings.TrimRight(number, ">\n"))
	if err != nil {
		t.Fatalf("child in %q: %v", line, err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("the command is not running: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for range 500 {
		if !running(child) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the command %d outlived its killed parent", child)
	_ = syscall.Kill(child, syscall.SIGKILL)
}

// TestIPNetns proves that iproute2 and this package know the same namespaces.
func TestIPNetns(t *testing.T) {
	ns := newNS(t)
	ip := tool(t, "ip")
	out, err := exec.Command(ip, "netns", "exec", ns.Name(), ip, "-o", "link").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lo:") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("ip netns exec: %v\n%s", err, out)
	}
	theirs := labtest.Prefix(t) + "ip"
	if out, err := exec.Command(ip, "netns", "add", theirs).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v\n%s", err, out)
	}
	other, err := netns.Open(theirs)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	cmd, buf := subject("links")
	if err := other.Run(cmd); err != nil || !strings.Contains(buf.String(), "<links lo>") {
		t.Errorf("in a namespace of ip netns: %v\n%s", err, buf)
	}
	if err := netns.Delete(theirs); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command(ip, "netns", "list").CombinedOutput(); err != nil || strings.Contains(string(out), theirs) {
		t.Errorf("ip netns list: %v\n%s", err, out)
	}
}
