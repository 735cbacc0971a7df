// SPDX-License-Identifier: GPL-3.0-or-later

package inject

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"pvlua/xsk"
)

const (
	// MaxSend is how many frames one Send takes.
	MaxSend = 1024
	// MaxLive is the longest frame that a Transmitter takes, in bytes: what is
	// left of a page beside what the kernel keeps in it for a live frame
	// (net/bpf/test_run.c).
	MaxLive = 3408

	liveFrames = 1 << 1 // BPF_F_TEST_XDP_LIVE_FRAMES
	// kernelBatch is how many frames the kernel lets a device have before it
	// lets the receivers run that this wakes. It gives a device up to 16 at once
	// (DEV_MAP_BULK_SIZE): so there is one answer to each batch, and when that
	// is a refusal nothing else is on its way. Larger ones are no faster.
	kernelBatch = 16
)

// A Transmitter sends frames out of interfaces in batches: the kernel runs a
// program that takes one frame after the other out of a UMEM and redirects it
// (BPF_PROG_RUN with live frames, Linux 5.18), which costs a copy and a place on
// the device's own ring where AF_XDP in copy mode makes an skb. A batch has a
// fixed cost of some 11 microseconds, so it pays from about 16 frames on.
//
// The kernel answers that all is well whether or not a redirected frame leaves.
// A Transmitter knows better: its witness follows the tracepoints on which the
// kernel says what became of each (witness.go).
//
// It belongs to one goroutine, locked to a thread in the network namespace of
// the interfaces. Making one takes CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON for the
// witness and CAP_SYS_ADMIN for a network namespace; sending takes none.
type Transmitter struct {
	shared  *ebpf.Map
	mem     []byte // its value: a control, as laid out in transmit_program.go
	control *control
	run     testRun
	hold    *hold
	witness *witness
	stalls  stalls
}

// NewTransmitter makes one for the frames of a UMEM whose memory is the value of
// the map frames, size bytes of it (xsk.UMEM.Map). Close releases it.
func NewTransmitter(frames *ebpf.Map, size int) (_ *Transmitter, err error) {
	t := new(Transmitter)
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if t.shared, err = newControl(); err != nil {
		return nil, fmt.Errorf("creating the map that carries descriptors: %w", err)
	}
	if t.mem, err = mapValue(t.shared, controlSize); err != nil {
		return nil, fmt.Errorf("mapping the descriptors: %w", err)
	}
	t.control = (*control)(unsafe.Pointer(&t.mem[0]))
	if t.run.prog, err = newTransmitProgram(t.shared, frames, size); err != nil {
		return nil, err
	}
	if t.witness, err = newWitness(t.shared); err != nil {
		return nil, err
	}
	if t.hold, err = newHold(t.run.prog); err != nil {
		return nil, err
	}
	// A run with nothing to take tells whether the kernel has live frames.
	if errno := t.run.call(1, liveFrames, kernelBatch); errno != 0 && errno != unix.EINTR {
		return nil, fmt.Errorf("running a program with live frames (Linux 5.18): %w", os.NewSyscallError("bpf(BPF_PROG_RUN)", errno))
	}
	return t, nil
}

// A RefusedError says why frames did not leave.
type RefusedError struct {
	Errno unix.Errno
}

// Error says what the errno means of a device that was to send a redirected
// frame.
func (e *RefusedError) Error() string {
	why := e.Errno.Error()
	switch e.Errno {
	case unix.EOPNOTSUPP:
		why = "the device takes none; a veth does if its peer has an XDP program or GRO (ethtool -K PEER gro on)"
	case unix.ENXIO:
		why = "the veth's peer has no NAPI: it is down, or has neither an XDP program nor GRO"
	case unix.ENETDOWN:
		why = "the interface is down"
	case unix.EMSGSIZE:
		why = "frame longer than the MTU"
	case unix.EINVAL, unix.ENODEV:
		why = "the interface is gone"
	}
	return "redirected frames are refused: " + why
}

// Unwrap returns the errno.
func (e *RefusedError) Unwrap() error { return e.Errno }

// patience is how long Send waits for a device without room to take one more
// frame. The receiver behind a veth may be a thread that waits for a processor.
const patience = 2 * time.Millisecond

// Send sends frames out of the interface with the given index, in order; their
// bytes are copied, so the frames are the caller's again when it returns. Of
// those it took, the first sent+dropped, the device dropped some, as its queue or
// its peer's stayed full for two milliseconds. The others, in order, have not left:
// there are more than MaxSend, or the next of them is shorter than an Ethernet
// header or longer than MaxLive, or err says why. It does not allocate unless
// there is an error.
func (t *Transmitter) Send(ifindex int, frames []xsk.Desc) (sent, dropped int, err error) {
	n := sendable(frames)
	if n == 0 {
		return 0, 0, nil
	}
	c := t.control
	c.begin(ifindex, frames[:n])
	lost := 0
	var full time.Time // since when there is no room; zero: there was
	for int(c.next) < n && err == nil {
		before := c.next
		err = t.call()
		switch errno := unix.Errno(-c.errno); errno {
		case 0:
			full = time.Time{}
			continue
		case unix.ENOBUFS:
		default:
			err = &RefusedError{errno}
			continue
		}
		lost += c.rewind()
		if now := time.Now(); full.IsZero() || c.next > before {
			full = now
		} else if now.Sub(full) > patience {
			lost += n - int(c.next)
			break
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 20e3}, nil) // for the receiver may need this processor
	}
	sent, dropped = c.outcome()
	return sent, dropped + lost, err
}

// call has the kernel take frames until it has all, or one was refused.
func (t *Transmitter) call() error {
	c := t.control
	before := c.next
	t.stalls.begin()
	errno := t.run.call(c.count-before, liveFrames, kernelBatch)
	stalled := t.stalls.end()
	// A signal ends the call between two batches.
	if errno != 0 && errno != unix.EINTR {
		return fmt.Errorf("sending live frames: %w", os.NewSyscallError("bpf(BPF_PROG_RUN)", errno))
	}
	if errno == 0 && c.next == before {
		return errors.New("sending live frames: the program ran but took none")
	}
	if stalled {
		return ErrStalled
	}
	return nil
}

// sendable is how many of frames, from the first on, one call can take.
func sendable(frames []xsk.Desc) int {
	frames = frames[:min(len(frames), MaxSend)]
	for i := range frames {
		if frames[i].Len < ethHeader || frames[i].Len > MaxLive {
			return i
		}
	}
	return len(frames)
}

// Close releases everything. A second Close does nothing.
func (t *Transmitter) Close() error {
	var errs []error
	if t.hold != nil {
		errs = append(errs, t.hold.close())
	}
	if t.witness != nil {
		errs = append(errs, t.witness.close())
	}
	if t.run.prog != nil {
		errs = append(errs, t.run.prog.Close())
	}
	if t.mem != nil {
		errs = append(errs, os.NewSyscallError("munmap", unix.Munmap(t.mem)))
	}
	if t.shared != nil {
		errs = append(errs, t.shared.Close())
	}
	*t = Transmitter{}
	return errors.Join(errs...)
}
