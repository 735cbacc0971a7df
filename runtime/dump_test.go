// SPDX-License-Identifier: GPL-3.0-or-later

package runtime

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
)

func TestDumpShowsThePacketAsItWasReceived(t *testing.T) {
	var out bytes.Buffer
	state, err := luabind.Load(luabind.Config{Script: "dump.lua", Host: &host{}, Source: []byte(`
		pv.proto{name = "greeting", fields = {{"lang", 8}, {"text", bytes = "rest"}}, udp = 9}
		function on_packet() end`)})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	w := &worker{
		state:   state,
		dump:    &dumper{out: &lockedWriter{w: &out}},
		onError: luabind.Drop,
		ports:   []*workerPort{{facts: luabind.Port{Name: "veth1"}}, {facts: luabind.Port{Name: "veth3"}}},
	}
	for range 2 { // buffers are used again
		out.Reset()
		w.packets = nil
		for range 4 {
			b := pkttest.UDP(pkttest.Options{})
			w.packets = append(w.packets, luabind.Packet{Buf: b, To: len(b)})
		}
		w.packets[1].Buf[37] = 9 // the destination port
		w.dump.received(w)
		for i := range w.packets {
			clear(w.packets[i].Buf) // what a handler may do
		}
		w.packets[0].Verdict = luabind.TX
		w.packets[1].Verdict = luabind.Pass
		w.packets[2].Verdict, w.packets[2].Out = luabind.Redirect, 1
		w.packets[3].Err = errors.New("no")
		w.dump.decided(w)
	}
	want := regexp.MustCompile(`^` +
		`\d\d:\d\d:\d\d\.\d{6} veth1 IP 10\.0\.0\.4\.1234 > 10\.0\.0\.5\.7: UDP, length 4 -> tx\n` +
		`\S+ veth1 IP \S+ > \S+: UDP, length 4 GREETING lang=\d+ -> pass\n` +
		`\S+ veth1 IP \S+ > \S+: UDP, length 4 -> veth3\n` +
		`\S+ veth1 IP \S+ > \S+: UDP, length 4 -> error, drop\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("got\n%s", out.String())
	}
}
