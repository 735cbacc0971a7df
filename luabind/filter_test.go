// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pvlua/internal/pkttest"
)

// deaf is a host to which nothing matters.
type deaf struct{}

func (deaf) Send(int, []byte) bool { return true }
func (deaf) Now() time.Time        { return time.Unix(0, 0) }

// loadFilter loads a script that has a filter called wanted.
func loadFilter(t *testing.T, source string) (*State, *Filter) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "filter.lua")
	if err := os.WriteFile(path, []byte("local pv = require 'pv' function on_packet(pkt) return pv.DROP end\n"+source), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Load(Config{Script: path, Host: deaf{}, Ports: []*Port{{Name: "a"}}, Quota: 10000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	f, err := s.NewFilter("wanted")
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

// batch makes datagrams to ports 0, 1, 2, ...
func filterBatch(n int) []Packet {
	var pkts []Packet
	for i := range n {
		b := pkttest.UDP(pkttest.Options{DstPort: uint16(i + 1)})
		pkts = append(pkts, Packet{Buf: b, To: len(b)})
	}
	return pkts
}

func TestFilterChooses(t *testing.T) {
	s, f := loadFilter(t, `function wanted(pkt) return pkt.udp.dport % 2 == 0 end`)
	pkts, keep := filterBatch(6), []bool{true, false, true, false, true, false}
	for range 3 {
		if err := f.Choose(pkts, keep); err != nil {
			t.Fatal(err)
		}
		for i, k := range keep {
			if k != (i%2 == 1) {
				t.Errorf("packet %d: %v", i, k)
			}
		}
		s.Handle(pkts)
		for _, p := range pkts {
			if p.Verdict != Drop || p.Err != nil {
				t.Errorf("%+v", p)
			}
		}
	}
}

func TestFilterErrorsKeepThePacket(t *testing.T) {
	_, f := loadFilter(t, `function wanted(pkt)
		if pkt.udp.dport == 2 then pkt.udp.sport = 9 error "two" end
		if pkt.udp.dport == 3 then while true do end end
		pkt.udp.dport = 77
		return false
	end`)
	pkts, keep := filterBatch(4), make([]bool, 4)
	err := f.Choose(pkts, keep)
	var script *ScriptError
	if !errors.As(err, &script) || script.Line != 3 || script.Msg != "two" {
		t.Errorf("%v", err)
	}
	for i, want := range []bool{false, true, true, false} {
		if keep[i] != want {
			t.Errorf("packet %d: %v", i, keep[i])
		}
	}
	for i, p := range filterBatch(4) {
		if !bytes.Equal(p.Buf, pkts[i].Buf) {
			t.Errorf("the filter changed packet %d", i)
		}
	}
}

func TestFilterByAnotherName(t *testing.T) {
	s, _ := loadFilter(t, `function wanted() end`)
	for name, hint := range map[string]string{"wnted": "; did you mean wanted?", "zzz": "", "print": ""} {
		_, err := s.NewFilter(name)
		want := "filter.lua: the script defines no global function " + name + "(pkt) for the capture's filter" + hint
		var script *ScriptError
		if !errors.As(err, &script) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", name, err, want)
		}
	}
}

func TestFilterDoesNotAllocate(t *testing.T) {
	_, f := loadFilter(t, `function wanted(pkt) local udp = pkt.udp return udp ~= nil and udp.dport == 7 end`)
	pkts, keep := filterBatch(32), make([]bool, 32)
	f.Choose(pkts, keep)
	if n := testing.AllocsPerRun(100, func() { f.Choose(pkts, keep) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
