// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for _, c := range []struct {
		rtts        []time.Duration
		median, p99 time.Duration
	}{
		{nil, 0, 0},
		{[]time.Duration{7}, 7, 7},
		{[]time.Duration{9, 1}, 5, 9},
		{[]time.Duration{3, 1, 2}, 2, 3},
		{hundred, 50, 99},
		{append(slices.Clone(hundred), 500, 600), 51, 500}, // the 101st of 102: 99 % are not more
	} {
		before := slices.Clone(c.rtts)
		r := Result{RTTs: c.rtts}
		if r.Median() != c.median || r.P99() != c.p99 {
			t.Errorf("%v: median %d and 99th percentile %d, want %d and %d", c.rtts, r.Median(), r.P99(), c.median, c.p99)
		}
		if !slices.Equal(before, c.rtts) {
			t.Errorf("the order of the answers was changed")
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("2001:db8::2")
	good := Config{Link: "veth0", To: v4}
	for _, c := range []struct {
		kind Kind
		edit func(*Config)
		want string
	}{
		{numKinds, func(*Config) {}, "there is no probe kind 6"},
		{ARP, func(c *Config) { c.Link = "" }, "no link"},
		{ARP, func(c *Config) { c.To = v6 }, "2001:db8::2 is no address for it"},
		{ND, func(c *Config) {}, "10.0.0.5 is no address for it"},
		{ICMP, func(c *Config) { c.To = netip.Addr{} }, "is no address for it"},
		{UDP6, func(c *Config) { c.To = netip.MustParseAddr("::ffff:10.0.0.5") }, "is no address for it"},
		{ICMP, func(c *Config) { c.From = v6 }, "cannot be asked from"},
		{UDP, func(c *Config) { c.Count = 65536 }, "1 to 65535"},
		{UDP, func(c *Config) { c.Count = -1 }, "1 to 65535"},
		{UDP, func(c *Config) { c.Payload = 11 }, "12 to 65000"},
		{UDP, func(c *Config) { c.Payload = 65001 }, "12 to 65000"},
		{UDP, func(c *Config) { c.Interval = -1 }, "negative"},
		{UDP, func(c *Config) { c.Timeout = -1 }, "negative"},
	} {
		cfg := good
		c.edit(&cfg)
		_, err := Run(context.Background(), c.kind, cfg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %+v: error %v, want one with %q", c.kind, cfg, err, c.want)
		}
	}
	got, err := good.complete(ICMP)
	if err != nil || got.Count != 100 || got.Interval != time.Millisecond || got.Timeout != time.Second || got.Payload != 56 {
		t.Errorf("defaults: %+v, %v", got, err)
	}
}

func TestTable(t *testing.T) {
	us := func(n int, d float64) []time.Duration {
		s := make([]time.Duration, n)
		for i := range s {
			s[i] = time.Duration(d * float64(time.Microsecond))
		}
		return s
	}
	good := Result{Kind: ARP, Sent: 100, Answered: 100, RTTs: us(100, 21.34)}
	bad := Result{Kind: ICMP, Sent: 100, Answered: 97, Wrong: 2, Fault: "payload of answer 3 altered", RTTs: us(97, 1250.44)}
	none := Result{Kind: UDP6, Sent: 5}
	named := Result{Name: "TCP by PASS", Sent: 100, Answered: 100, RTTs: us(100, 90)}
	for _, c := range []struct {
		results []Result
		want    string
	}{
		{[]Result{good}, `probe             sent  answered       median          p99
ARP                100       100      21.3 µs      21.3 µs

all 100 probes answered
`},
		{[]Result{good, bad, none}, `probe             sent  answered       median          p99
ARP                100       100      21.3 µs      21.3 µs
ICMP echo          100        97    1250.4 µs    1250.4 µs  3 unanswered, 2 wrong (payload of answer 3 altered)
UDP over IPv6        5         0            -            -  5 unanswered

8 of 205 probes unanswered
2 wrong answers
`},
		{[]Result{named}, `probe             sent  answered       median          p99
TCP by PASS        100       100      90.0 µs      90.0 µs

all 100 probes answered
`},
		{[]Result{{Kind: ND}}, `probe             sent  answered       median          p99
ND solicitation      0         0            -            -  none sent

no probe was sent
`},
	} {
		var b strings.Builder
		if err := WriteTable(&b, c.results); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), c.want)
		}
	}
}
