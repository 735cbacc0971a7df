// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestForgottenProgram: a program is kept by the sockets that are registered
// with it, for losing the last reference would have the garbage collector
// detach it (P39).
func TestForgottenProgram(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	u := newTestUMEM(t, Config{})
	s, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, Bind: BindCopy})
	if err != nil {
		t.Fatal(err)
	}
	s.Refill()
	func() {
		p, err := Attach(ProgramConfig{Ifindex: w.dutIndex, Name: w.dut, Queues: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Register(0, s); err != nil {
			t.Fatal(err)
		}
	}()
	for range 3 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // finalizers run on their own
	}
	newPacketSocket(t, w.peerIdx).send(t, testFrame(1, 60))
	u.Free(receive(t, s, 1)[0].Addr)
	if err := s.program.Close(); err != nil {
		t.Error(err)
	}
}

// TestKill9 kills a process that holds an interface: the program is gone with
// it, packets go to the stack, and the queue can be had again at once (P28,
// P39). While the process lives, it is the one that is named.
func TestKill9(t *testing.T) {
	enterNamespace(t)
	w := newWire(t, 1)
	cmd := helper(t, "hold", w.dut)
	startAndWait(t, cmd)
	refused(t, w, fmt.Sprintf("of process %d (", cmd.Process.Pid), fmt.Sprintf("): kill %d, or: bpftool link detach id ", cmd.Process.Pid))
	u := newTestUMEM(t, Config{})
	if _, err := u.Open(SocketConfig{Ifindex: w.dutIndex, Name: w.dut, Patience: -1}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened beside another process: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	eventually(t, "interface free", func() bool { id, _ := attachedProgram(w.dutIndex); return id == 0 })
	peer, stack := newPacketSocket(t, w.peerIdx), newPacketSocket(t, w.dutIndex)
	frame := testFrame(1, 60)
	peer.send(t, frame)
	if got := stack.receive(t); !bytes.Equal(got, frame) {
		t.Errorf("the stack got %x", got)
	}
	_, sockets := open(t, u, w, ModeCopy, 1)
	peer.send(t, frame)
	u.Free(receive(t, sockets[0], 1)[0].Addr)
}
