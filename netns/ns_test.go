// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/privileged"
	"pvlua/netns"
)

// newNS makes a namespace that is gone when the test is over.
func newNS(t *testing.T) *netns.NS {
	t.Helper()
	privileged.Require(t)
	name := labtest.Prefix(t) + "ns"
	ns, err := netns.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ns.Close()
		if err := netns.Delete(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	return ns
}

// linkNames lists the links of the calling thread's namespace.
func linkNames(t testing.TB) []string {
	t.Helper()
	ifs, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range ifs {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

// netID identifies the calling thread's network namespace.
func netID(t testing.TB) string {
	t.Helper()
	id, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", strings.Repeat("n", 256)} {
		_, errCreate := netns.Create(name)
		_, errOpen := netns.Open(name)
		for _, err := range []error{errCreate, errOpen, netns.Delete(name)} {
			if err == nil || !strings.Contains(err.Error(), "cannot be the name") {
				t.Errorf("%q: error %v", name, err)
			}
		}
	}
}

func TestLifeOfANamespace(t *testing.T) {
	ns := newNS(t)
	name := ns.Name()
	names, err := netns.Names()
	if err != nil || !slices.Contains(names, name) {
		t.Errorf("Names() = %v, %v, should have %s", names, err, name)
	}
	if _, err := netns.Create(name); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), name) {
		t.Errorf("creating it again: %v", err)
	}
	again, err := netns.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := ns.Same(again); !same || err != nil {
		t.Errorf("the opened namespace should be the created one: %v, %v", same, err)
	}
	here, err := netns.Current()
	if err != nil {
		t.Fatal(err)
	}
	if same, err := ns.Same(here); same || err != nil {
		t.Errorf("a new namespace should not be the current one: %v, %v", same, err)
	}
	if here.Name() != "" || here.String() != "the caller's namespace" || ns.String() != "namespace "+name {
		t.Errorf("names %q %q %q", here.Name(), here, ns)
	}

	// Without its name it lives on while it is open.
	if err := netns.Delete(name); err != nil {
		t.Fatal(err)
	}
	if err := ns.Do(func() error { return nil }); err != nil {
		t.Errorf("a namespace that is open but has no name any more: %v", err)
	}
	if err := netns.Delete(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleting it again: %v", err)
	}
	if _, err := netns.Open(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is gone: %v", err)
	}
	for _, n := range []*netns.NS{ns, again, here} {
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
		if err := n.Do(func() error { t.Error("ran in a closed namespace"); return nil }); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("use after Close: %v", err)
		}
	}
}

func TestWhatIsNoNamespaceIsTold(t *testing.T) {
	ns := newNS(t) // so that the directory is there
	name := ns.Name() + "x"
	path := filepath.Join("/run/netns", name)
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := netns.Open(name); err == nil || !strings.Contains(err.Error(), "is no network namespace") {
		t.Errorf("opening a plain file: %v", err)
	}
	if _, err := netns.Create(name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating over a plain file: %v", err)
	}
	if err := netns.Delete(name); err != nil { // what a killed Create left
		t.Errorf("deleting a plain file: %v", err)
	}
}

func TestDoRunsInside(t *testing.T) {
	ns := newNS(t)
	here := netID(t)
	var inside string
	failure := errors.New("its own error")
	err := ns.Do(func() error {
		inside = netID(t)
		if got := linkNames(t); !slices.Equal(got, []string{"lo"}) {
			t.Errorf("links in a new namespace: %v", got)
		}
		if lo, err := net.InterfaceByName("lo"); err != nil || lo.Flags&net.FlagUp == 0 {
			t.Errorf("lo should be up: %+v, %v", lo, err)
		}
		return failure
	})
	if err != failure {
		t.Errorf("error %v, want the function's own", err)
	}
	if inside == here || netID(t) != here {
		t.Errorf("inside %s, before %s, after %s", inside, here, netID(t))
	}
	// Nested: the way back leads to where the call came from.
	other := newNS(t)
	err = ns.Do(func() error {
		if err := other.Do(func() error {
			if id := netID(t); id == inside || id == here {
				t.Errorf("in the inner namespace: %s", id)
			}
			return nil
		}); err != nil {
			return err
		}
		if id := netID(t); id != inside {
			t.Errorf("after the inner call: %s, want %s", id, inside)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSocketsStayInside(t *testing.T) {
	ns := newNS(t)
	var l net.Listener
	if err := ns.Do(func() (err error) { l, err = net.Listen("tcp", "127.0.0.1:0"); return err }); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("a listener inside is reached from outside")
	}
	err := ns.Do(func() error {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPanicCarriesOver(t *testing.T) {
	ns := newNS(t)
	defer func() {
		v, _ := recover().(string)
		if !strings.Contains(v, "own panic") || !strings.Contains(v, "ns_test.go") {
			t.Errorf("recovered %q, want the value and the stack", v)
		}
		everyThreadIsHome(t)
	}()
	err := ns.Do(func() error { panic("own panic") })
	t.Errorf("Do returned %v after a panic", err)
}

func TestFatalCarriesOver(t *testing.T) {
	ns := newNS(t)
	returned := true
	done := make(chan struct{})
	go func() {
		defer close(done)
		returned = false
		_ = ns.Do(func() error { runtime.Goexit(); return nil }) // as t.Fatal does
		returned = true
	}()
	<-done
	if returned {
		t.Error("Do returned although its function ended its goroutine")
	}
	everyThreadIsHome(t)
}

// everyThreadIsHome fails the test if a goroutine can come to run in another namespace
// than the process's.
func everyThreadIsHome(t *testing.T) {
	t.Helper()
	home := netID(t)
	var wg sync.WaitGroup
	var barrier sync.WaitGroup
	const n = 30
	barrier.Add(n)
	for range n {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			barrier.Done()
			barrier.Wait() // so that each has a thread of its own
			if id := netID(t); id != home {
				t.Errorf("a goroutine runs in %s, not %s", id, home)
			}
		})
	}
	wg.Wait()
}

func TestThreadThatCannotReturnEnds(t *testing.T) {
	ns := newNS(t)
	var tid int
	err := ns.Do(func() error {
		tid = unix.Gettid()
		// Without CAP_SYS_ADMIN the thread can't leave. capset is per thread.
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		return unix.Capset(&hdr, &data[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	everyThreadIsHome(t)
	for range 1000 { // the thread ends soon after its goroutine
		if err := unix.Tgkill(os.Getpid(), tid, 0); err == unix.ESRCH {
			return
		}
		runtime.Gosched()
		_ = unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
	t.Errorf("thread %d, which could not leave the namespace, still lives", tid)
}

func TestFailedCreationLeavesNothing(t *testing.T) {
	ns := newNS(t)
	// A namespace without CAP_SYS_ADMIN over it cannot be made: unshare fails.
	name := ns.Name() + "y"
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for ever: the thread has lost its capabilities
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		data[0].Effective = 1 << unix.CAP_DAC_OVERRIDE
		data[0].Permitted = data[0].Effective
		if err = unix.Capset(&hdr, &data[0]); err == nil {
			_, err = netns.Create(name)
		}
	}()
	<-done
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("creating without capabilities: %v", err)
	}
	if _, err := os.Lstat(filepath.Join("/run/netns", name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the failed creation left its name: %v", err)
		os.Remove(filepath.Join("/run/netns", name))
	}
}
