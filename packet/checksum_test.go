// SPDX-License-Identifier: GPL-3.0-or-later

package packet

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"pvlua/internal/pkttest"
)

// TestChecksumRFC is the example of RFC 1071 §3.
func TestChecksumRFC(t *testing.T) {
	if got := Checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 0); got != ^uint16(0xddf2) {
		t.Errorf("%#04x, want %#04x", got, ^uint16(0xddf2))
	}
}

// TestChecksumTwin holds Checksum against its twin at every length, with bytes
// that make many carries and with none.
func TestChecksumTwin(t *testing.T) {
	for _, fill := range []func(i int) byte{
		func(int) byte { return 0 },
		func(int) byte { return 0xff },
		func(i int) byte { return byte(i * 77) },
		func(i int) byte { return byte(0xff >> (i & 1)) },
		func(i int) byte { return byte(^i) | 0x80 },
	} {
		all := make([]byte, 300)
		for i := range all {
			all[i] = fill(i)
		}
		for from := range 9 {
			for n := range len(all) - from {
				b := all[from : from+n : from+n]
				if got, want := Checksum(b, 0), ^uint16(twinSum(b)); got != want {
					t.Fatalf("%d bytes from %d: %#04x, want %#04x", n, from, got, want)
				}
			}
		}
	}
}

func TestChecksumInitial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		initial := rapid.Uint32().Draw(t, "initial")
		words := []byte{byte(initial >> 24), byte(initial >> 16), byte(initial >> 8), byte(initial)}
		if got, want := Checksum(b, initial), ^uint16(twinSum(words, b)); got != want {
			t.Fatalf("%#04x, want %#04x", got, want)
		}
	})
}

// checksums gives where the checksums of b are: that of IPv4 and the one above
// it, 0 for none.
func checksums(b []byte) (ip, l4 int) {
	l := walked(b)
	if l.Present(IP) {
		ip = int(l.Off[IP]) + 10
	}
	return ip, int(l.sum)
}

// twinWrong tells, by adding up all words, which checksum of a whole packet is
// wrong.
func twinWrong(b []byte) (wrong string) {
	l := twinWalk(b)
	var pseudo []byte
	var length int
	switch {
	case l.Present(IP):
		ip := int(l.Off[IP])
		ihl := int(b[ip]&15) * 4
		if twinSum(b[ip:ip+ihl]) != 0xffff {
			wrong += "ip "
		}
		total, _ := number(b, ip+2, 2)
		length = total - ihl
		pseudo = append(pseudo, b[ip+12:ip+20]...)
	case l.Present(IP6):
		ip := int(l.Off[IP6])
		payload, _ := number(b, ip+4, 2)
		end := ip + 40 + payload
		length = end - int(l.Off[l.l4()%NumHeaders])
		pseudo = append(pseudo, b[ip+8:ip+40]...)
	}
	h := l.l4()
	if h == NumHeaders || l.has(Fragmented) || l.has(Truncated) && h != UDP {
		return wrong
	}
	off := int(l.Off[h])
	if h == UDP {
		// The length is UDP's own, 0 stands for a jumbogram: RFC 2675 §4.
		if n, _ := number(b, off+4, 2); n != 0 || l.Present(IP) {
			length = n
		}
		if length < 8 || off+length > int(l.NetEnd) {
			return wrong
		}
		if sum, _ := number(b, off+6, 2); sum == 0 {
			if l.Present(IP6) {
				wrong += "udp"
			}
			return wrong
		}
	}
	if h == ICMP {
		pseudo = nil
	} else {
		pseudo = append(pseudo, byte(length>>8), byte(length), 0, l.Proto)
	}
	if twinSum(pseudo, b[off:off+length]) != 0xffff {
		wrong += h.String()
	}
	return wrong
}

func TestVerify(t *testing.T) {
	udp, udp6, syn := pkttest.UDP(pkttest.Options{}), pkttest.UDP6(pkttest.Options{}), pkttest.TCPSyn(pkttest.Options{})
	zeros := patched(pkttest.ICMPEcho(pkttest.Options{Payload: []byte{}}), 34, 0, 0, 0xff, 0xff, 0, 0, 0, 0)
	routed := pkttest.Extensions(pkttest.Options{Extensions: []pkttest.Extension{
		{Number: 43, Bytes: []byte{0, 2, 4, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}},
	}})
	odd := pkttest.Extensions(pkttest.Options{Extensions: []pkttest.Extension{
		{Number: 43, Bytes: []byte{0, 3, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8}},
	}})
	first := pkttest.Fragments(pkttest.Options{})[0]
	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"right", "", udp},
		{"ip", "ip checksum is 0x26c4, should be 0x2678", patched(udp, 24, 0x26, 0xc4)},
		{"udp", "udp checksum is 0x0001, should be 0x0824", patched(udp, 40, 0, 1)},
		{"udp without one", "", patched(udp, 40, 0, 0)},
		{"udp of impossible length", "", patched(udp, 38, 0, 7)},
		{"udp longer than ip", "", patched(udp, 38, 1, 0)},
		{"udp6", "udp checksum is 0x0001, should be 0xc0b7", patched(udp6, 60, 0, 1)},
		{"udp6 without one", "udp checksum is 0x0000, should be 0xc0b7", patched(udp6, 60, 0, 0)},
		{"tcp", "tcp checksum is 0x0000, should be 0x3045", patched(syn, 50, 0, 0)},
		{"tcp cut short", "", patched(syn, 50, 0, 0)[:60]},
		{"first fragment", "", patched(first, 40, 1, 2)},
		{"icmp of zeros", "", zeros},
		{"icmp of zeros with zero", "icmp checksum is 0x0000, should be 0xffff", patched(zeros, 36, 0, 0)},
		// The destination in the pseudo-header is the end of the route.
		{"source-routed", "", patched(routed, 53, 9)},
		{"source-routed wrongly", "udp checksum is 0xc0b7, should be 0xc0ae", patched(routed, 54+23, 11)},
		{"source-routed with half an address too much", "", patched(odd, 53, 9)},
		{"routed in an unknown way", "", patched(routed, 54+2, 3, 1, 0, 0, 0, 0, 9)},
	} {
		l := walked(c.b)
		err := VerifyChecksums(c.b, &l)
		if got := errorText(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if err != nil && !errors.As(err, new(*ChecksumError)) {
			t.Errorf("%s: a %T", c.name, err)
		}
		// Fixing makes it right and does not change what is.
		b := bytes.Clone(c.b)
		FixChecksums(b, &l)
		if err := VerifyChecksums(b, &l); err != nil {
			t.Errorf("%s, fixed: %v", c.name, err)
		}
		if err == nil && !bytes.Equal(b, c.b) {
			t.Errorf("%s: fixing changed it", c.name)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestVerifyIP4Route checks that the pseudo-header of a packet with an IPv4
// source route holds the last address of it.
func TestVerifyIP4Route(t *testing.T) {
	// The checksum is made for 10.0.0.5, then the packet is sent by way of
	// 10.0.0.9 and 10.0.0.5 comes last in the route.
	b := pkttest.UDP(pkttest.Options{IPOptions: []byte{131, 11, 4, 10, 0, 0, 7, 10, 0, 0, 5, 0}})
	l := walked(b)
	if !l.has(Routed) || l.Routing != 34 {
		t.Fatalf("facts %#x, route at %d", l.Facts, l.Routing)
	}
	if err := Lookup(IP, "dst").SetUint(b, &l, 10<<24|9); err != nil {
		t.Fatal(err)
	}
	if err := VerifyChecksums(b, &l); err != nil {
		t.Error(err)
	}
	b[34+10]++
	if err := VerifyChecksums(b, &l); err == nil || err.Error()[:2] != "ip" {
		t.Errorf("changed route: %v", err)
	}
	FixChecksums(b, &l)
	if err := VerifyChecksums(b, &l); err != nil {
		t.Error(err)
	}
}

// TestVerifyTwin holds the check and the repair of random packets against the
// twin.
func TestVerifyTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		l := walked(b)
		if w := twinWrong(b); w != "" {
			t.Fatalf("generator: %s wrong", w)
		}
		if err := VerifyChecksums(b, &l); err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(b)
		FixChecksums(b, &l)
		if !bytes.Equal(b, before) {
			t.Fatalf("fixing changed a right packet\n%x\n%x", before, b)
		}
		at := rapid.IntRange(int(l.from), len(b)).Draw(t, "at")
		if at < len(b) {
			b[at] = rapid.Byte().Draw(t, "byte")
		}
		if wrong := twinWrong(b) != ""; wrong != (VerifyChecksums(b, &l) != nil) {
			t.Fatalf("wrong %v, %v: %x", wrong, VerifyChecksums(b, &l), b)
		}
		FixChecksums(b, &l)
		if w := twinWrong(b); w != "" {
			t.Fatalf("%s wrong after fixing: %x", w, b)
		}
	})
}

func TestCompletePartial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genPacket(t)
		l := walked(b)
		want := bytes.Clone(b)
		if CompletePartial(b, &l) && !bytes.Equal(b, want) || !bytes.Equal(b, want) {
			t.Fatalf("changed a complete packet")
		}
		h := l.l4()
		if h != TCP && h != UDP {
			return
		}
		// What the kernel leaves: the sum of the pseudo-header.
		var pseudo []byte
		length := int(l.to) - int(l.Off[h])
		if l.Present(IP) {
			pseudo = b[l.Off[IP]+12 : l.Off[IP]+20]
		} else {
			pseudo = b[l.Off[IP6]+8 : l.Off[IP6]+40]
		}
		sum := twinSum(pseudo, []byte{0, l.Proto, byte(length >> 8), byte(length)})
		b[l.sum], b[l.sum+1] = byte(sum>>8), byte(sum)
		if !CompletePartial(b, &l) {
			t.Fatalf("not seen as partial: %x", b)
		}
		if w := twinWrong(b); w != "" {
			t.Fatalf("%s wrong after completing: %x", w, b)
		}
		b[l.sum+1]++
		if b[l.sum+1] != byte(sum) && CompletePartial(b, &l) {
			t.Fatalf("a wrong checksum seen as partial: %x", b)
		}
	})
	// The sum of the pseudo-header where the checksum cannot be computed.
	cut := patched(pkttest.TCPData(pkttest.Options{}), 50, 0x14, 0x27)
	if l := walked(cut); !CompletePartial(cut, &l) {
		t.Errorf("not seen as partial: %x", cut)
	}
	cut = patched(cut, 50, 0x14, 0x27)[:len(cut)-2]
	for _, p := range append(pkttest.Fragments(pkttest.Options{}), cut, pkttest.ICMPEcho(pkttest.Options{}), nil) {
		l := walked(p)
		if CompletePartial(p, &l) {
			t.Errorf("completed %x", p)
		}
	}
}
