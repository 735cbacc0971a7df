// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Scripts load, what they do with packets is of all sorts, and each construct
// of the language and the API comes up.
func TestGenerated(t *testing.T) {
	const count = 200
	ends := make(map[string]int)
	var all strings.Builder
	for seed := range uint64(count) {
		rng := rand.New(rand.NewPCG(seed, 1))
		source := script(rng).String()
		all.WriteString(source)
		var lua Engine
		o, err := lua.Run(source, Packets(rng, 50))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, source)
		}
		for _, p := range o.Packets {
			what, _, _ := strings.Cut(p, " ")
			what = strings.TrimSuffix(what, ",")
			if strings.HasPrefix(what, "fuzz.lua:") {
				what = "error"
			}
			ends[what]++
		}
	}
	for what, least := range map[string]int{"drop": 10, "pass": 10, "tx": 20, "port": 10, "error": 2} {
		if percent := ends[what] * 100 / (count * 50); percent < least || what == "error" && percent > 25 {
			t.Errorf("%d %% of the packets end with %s", percent, what)
		}
	}
	if ends["none"] > 0 {
		t.Error("a packet ended with nothing")
	}
	for _, construct := range []string{
		"for ", "while ", "repeat", "elseif", "else\n", "break", " and ", " or ", "not ", "%", "math.floor(", "math.max(", "bit32.extract(",
		"bit32.arshift(", ":add()", ":set(", ":insert(", ":delete(", ":get(", "t1[", "t2[", "pkt:set_u16(", "pkt:u32(", "#pkt",
		"pkt:reply()", "pkt:push(", "pkt:pull(", "pkt:resize(", "fix_checksums", "me:owns(", "pcall", "last =", ".slla", ".frag_id", ".mss", ".vid",
		"ip6.src", "eth.dst, eth.src", "return pv.ports[2]", "local function f1(pkt",
	} {
		if !strings.Contains(all.String(), construct) {
			t.Errorf("no script has %q", construct)
		}
	}
}
