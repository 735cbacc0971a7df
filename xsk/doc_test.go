// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// reflect is the example of the package's documentation, word for word but for
// the package's name.
func reflect(name string, stopped func() bool) error {
	i, err := CheckInterface(name)
	if err != nil {
		return err
	}
	u, err := NewUMEM(Config{}.Defaults(i.MTU))
	if err != nil {
		return err
	}
	defer u.Close()
	p, err := Attach(ProgramConfig{Ifindex: i.Index, Queues: i.Queues})
	if err != nil {
		return err
	}
	defer p.Close()
	s, err := u.Open(SocketConfig{Ifindex: i.Index, Bind: BindCopy})
	if err != nil {
		return err
	}
	s.Refill() // before the first packet comes
	if err := p.Register(0, s); err != nil {
		return err
	}
	for batch := make([]Desc, 64); !stopped(); {
		s.Complete()
		s.Refill()
		n := s.Receive(batch)
		for _, d := range batch[:n] {
			swapMACs(u.Packet(d))
		}
		taken := s.Transmit(batch[:n])
		for _, d := range batch[taken:n] {
			u.Free(d.Addr) // the ring is full: dropped
		}
		if err := s.Kick(); err != nil && !errors.Is(err, ErrLinkDown) {
			return err
		}
		if n == 0 { // 1 ms, for no event tells of completions
			unix.Poll([]unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}}, 1)
		}
	}
	return nil
}

func swapMACs(b []byte) {
	var dst [6]byte
	copy(dst[:], b)
	copy(b, b[6:12])
	copy(b[6:12], dst[:])
}

// TestDocumentationRuns compares the example with the function above, and runs
// that.
func TestDocumentationRuns(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(source), "\nfunc reflect(")
	example, _, _ = strings.Cut("func reflect("+example, "\n}\n")
	shown := strings.ReplaceAll(strings.ReplaceAll(string(doc), "\n//\t", "\n"), "xsk.", "")
	if !strings.Contains(shown, example+"\n}\n") {
		t.Errorf("the documentation does not have\n%s\n}", example)
	}

	enterNamespace(t)
	w := newWire(t, 1)
	peer := newPacketSocket(t, w.peerIdx)
	// The example blocks, and this thread is the one within the namespace: what
	// the test does meanwhile runs from its loop.
	turn, frame := 0, testFrame(1, 60)
	err = reflect(w.dut, func() bool {
		turn++
		peer.send(t, frame)
		return turn > 20
	})
	if err != nil {
		t.Fatal(err)
	}
	swapMACs(frame)
	for i := range 15 {
		if got := peer.receive(t); !bytes.Equal(got, frame) {
			t.Fatalf("packet %d: %x, want %x", i, got, frame)
		}
	}
}
