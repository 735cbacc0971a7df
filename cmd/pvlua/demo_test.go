// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pvlua/internal/probe"
)

func TestProof(t *testing.T) {
	all := []probe.Result{
		{Kind: probe.ARP, Sent: 10, Answered: 10},
		{Kind: probe.UDP6, Sent: 10, Answered: 10},
		{Name: passName, Sent: 10, Answered: 10},
	}
	few := append([]probe.Result{{Kind: probe.ICMP, Sent: 10, Answered: 9}}, all...)
	twice := append([]probe.Result{{Kind: probe.ICMP, Sent: 10, Answered: 10, Wrong: 1}}, all...)
	for _, c := range []struct {
		name    string
		results []probe.Result
		totals  childTotals
		echoes  uint64
		want    string
	}{
		{"all is well", all, childTotals{tx: 20, pass: 60}, 0, ""},
		{"more was sent, as the kernel asked too", all, childTotals{tx: 23, pass: 60}, 0, ""},
		{"a probe is unanswered", few, childTotals{tx: 40, pass: 60}, 0, "not every probe was answered"},
		{"an answer is wrong", twice, childTotals{tx: 40, pass: 60}, 0, "not every probe was answered"},
		{"somebody else answers", all, childTotals{tx: 19, pass: 60}, 0, "20 probes were answered, but pvlua sent 19 packets only"},
		{"the kernel answers", all, childTotals{tx: 20, pass: 60}, 3, "the kernel itself got 3 echo requests, which pvlua was to answer"},
		{"nothing passes", all, childTotals{tx: 20, pass: 9}, 0, "10 connections were made, but pvlua passed 9 packets only"},
	} {
		var out bytes.Buffer
		err := prove(&out, c.results, c.totals, c.echoes)
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	var out bytes.Buffer
	if err := prove(&out, all, childTotals{rx: 90, tx: 21, pass: 61}, 0); err != nil {
		t.Error(err)
	}
	want := `
Proof:   echo.lua answered 20 probes; pvlua sent 21 packets (tx).
         The kernel behind it answered none: it counts 0 echo requests.
         What echo.lua leaves alone got there: 10 connections, 61 packets (pass).
`
	if out.String() != want {
		t.Errorf("got%s\nwant%s", out.String(), want)
	}
}

func TestTotalsAreRead(t *testing.T) {
	said := `pvlua: receiving port=v1 mode="native copy"
v10: rx 1 tx 2 drop 3 pass 4 error 5
v1: rx 11 tx 12 drop 13 pass 14 error 15 tx-ring-full 16
frames: 4096 owned, 4096 accounted for
`
	if got, err := parseTotals(said, "v1"); err != nil || got != (childTotals{11, 12, 13, 14, 15}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseTotals(said, "v2"); err == nil || err.Error() != "pvlua ended without totals for v2" {
		t.Errorf("%v", err)
	}
}

func TestNetworksAreFree(t *testing.T) {
	prefixes := func(list ...string) (p []netip.Prefix) {
		for _, s := range list {
			p = append(p, netip.MustParsePrefix(s))
		}
		return p
	}
	for _, c := range []struct {
		pid   int
		taken []netip.Prefix
		want  string
	}{
		{0, nil, "198.18.0.0"},
		{1, nil, "198.18.0.4"},
		{32767, nil, "198.19.255.252"},
		{32768, nil, "198.18.0.0"},
		{4194304 + 2, nil, "198.18.0.8"},
		{1, prefixes("198.18.0.4/30"), "198.18.0.8"},
		{1, prefixes("198.18.0.6/32"), "198.18.0.8"},
		{1, prefixes("198.18.0.0/16"), "198.19.0.0"},
		{32767, prefixes("198.19.0.0/16", "10.0.0.0/8", "198.18.0.0/29"), "198.18.0.8"},
	} {
		if got, err := pickNetwork(c.pid, c.taken); err != nil || got.String() != c.want {
			t.Errorf("process %d, taken %v: %v, %v, want %s", c.pid, c.taken, got, err, c.want)
		}
	}
	if _, err := pickNetwork(1, prefixes("198.18.0.0/15")); err == nil || !strings.Contains(err.Error(), "all of 198.18.0.0/15 is routed here") {
		t.Errorf("no network is free, but %v", err)
	}
	if a, b := uniqueLocal(), uniqueLocal(); a == b || !netip.MustParsePrefix("fd00::/8").Contains(a) {
		t.Errorf("%v and %v", a, b)
	}
}

func TestStageNamesFit(t *testing.T) {
	for _, pid := range []int{1, 4194304} { // the greatest pid_max of proc(5)
		if err := layoutStage(pid).lab.Check(); err != nil {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

func TestCountersOfTheKernelAreRead(t *testing.T) {
	const text = `Ip: Forwarding DefaultTTL
Ip: 1 64
Icmp: InMsgs InErrors InCsumErrors InEchos InEchoReps
Icmp: 55 0 0 17 38
IcmpMsg: InType0 InType8
IcmpMsg: 38 17
`
	for _, c := range []struct {
		group, name string
		want        uint64
	}{{"Icmp:", "InEchos", 17}, {"Icmp:", "InEchoReps", 38}, {"Ip:", "DefaultTTL", 64}, {"Icmp:", "OutEchos", 0}, {"Tcp:", "InSegs", 0}} {
		if got := snmpCounter([]byte(text), c.group, c.name); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.group, c.name, got, c.want)
		}
	}
	if got := snmpCounter([]byte("Icmp: InEchos\nIcmp:\n"), "Icmp:", "InEchos"); got != 0 {
		t.Errorf("cut short: %d", got)
	}
}

func TestLinesAreIndented(t *testing.T) {
	var out bytes.Buffer
	w := indented(&out)
	for _, part := range []string{"one\ntw", "o\n", "\n", "three"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%q: %d, %v", part, n, err)
		}
	}
	const in = "         "
	if want := in + "one\n" + in + "two\n" + in + "\n" + in + "three"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if _, err := indented(failingWriter{}).Write([]byte("x")); err == nil {
		t.Error("the error of the writer is lost")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }
