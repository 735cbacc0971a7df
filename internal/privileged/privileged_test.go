// SPDX-License-Identifier: GPL-3.0-or-later

package privileged

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMissingNamesEachAbsentCapability(t *testing.T) {
	const all = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_BPF
	for _, c := range []struct {
		effective uint64
		want      []string
	}{
		{all, nil},
		{^uint64(0), nil},
		{0, []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_BPF"}},
		{all &^ (1 << unix.CAP_BPF), []string{"CAP_BPF"}},
		{all &^ (1 << unix.CAP_NET_RAW), []string{"CAP_NET_RAW"}},
	} {
		if got := missing(c.effective); !slices.Equal(got, c.want) {
			t.Errorf("missing(%#x) = %v, want %v", c.effective, got, c.want)
		}
	}
}

// TestSubject is what the tests below run in a child process.
func TestSubject(t *testing.T) {
	if os.Getenv("PRIVILEGED_SUBJECT") == "" {
		t.Log("runs only as the child of the tests below")
		return
	}
	Require(t)
	fmt.Println("the body ran")
}

// runSubject runs TestSubject in a child, as an unprivileged user if asked to.
func runSubject(t *testing.T, drop bool, env ...string) (output string, ok bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^TestSubject$")
	cmd.Dir = "/"
	cmd.Env = append([]string{"PRIVILEGED_SUBJECT=1"}, env...)
	if drop && os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("cannot run the child: %v", err)
	}
	return string(out), err == nil
}

func TestSkipNamesTheRemedy(t *testing.T) {
	out, ok := runSubject(t, true)
	if !ok || strings.Contains(out, "the body ran") {
		t.Fatalf("without capabilities the test should be skipped, got:\n%s", out)
	}
	if want := "needs CAP_NET_ADMIN"; !strings.Contains(out, want) || !strings.Contains(out, Remedy) {
		t.Errorf("output should hold %q and %q, got:\n%s", want, Remedy, out)
	}
}

func TestSkipIsAFailureInCI(t *testing.T) {
	out, ok := runSubject(t, true, "CI=true")
	if ok || strings.Contains(out, "the body ran") || !strings.Contains(out, Remedy) {
		t.Errorf("under CI=true a skip should fail and name the remedy, got:\n%s", out)
	}
}

func TestRunsWithCapabilities(t *testing.T) {
	Require(t)
	out, ok := runSubject(t, false, "CI=true")
	if !ok || !strings.Contains(out, "the body ran") {
		t.Errorf("with capabilities the test should run, got:\n%s", out)
	}
}
