// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pvlua/internal/labtest"
)

// vlans runs vlan.lua several times in a row between A and B, each time with
// the arguments of one of stages. So the tags need no kernel that knows them.
// What the second one gets and sends is recorded in the file.
func vlans(t *testing.T, lab *labtest.Lab, mode, record string, stages ...string) (all []*run) {
	t.Helper()
	left := lab.M.Link
	lab.M.Run(t, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6") // of the links made here
	for i, args := range stages {
		right, next := fmt.Sprintf("mid%da", i), fmt.Sprintf("mid%db", i)
		if i == len(stages)-1 {
			right = lab.M.Link2
		} else {
			mtu := lab.M.Run(t, "cat", "/sys/class/net/"+lab.M.Link+"/mtu")
			lab.M.Run(t, "ip", "link", "add", right, "mtu", strings.TrimSpace(mtu), "type", "veth", "peer", "name", next, "mtu", strings.TrimSpace(mtu))
			for _, link := range []string{right, next} {
				lab.M.Run(t, "ip", "link", "set", link, "up")
			}
		}
		flags := []string{"--mode", mode, "-c", "32768", "-r", "8192", "-f", "16384"}
		if i == 1 {
			flags = append(flags, "--capture", record)
		}
		flags = append(flags, left, right, "scripts/vlan.lua", "--")
		r := start(t, lab.M, append(flags, strings.Fields(args)...)...)
		for _, link := range []string{left, right} {
			r.WaitOutput(t, "receiving port="+link, 10*time.Second)
		}
		all = append(all, r)
		left = next
	}
	return all
}

// TestVLANCarriesTags from one end of a chain to the other. Nothing is lost, and
// in the middle the packets have the tags that they should have.
func TestVLANCarriesTags(t *testing.T) { bothEngines(t, testVLANCarriesTags) }

func testVLANCarriesTags(t *testing.T) {
	need(t, "ip", "ping", "tcpdump")
	const tagged, plain = `802\.1Q \(0x8100\), length \d+: vlan %d, p 0, ethertype `, `IPv4 \(0x0800\)`
	for _, c := range []struct {
		name, mode string
		stages     []string
		middle     []string // what the packets that the second one gets and sends begin with
		mtu        int
	}{
		{"push, rewrite and pop", "native", []string{"--mode push --tag 100", "--mode rewrite --tag 100 --to 200", "--mode pop --tag 200"},
			[]string{fmt.Sprintf(tagged+"IPv4", 100), fmt.Sprintf(tagged+"IPv4", 200)}, 1500},
		{"push, rewrite and pop, generic", "generic", []string{"--mode push --tag 1", "--mode rewrite --tag 1 --to 4094", "--mode pop --tag 4094"},
			[]string{fmt.Sprintf(tagged+"IPv4", 1), fmt.Sprintf(tagged+"IPv4", 4094)}, 1500},
		{"rewrite none and another", "native", []string{"--mode push --tag 300", "--mode rewrite --tag 100 --to 200", "--mode pop --tag 300"},
			[]string{fmt.Sprintf(tagged+"IPv4", 300)}, 1500},
		{"provider", "native", []string{"--mode push --tag 100", "--mode push --tag 7", "--mode pop --tag 7", "--mode pop --tag 100"},
			[]string{fmt.Sprintf(tagged+"IPv4", 100), `802\.1Q-QinQ \(0x88a8\), length \d+: vlan 7, p 0, ethertype 802\.1Q \(0x8100\), vlan 100, p 0, ethertype IPv4`}, 1600},
		{"rewrite none", "native", []string{"--mode rewrite --tag 100 --to 200", "--mode rewrite --tag 100 --to 200"}, []string{plain}, 1500},
	} {
		t.Run(c.name, func(t *testing.T) {
			lab := newChain(t, labtest.Options{NoIPv6: true, PFIFO: 1000, MTU: c.mtu})
			for _, side := range []*labtest.Side{lab.A, lab.B} {
				side.Run(t, "ip", "link", "set", side.Link, "mtu", "1500")
			}
			record := filepath.Join(t.TempDir(), "middle.pcapng")
			all := vlans(t, lab, c.mode, record, c.stages...)
			lab.A.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", "-M", "do", "-s", "1472", lab.B.IP.String())
			lab.B.Run(t, "ping", "-c", "3", "-i", "0.02", "-W", "2", "-M", "do", "-s", "1472", lab.A.IP.String())
			transfer(t, lab.A, lab.B, 5<<20)
			transfer(t, lab.B, lab.A, 5<<20)
			var before int
			for i, r := range all {
				sum := 0
				totals := r.stop(t)
				totals.lossless(t)
				for _, port := range totals {
					sum += port["rx"]
					if port["drop"]+port["pass"] != 0 {
						t.Errorf("stage %d: %v", i, totals)
					}
				}
				if i > 0 && sum != before {
					t.Errorf("stage %d had %d packets, the one before %d", i, sum, before)
				}
				before = sum
			}
			text := lab.M.Run(t, "tcpdump", "-enr", record)
			count, others := make([]int, len(c.middle)), 0
			for _, line := range strings.Split(text, "\n") {
				if !strings.Contains(line, "ICMP echo") {
					continue
				}
				others++
				for i, kind := range c.middle {
					if regexp.MustCompile("ethertype " + kind).MatchString(line) {
						count[i]++
						others--
					}
				}
			}
			// Requests and answers, twice 6, received and sent.
			for i, n := range count {
				if n != 2*2*6/len(count) || others != 0 {
					t.Errorf("in the middle %d packets were %s, and %d neither", n, c.middle[i], others)
				}
			}
		})
	}
}

// TestVLANKeepsNetworksApart drops what is of another network where tags are
// popped.
func TestVLANKeepsNetworksApart(t *testing.T) { bothEngines(t, testVLANKeepsNetworksApart) }

func testVLANKeepsNetworksApart(t *testing.T) {
	need(t, "ip", "ping")
	for _, stages := range [][]string{
		{"--mode pop --tag 100"}, // what comes is not tagged at all
		{"--mode push --tag 100", "--mode pop --tag 101"},
		{"--mode push --tag 101", "--mode push --tag 100", "--mode pop --tag 101"}, // that one is not the outermost
	} {
		lab := newChain(t, labtest.Options{NoIPv6: true})
		all := vlans(t, lab, "native", filepath.Join(t.TempDir(), "record.pcapng"), stages...)
		if _, err := lab.A.Try(t, "ping", "-c", "2", "-i", "0.1", "-W", "1", lab.B.IP.String()); err == nil {
			t.Errorf("%q: got through", stages)
		}
		for i, r := range all {
			rx, drop := 0, 0
			totals := r.stop(t)
			totals.lossless(t)
			for _, port := range totals {
				rx += port["rx"]
				drop += port["drop"]
			}
			if i < len(all)-1 && drop != 0 || i == len(all)-1 && drop != rx || rx == 0 {
				t.Errorf("%q, number %d: %v", stages, i+1, totals)
			}
		}
	}
}

// launch runs pvlua like start, but does not wait for anything.
func launch(t *testing.T, side *labtest.Side, args ...string) *run {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = ".."
	return &run{side.StartCmd(t, cmd)}
}

// TestVLANArguments that make no sense end it with status 3, saying why.
func TestVLANArguments(t *testing.T) { bothEngines(t, testVLANArguments) }

func testVLANArguments(t *testing.T) {
	need(t)
	lab := newChain(t, labtest.Options{NoIPv6: true})
	for args, want := range map[string]string{
		"":                                "--mode is missing; it must be given as in -- --mode TEXT",
		"--mode push":                     "--tag is missing",
		"--mode shove --tag 1":            `--mode is "shove"; expected push, pop or rewrite`,
		"--mode push --tag 4095":          `--tag is "4095"; expected a whole number from 1 to 4094`,
		"--mode push --tag 1.5":           `--tag is "1.5"; expected a whole number from 1 to 4094`,
		"--mode rewrite --tag 1 --to 0":   `--to is "0"; expected a whole number from 1 to 4094`,
		"--mode rewrite --tag 1 --too 11": "there is no argument --too; did you mean --to?",
	} {
		r := launch(t, lab.M, append([]string{lab.M.Link, lab.M.Link2, "scripts/vlan.lua", "--"}, strings.Fields(args)...)...)
		if status := r.status(t); status != 3 || !strings.Contains(r.Output(), want) {
			t.Errorf("%s: status %d: %s; want %s", args, status, r.Output(), want)
		}
	}
}
