// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pvlua/internal/labtest"
	"pvlua/internal/pkttest"
	"pvlua/luabind"
	"pvlua/runtime"
)

// The benchmarks here are the load that make profile takes default.pgo under:
// scripts of different kinds, each with the packets that it is for, and a run on
// an interface.

// handlerLoads are scripts with their arguments, and how many ports they take.
var handlerLoads = []struct {
	script string
	args   []string
	ports  int
}{
	{"echo.lua", nil, 1},
	{"forward.lua", nil, 2},
	{"firewall.lua", nil, 2},
	{"nat.lua", []string{"--gateway", "10.0.0.1"}, 2},
	{"vlan.lua", []string{"--mode", "push", "--tag", "100"}, 2},
	{"filter.lua", []string{"--word", "secret", "--port", "80"}, 2},
	{"top.lua", nil, 1},
}

// trafficMix are 256 packets in the proportions 40 UDP echo, 25 TCP, 20 other
// UDP, 10 ping, 5 ARP, as many flows.
func trafficMix() (frames [][]byte) {
	for i := range 256 {
		src := [4]byte{10, 0, 1, 0}
		binary.BigEndian.PutUint16(src[2:], uint16(256+i))
		o := pkttest.Options{Src: netip.AddrFrom4(src), SrcPort: uint16(1024 + i), Payload: make([]byte, 18)}
		switch k := i % 20; {
		case k < 8:
			frames = append(frames, pkttest.UDP(o))
		case k < 13:
			o.DstPort = 80
			frames = append(frames, pkttest.TCPData(o))
		case k < 17:
			o.DstPort = 53
			frames = append(frames, pkttest.UDP(o))
		case k < 19:
			frames = append(frames, pkttest.ICMPEcho(o))
		default:
			frames = append(frames, pkttest.ARPRequest(o))
		}
	}
	return frames
}

// noHost is the host of handlers that run without interfaces.
type noHost struct{}

func (noHost) Send(int, []byte) bool { return true }
func (noHost) Now() time.Time        { return time.Now() }

func BenchmarkLoadHandlers(b *testing.B) {
	const batch, headroom = 64, 256
	frames := trafficMix()
	for _, load := range handlerLoads {
		b.Run(load.script, func(b *testing.B) {
			c := luabind.Config{Script: filepath.Join("../../scripts", load.script), Args: load.args, Host: noHost{}}
			for i := range load.ports {
				c.Ports = append(c.Ports, &luabind.Port{
					Index: i, Name: []string{"left", "right"}[i], MAC: 0x020000000002, IP: []uint32{0x0a000005}, MTU: 1500, Up: true, Queues: 1,
				})
			}
			state, err := luabind.Load(c)
			if err == nil {
				err = state.Start()
			}
			if err != nil {
				b.Fatal(err)
			}
			defer state.Close()
			packets := make([]luabind.Packet, batch)
			for i := range packets {
				packets[i].Buf = make([]byte, 2048)
			}
			for n := 0; n < b.N; n += batch {
				for i := range packets {
					p, f := &packets[i], frames[(n+i)%len(frames)]
					p.From, p.To = headroom, headroom+copy(p.Buf[headroom:], f)
				}
				for done := 0; done < batch; {
					done += state.Handle(packets[done:])
				}
			}
			for i := range packets {
				if packets[i].Err != nil {
					b.Fatal(packets[i].Err)
				}
			}
		})
	}
}

// BenchmarkLoadLive has scripts/echo.lua answer on a veth. An iteration is one
// datagram.
func BenchmarkLoadLive(b *testing.B) {
	lab := labtest.New(b, labtest.Options{NoIPv6: true})
	var r *runtime.Runtime
	lab.B.Do(b, func() (err error) {
		r, err = runtime.New(runtime.Config{
			Interfaces: []string{lab.B.Link}, Script: echoScript, Log: slog.New(slog.DiscardHandler),
		})
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	wire := -1
	lab.A.Do(b, func() (err error) {
		wire, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Bind(wire, &unix.SockaddrLinklayer{Ifindex: lab.A.Ifindex})
		}
		return err
	})
	defer unix.Close(wire)
	frame := pkttest.UDP(pkttest.Options{SrcMAC: [6]byte(lab.A.MAC), DstMAC: [6]byte(lab.B.MAC)})
	b.ResetTimer()
	for range b.N {
		if _, err := unix.Write(wire, frame); err != nil && err != unix.ENOBUFS {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if t := r.Totals().Ports[0]; t.Tx == 0 {
		b.Errorf("nothing was answered: %v", t)
	}
}
