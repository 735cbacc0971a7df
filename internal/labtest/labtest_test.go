// SPDX-License-Identifier: GPL-3.0-or-later

package labtest

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"pvlua/netns"
)

// TestSubject is the command that the tests below run in a namespace, being this
// test binary itself: no outside program is needed.
func TestSubject(t *testing.T) {
	switch os.Getenv("LABTEST_SUBJECT") {
	case "":
		t.Log("runs only as the child of the tests below")
	case "links":
		entries, err := os.ReadDir("/sys/class/net")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			fmt.Println("link", e.Name())
		}
	case "fail":
		fmt.Println("about to fail")
		os.Exit(3)
	case "sleep":
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	}
}

func subject(t *testing.T, what string) (string, []string) {
	t.Setenv("LABTEST_SUBJECT", what)
	return "/proc/self/exe", []string{"-test.run=^TestSubject$"}
}

func TestSidesReachEachOther(t *testing.T) {
	for _, o := range []Options{{}, {Queues: 2, MTU: 3000, PFIFO: 500, GRO: true}} {
		lab := New(t, o)
		for _, at := range []string{lab.B.IP.String(), "[" + lab.B.IP6.String() + "]"} {
			var ln net.Listener
			lab.B.Do(t, func() (err error) { ln, err = net.Listen("tcp", at+":0"); return err })
			lab.A.Do(t, func() error {
				c, err := net.DialTimeout("tcp", ln.Addr().String(), 5*time.Second)
				if err == nil {
					c.Close()
				}
				return err
			})
			ln.Close()
		}
	}
}

func TestChainHasNoPathOfItsOwn(t *testing.T) {
	lab := NewChain(t, Options{NoIPv6: true})
	if lab.M.Link != "veth1" || lab.M.Link2 != "veth2" || lab.A.Link != "veth0" || lab.B.Link != "veth3" {
		t.Errorf("links of A, M, B: %+v %+v %+v", lab.A, lab.M, lab.B)
	}
	if lab.A.IP6.IsValid() || lab.M.IP.IsValid() {
		t.Errorf("A should have no IPv6 address, M no address: %+v %+v", lab.A, lab.M)
	}
	lab.A.Do(t, func() error {
		c, err := net.DialTimeout("tcp", lab.B.IP.String()+":1", 300*time.Millisecond)
		if err == nil {
			c.Close()
			return fmt.Errorf("A reaches B though nothing in M forwards")
		}
		if strings.Contains(err.Error(), "refused") {
			return fmt.Errorf("A reaches B though nothing in M forwards: %w", err)
		}
		return nil
	})
}

func TestEverythingIsGoneAfterTheTest(t *testing.T) {
	var names []string
	var p *Process
	t.Run("inner", func(t *testing.T) {
		lab := New(t, Options{})
		names = []string{lab.A.NS.Name(), lab.B.NS.Name()}
		name, args := subject(t, "sleep")
		p = lab.A.Start(t, name, args...)
		p.WaitOutput(t, "asleep", 10*time.Second)
	})
	if len(names) == 0 {
		t.SkipNow() // the inner test was skipped and has said why
	}
	select {
	case <-p.Done():
	default:
		t.Error("the background command outlived its test")
	}
	for _, n := range names {
		if ns, err := netns.Open(n); err == nil {
			ns.Close()
			t.Errorf("namespace %s outlived its test", n)
		}
	}
}

func TestCommandsSeeTheNamespace(t *testing.T) {
	lab := New(t, Options{})
	name, args := subject(t, "links")
	out := lab.A.Run(t, name, args...)
	if !strings.Contains(out, "link veth0\n") || strings.Contains(out, "link eth0") || strings.Contains(out, "link veth1") {
		t.Errorf("/sys/class/net in A should show lo and veth0 only, got:\n%s", out)
	}
}

func TestFailureOfACommandIsReported(t *testing.T) {
	lab := New(t, Options{})
	name, args := subject(t, "fail")
	out, err := lab.B.Try(t, name, args...)
	if err == nil || err.Error() != "exit status 3" || !strings.Contains(out, "about to fail") {
		t.Errorf("got error %v and output %q", err, out)
	}
}
