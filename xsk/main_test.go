// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helpers are what the test binary does when a test runs it as another process,
// by the name in this variable.
const helperVariable = "XSK_TEST_HELPER"

var helpers = map[string]func(args []string){
	"hold":  holdInterface,
	"tries": tryEverything,
}

// TestMain runs the tests and then fails if they left descriptors behind.
func TestMain(m *testing.M) {
	if name := os.Getenv(helperVariable); name != "" {
		helpers[name](os.Args[1:])
		os.Exit(0)
	}
	// Rings must wrap and run full within one check of a model; a flag on the
	// command line still has the last word.
	flag.Set("rapid.steps", "200")
	before := descriptors()
	code := m.Run()
	for fd, what := range descriptors() {
		// The Go runtime's own poller stays.
		if _, ok := before[fd]; !ok && !strings.Contains(what, "event") {
			fmt.Printf("left open: descriptor %s, %s\n", fd, what)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// descriptors returns what is open: what each descriptor refers to.
func descriptors() map[string]string {
	open := map[string]string{}
	paths, _ := filepath.Glob("/proc/self/fd/*")
	for _, path := range paths {
		if what, err := os.Readlink(path); err == nil {
			open[filepath.Base(path)] = what
		}
	}
	return open
}

// mappings counts what this process has mapped of AF_XDP sockets.
func mappings(t testing.TB) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "socket:[")
}

// helper prepares the test binary as another process, in the network namespace
// of this thread.
func helper(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// startAndWait starts a helper and returns when it said that it is ready.
func startAndWait(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("helper: %q, %v", line, err)
	}
}

// must ends a helper that failed.
func must[T any](v T, err error) T {
	if err != nil {
		fmt.Println("helper:", err)
		os.Exit(1)
	}
	return v
}

// holdInterface attaches a program and opens a socket, and sleeps until it is
// killed.
func holdInterface(args []string) {
	i := must(CheckInterface(args[0]))
	p := must(Attach(ProgramConfig{Ifindex: i.Index, Name: i.Name, Queues: 1}))
	u := must(NewUMEM(Config{}))
	s := must(u.Open(SocketConfig{Ifindex: i.Index, Name: i.Name}))
	s.Refill()
	must(0, p.Register(0, s))
	fmt.Println("ready")
	time.Sleep(time.Minute)
}

// tryEverything prints the error of each thing that takes a capability, one a
// line.
func tryEverything(args []string) {
	if len(args) > 1 { // the limit of locked memory in bytes
		var limit uint64
		fmt.Sscan(args[1], &limit)
		must(0, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: limit}))
	}
	i := must(CheckInterface(args[0]))
	p, err := Attach(ProgramConfig{Ifindex: i.Index, Name: i.Name, Queues: 1})
	if err == nil {
		defer p.Close()
	}
	fmt.Printf("attach: %v\n", err)
	u := must(NewUMEM(Config{}))
	_, err = u.Open(SocketConfig{Ifindex: i.Index, Name: i.Name})
	fmt.Printf("open: %v\n", err)
}
