// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"pvlua/internal/labtest"
	"pvlua/netns"
)

func TestLabFlags(t *testing.T) {
	o, err := parseLab(strings.Fields("--prefix p- up --mtu 1400 --queues 2 --pfifo 9 --namespaces n1,n2 --links a,b,c,d" +
		" --address a=192.0.2.1/24,2001:db8:1::1/64 --address d="))
	if err != nil {
		t.Fatal(err)
	}
	if o.verb != "up" || o.lab.Prefix != "p-" || o.lab.MTU != 1400 || o.lab.Queues != 2 || o.lab.PFIFO != 9 || o.lab.NoIPv6 {
		t.Errorf("got %+v", o)
	}
	got := fmt.Sprintf("%+v", o.lab.Pairs)
	for _, want := range []string{
		"Link:a Addrs:[192.0.2.1/24 2001:db8:1::1/64]", "Namespace:n1 Link:b Addrs:[10.0.0.5/24 2001:db8::2/64]",
		"Link:c Addrs:[10.0.0.6/24]", "Namespace:n2 Link:d Addrs:[]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("layout %s should have %s", got, want)
		}
	}
	if o, err = parseLab([]string{"up", "--no-ipv6"}); err != nil || strings.Contains(fmt.Sprint(o.lab.Pairs), "2001:db8") {
		t.Errorf("without IPv6: %+v, %v", o, err)
	}
}

func TestLabExecTakesTheCommandAsItIs(t *testing.T) {
	for _, c := range []struct{ args, namespace, command string }{
		{"exec test1 ping -c 1 10.0.0.4", "test1", "[ping -c 1 10.0.0.4]"},
		{"exec test1 -- ping -c 1", "test1", "[ping -c 1]"},
		{"exec --prefix x test1 -- pvlua veth1 echo.lua -- --prefix y", "xtest1", "[pvlua veth1 echo.lua -- --prefix y]"},
		{"--prefix x exec test1 ls --help", "xtest1", "[ls --help]"},
		{"exec test1 -- -- x", "test1", "[-- x]"},
	} {
		o, err := parseLab(strings.Fields(c.args))
		if err != nil || o.namespace != c.namespace || fmt.Sprint(o.command) != c.command {
			t.Errorf("%s: namespace %q, command %q, %v", c.args, o.namespace, o.command, err)
		}
	}
}

func TestLabRefusesWrongCommandLines(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "say what to do"},
		{"raise", `there is no "raise": up, down, status and exec`},
		{"up now", "up takes no arguments"},
		{"exec", "exec needs a namespace and a command"},
		{"exec test1", "exec needs a namespace and a command"},
		{"exec test1 --", "exec needs a namespace and a command"},
		{"up --frobnicate", "unknown flag: --frobnicate"},
		{"up --queues 0", "--queues 0"},
		{"up --queues two", "two"},
		{"up --mtu 67", "68 to 65535"},
		{"up --mtu 1279", "1280"},
		{"up --pfifo -1", "pfifo of -1"},
		{"up --prefix elevenbytes", "1 to 15"},
		{"up --namespaces one", "--namespaces: 2 names are needed, not 1"},
		{"up --links a,b,c", "--links: 4 names are needed, not 3"},
		{"up --links a,a,c,d", "link a appears twice"},
		{"up --address veth0", "LINK=ADDR/LEN"},
		{"up --address veth9=10.0.0.1/24", "no link veth9"},
		{"up --address veth0=10.0.0.1", `"10.0.0.1" is no address with the length`},
		{"up --address veth0=10.0.0.1/24,", `"" is no address with the length`},
		{"up --no-ipv6 --address veth0=2001:db8::1/64", "IPv6 is to be off"},
	} {
		status, stdout, stderr := here(append([]string{"lab"}, strings.Fields(c.args)...)...)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "--help") {
			t.Errorf("lab %s: status %d, stdout %q, stderr %q, want %q", c.args, status, stdout, stderr, c.want)
		}
	}
}

// labFrom runs `pvlua lab` in a namespace that stands for the machine's own.
func labFrom(t *testing.T, host *netns.NS, args ...string) (status int, output string) {
	t.Helper()
	cmd := pvlua(append([]string{"lab"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := host.Run(cmd)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		t.Fatalf("pvlua lab %v: %v; it wrote:\n%s", args, err, &out)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestLabFromTheCommandLine(t *testing.T) {
	host := labtest.Host(t)
	p := labtest.Prefix(t)
	run := func(want int, verb string, more ...string) string {
		t.Helper()
		status, out := labFrom(t, host, append([]string{verb, "--prefix", p}, more...)...)
		if status != want {
			t.Errorf("lab %s %v: status %d, want %d; it wrote:\n%s", verb, more, status, want, out)
		}
		return out
	}
	has := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("the output should have %q, it is:\n%s", w, out)
			}
		}
	}
	has(run(exitFailed, "status"), "The lab is down")
	has(run(exitFailed, "exec", "test1", "true"), "there is no namespace "+p+"test1: pvlua lab up makes")
	for range 2 {
		out := run(exitOK, "up")
		has(out, "NAMESPACE", "(here)", "10.0.0.4/24 2001:db8::1/64", "10.0.0.5/24 2001:db8::2/64", "10.0.0.6/24", "10.0.0.7/24", p+"test2", p+"veth3")
		if strings.Count(out, "  up  ") != 4 || strings.Count(out, "  off  ") != 4 || strings.Contains(out, "Not as it should be") {
			t.Errorf("four links should be up with offloads off:\n%s", out)
		}
	}
	has(run(exitOK, "status"), p+"veth0")
	has(run(exitFailed, "status", "--mtu", "9000"), "Not as it should be:", "has an MTU of 1500, not 9000", "pvlua lab up puts it right")
	has(run(exitOK, "down"), "The lab is down")
	has(run(exitOK, "down"), "The lab is down")

	foreign, err := netns.Create(p + "test1")
	if err != nil {
		t.Fatal(err)
	}
	foreign.Close()
	for _, verb := range []string{"up", "down", "status"} {
		out := run(exitFailed, verb)
		has(out, "namespace "+p+"test1 is in the way", "ip netns del "+p+"test1")
		if strings.Contains(out, "puts it right") {
			t.Errorf("%s promises what it cannot do:\n%s", verb, out)
		}
	}
	if err := netns.Delete(p + "test1"); err != nil {
		t.Error(err)
	}
}

func TestLabExec(t *testing.T) {
	host := labtest.Host(t)
	p := labtest.Prefix(t)
	if status, out := labFrom(t, host, "up", "--prefix", p); status != exitOK {
		t.Fatalf("lab up: %s", out)
	}
	t.Cleanup(func() {
		if status, out := labFrom(t, host, "down", "--prefix", p); status != exitOK {
			t.Errorf("lab down: %s", out)
		}
	})
	exec := func(want int, text string, command ...string) {
		t.Helper()
		status, out := labFrom(t, host, append([]string{"exec", "--prefix", p, "test1", "--"}, command...)...)
		if status != want || !strings.Contains(out, text) {
			t.Errorf("%v: status %d, output %q, want %d and %q", command, status, out, want, text)
		}
		// The same within this process: the command gets the writers.
		var stdout, stderr bytes.Buffer
		status = labCommand(append([]string{"exec", "--prefix", p, "test1"}, command...), &stdout, &stderr)
		if got := stdout.String() + stderr.String(); status != want || !strings.Contains(got, text) {
			t.Errorf("%v within this process: status %d, output %q, want %d and %q", command, status, got, want, text)
		}
	}
	exec(0, p+"veth1", "ls", "/sys/class/net")
	exec(5, "seen", "sh", "-c", "echo seen; exit 5")
	exec(exitNoCommand, "no-such-command", "no-such-command")
	exec(exitCannotRun, "permission denied", "/dev/null")
	t.Setenv("PVLUA_TEST_PASSED_ON", "through")
	exec(0, "through", "sh", "-c", "echo $PVLUA_TEST_PASSED_ON")

	// A signal to the process is a signal to the command.
	cmd := pvlua("lab", "exec", "--prefix", p, "test1", "sh", "-c", "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	buf := make([]byte, 64)
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "ready\n" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	timer := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
	if n, _ := r.Read(buf); string(buf[:n]) != "caught\n" || cmd.ProcessState.ExitCode() != 9 {
		t.Errorf("after SIGTERM: output %q, status %d", buf[:n], cmd.ProcessState.ExitCode())
	}
}

func TestLabWithoutPrivilege(t *testing.T) {
	if os.Geteuid() == 0 {
		labtest.Host(t) // so that /run/netns is there
	}
	cmd := pvlua("lab", "up", "--prefix", labtest.Prefix(t))
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), "permitted") && !strings.Contains(string(out), "denied") ||
		!strings.Contains(string(out), "run it with sudo") {
		t.Errorf("%v; it wrote:\n%s", err, out)
	}
}
