// SPDX-License-Identifier: GPL-3.0-or-later

package netns_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
)

// These tests look at the frames, not at the settings: what arrives at one end must be
// what would be on a wire. Each first proves, with the offload on again, that it
// would notice if it were otherwise.

// setFeatures switches device features of a link in the calling thread's namespace.
func setFeatures(link string, on bool, names ...string) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	change := make(map[string]bool)
	for _, n := range names {
		change[n] = on
	}
	return e.Change(link, change)
}

// frame is what is known about a frame that arrived.
type frame struct {
	length  int
	partial bool // the L4 checksum is not filled in
}

// capture takes note of what arrives at a side's link until stop is called.
func capture(t *testing.T, s *labtest.Side, ethertype uint16) (stop func() []frame) {
	t.Helper()
	var fd int
	s.Do(t, func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return err
		}
		// Room for everything: a frame not captured proves nothing.
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ethertype<<8 | ethertype>>8, Ifindex: s.Ifindex})
	})
	t.Cleanup(func() { unix.Close(fd) })
	return func() (frames []frame) {
		buf, oob := make([]byte, 1<<17), make([]byte, 256)
		for {
			n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, unix.MSG_DONTWAIT)
			if err == unix.EAGAIN {
				return frames
			}
			if err != nil {
				t.Fatal(err)
			}
			if ll := from.(*unix.SockaddrLinklayer); ll.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			f := frame{length: n}
			msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range msgs {
				if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA {
					aux := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
					f.partial = aux.Status&unix.TP_STATUS_CSUMNOTREADY != 0
				}
			}
			frames = append(frames, f)
		}
	}
}

// transfer sends bytes over TCP from one side to the other.
func transfer(t *testing.T, from, to *labtest.Side, bytes int) {
	t.Helper()
	var ln net.Listener
	to.Do(t, func() (err error) { ln, err = net.Listen("tcp", to.IP.String()+":0"); return err })
	defer ln.Close()
	received := make(chan int64)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			received <- -1
			return
		}
		defer c.Close()
		n, _ := io.Copy(io.Discard, c)
		received <- n
	}()
	from.Do(t, func() error {
		c, err := net.DialTimeout("tcp", ln.Addr().String(), 5*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write(make([]byte, bytes))
		return err
	})
	if n := <-received; n != int64(bytes) {
		t.Fatalf("%d bytes of %d arrived", n, bytes)
	}
}

func TestFramesAreAsOnAWire(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	measure := func() (longest, partial int) {
		stop := capture(t, lab.B, unix.ETH_P_IP)
		transfer(t, lab.A, lab.B, 1<<20)
		frames := stop()
		total := 0
		for _, f := range frames {
			longest = max(longest, f.length)
			total += f.length
			if f.partial {
				partial++
			}
		}
		if total < 1<<20 {
			t.Fatalf("only %d bytes were captured", total)
		}
		return longest, partial
	}
	if longest, partial := measure(); longest > 1514 || partial > 0 {
		t.Errorf("frames of up to %d bytes, %d without checksum (P17, P18)", longest, partial)
	}
	lab.A.Do(t, func() error {
		return setFeatures(lab.A.Link, true, "tx-scatter-gather", "tx-checksum-ip-generic", "tx-tcp-segmentation", "tx-generic-segmentation")
	})
	if longest, partial := measure(); longest <= 1514 || partial == 0 {
		t.Errorf("with the offloads on, frames of up to %d bytes, %d without checksum: this test would not notice", longest, partial)
	}
}

func TestVLANTagsAreInTheFrame(t *testing.T) {
	lab := labtest.New(t, labtest.Options{NoIPv6: true})
	pushVLAN(t, lab.A)
	tagged := countTagged(t, lab.B)
	send := func() {
		t.Helper()
		lab.A.Do(t, func() error {
			c, err := net.Dial("udp", lab.B.IP.String()+":9")
			if err != nil {
				return err
			}
			defer c.Close()
			for range 5 { // before the neighbour is known that makes ARP requests, tagged as well
				if _, err := c.Write([]byte("x")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	send()
	if with, without := tagged(); with == 0 || without > 0 {
		t.Errorf("%d frames with their tag and %d without (P19)", with, without)
	}
	lab.A.Do(t, func() error { return setFeatures(lab.A.Link, true, "tx-vlan-hw-insert") })
	// Nobody answers tagged requests, and the kernel repeats one only after a second.
	lab.A.Do(t, func() error {
		l, err := netlink.LinkByName(lab.A.Link)
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, IP: lab.B.IP.AsSlice(), HardwareAddr: lab.B.MAC, State: netlink.NUD_PERMANENT})
	})
	send()
	if _, without := tagged(); without == 0 {
		t.Error("with the offload on, no frame lacks its tag: this test would not notice")
	}
}

// pushVLAN has the kernel tag everything that a side sends, as a VLAN link does: the tag
// is beside the frame, for the device to insert.
func pushVLAN(t *testing.T, s *labtest.Side) {
	t.Helper()
	proto := int32(binary.NativeEndian.Uint16([]byte{0x81, 0x00}))
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R2, proto),
		asm.Mov.Imm(asm.R3, 42),
		asm.FnSkbVlanPush.Call(),
		asm.Mov.Imm(asm.R0, 0), // TC_ACT_OK
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	s.Do(t, func() error {
		qdisc := &netlink.GenericQdisc{QdiscType: "clsact", QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: s.Ifindex, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}}
		if err := netlink.QdiscAdd(qdisc); err != nil {
			return err
		}
		return netlink.FilterAdd(&netlink.BpfFilter{Fd: prog.FD(), Name: "push", DirectAction: true, FilterAttrs: netlink.FilterAttrs{
			LinkIndex: s.Ifindex, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL}})
	})
}

// countTagged attaches an XDP program that counts the frames which have a VLAN tag and
// those that have none, where XDP sees them.
func countTagged(t *testing.T, s *labtest.Side) (read func() (with, without uint64)) {
	t.Helper()
	counts, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { counts.Close() })
	tag := int32(binary.NativeEndian.Uint16([]byte{0x81, 0x00}))
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, 14),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R5, asm.R2, 12, asm.Half), // EtherType
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.JNE.Imm(asm.R5, tag, "count"),
		asm.StoreImm(asm.RFP, -4, 1, asm.Word),
		asm.LoadMapPtr(asm.R1, counts.FD()).WithSymbol("count"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "pass"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 2).WithSymbol("pass"), // XDP_PASS
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	s.Do(t, func() error {
		l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: s.Ifindex})
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	})
	return func() (with, without uint64) {
		for key, v := range map[uint32]*uint64{0: &without, 1: &with} {
			if err := counts.Lookup(key, v); err != nil {
				t.Fatal(err)
			}
		}
		return with, without
	}
}
