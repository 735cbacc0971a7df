// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvlua/luabind"
	"pvlua/runtime"
	"pvlua/xsk"
)

func TestCommandLine(t *testing.T) {
	plain := func(edit func(*runtime.Config)) runtime.Config {
		c := runtime.Config{Interfaces: []string{"veth1"}, Script: "x.lua", OnError: luabind.Pass, MemoryLimit: defaultMemoryLimit()}
		if edit != nil {
			edit(&c)
		}
		return c
	}
	for _, c := range []struct {
		args []string
		want runtime.Config
	}{
		{[]string{"veth1", "x.lua"}, plain(nil)},
		{[]string{"a", "b", "c", "x.lua"}, plain(func(c *runtime.Config) { c.Interfaces = []string{"a", "b", "c"} })},
		{[]string{"veth1", "x.lua", "--", "one", "--mode", "-s"}, plain(func(c *runtime.Config) { c.Args = []string{"one", "--mode", "-s"} })},
		{[]string{"veth1", "x.lua", "--"}, plain(func(c *runtime.Config) { c.Args = []string{} })},
		{[]string{"veth1", "--mode", "generic", "x.lua"}, plain(func(c *runtime.Config) { c.Mode = xsk.ModeGeneric })},
		{[]string{"--mode=zerocopy", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.Mode = xsk.ModeZeroCopy })},
		{[]string{"--mode=native", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.Mode = xsk.ModeNative })},
		{[]string{"--mode=copy", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.Mode = xsk.ModeCopy })},
		{[]string{"veth1", "x.lua", "--queues", "2", "--batch=32", "--quota=1000"},
			plain(func(c *runtime.Config) { c.Queues, c.Batch, c.Quota = 2, 32, 1000 })},
		{[]string{"veth1", "x.lua", "--tx", "ring"}, plain(func(c *runtime.Config) { c.Tx = runtime.TxRing })},
		{[]string{"--tx=inject", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.Tx = runtime.TxInject })},
		{[]string{"veth1", "x.lua", "--on-error", "drop"}, plain(func(c *runtime.Config) { c.OnError = luabind.Drop })},
		{[]string{"veth1", "--watch", "x.lua"}, plain(func(c *runtime.Config) { c.Watch = true })},
		{[]string{"veth1", "x.lua", "--stats"}, plain(func(c *runtime.Config) { c.Stats = time.Second })},
		{[]string{"--stats", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.Stats = time.Second })},
		{[]string{"veth1", "x.lua", "--stats=200ms"}, plain(func(c *runtime.Config) { c.Stats = 200 * time.Millisecond })},
		{[]string{"--busy-poll", "veth1", "x.lua"}, plain(func(c *runtime.Config) { c.BusyPoll = 2 * time.Millisecond })},
		{[]string{"veth1", "x.lua", "--busy-poll=50us"}, plain(func(c *runtime.Config) { c.BusyPoll = 50 * time.Microsecond })},
		{[]string{"veth1", "x.lua", "--memory-limit", "200M"}, plain(func(c *runtime.Config) { c.MemoryLimit = 200 << 20 })},
		{[]string{"veth1", "x.lua", "--threaded-napi"}, plain(func(c *runtime.Config) { c.ThreadedNAPI = true })},
		{[]string{"-s", "4096", "-c", "8192", "-r", "512", "-t", "256", "-f", "1024", "-o", "2048", "veth1", "x.lua"},
			plain(func(c *runtime.Config) {
				c.Frames = xsk.Config{ChunkSize: 4096, ChunkCount: 8192, RXRing: 512, TXRing: 256, FillRing: 1024, CompletionRing: 2048}
			})},
		{[]string{"--chunk-size=2048", "--chunk-count=64", "--rx-ring=32", "--tx-ring=32", "--fill-ring=32", "--completion-ring=32", "veth1", "x.lua"},
			plain(func(c *runtime.Config) {
				c.Frames = xsk.Config{ChunkSize: 2048, ChunkCount: 64, RXRing: 32, TXRing: 32, FillRing: 32, CompletionRing: 32}
			})},
	} {
		got, _, err := parseLive(c.args)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: want -, got +\n%s", c.args, diff)
		}
	}
}

func TestVerboseAndDump(t *testing.T) {
	config, verbose, err := parseLive([]string{"veth1", "x.lua", "--verbose", "--dump"})
	if err != nil || !verbose || config.Dump == nil {
		t.Errorf("verbose %v, dump %v, error %v", verbose, config.Dump, err)
	}
}

// TestMisuse holds the whole of what is said about each mistake. All of them are
// found before anything is opened: neither veth1 nor x.lua exists.
func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"veth1"}, `pvlua: give at least one interface and a script: there is only "veth1"`},
		{[]string{"--dump"}, `pvlua: give at least one interface and a script: there is nothing`},
		{[]string{"hlep"}, `pvlua: there is no command "hlep"; did you mean pvlua help?`},
		{[]string{"x.lua", "veth1"}, `pvlua: "x.lua" is no interface: the script comes last, after all interfaces`},
		{[]string{"veth1", "--", "x.lua"}, `pvlua: give at least one interface and a script: before -- there is only "veth1"`},
		{[]string{"--", "veth1", "x.lua"}, `pvlua: give at least one interface and a script: before -- there is nothing`},
		{[]string{"veth1", "x.lua", "--fast"}, `pvlua: unknown flag: --fast`},
		{[]string{"veth1", "x.lua", "-x"}, `pvlua: unknown shorthand flag: 'x' in -x`},
		{[]string{"veth1", "x.lua", "-s"}, `pvlua: flag needs an argument: 's' in -s`},
		{[]string{"veth1", "x.lua", "--mode", "fast"}, `pvlua: --mode fast: must be auto, native, zerocopy, copy or generic`},
		{[]string{"veth1", "x.lua", "--tx", "fast"}, `pvlua: --tx fast: must be auto, ring or inject`},
		{[]string{"veth1", "x.lua", "--on-error", "tx"}, `pvlua: --on-error tx: must be pass or drop`},
		{[]string{"veth1", "x.lua", "-s", "1024"}, `pvlua: --chunk-size 1024: must be 2048 or 4096`},
		{[]string{"veth1", "x.lua", "-s", "3000"}, `pvlua: --chunk-size 3000: must be 2048 or 4096`},
		{[]string{"veth1", "x.lua", "-s", "8192"}, `pvlua: --chunk-size 8192: must be 2048 or 4096`},
		{[]string{"veth1", "x.lua", "-c", "1"}, `pvlua: --chunk-count 1: must be from 2 to 16777216`},
		{[]string{"veth1", "x.lua", "-r", "1000"}, `pvlua: --rx-ring 1000: must be a power of two, such as 512 or 1024`},
		{[]string{"veth1", "x.lua", "-t", "3"}, `pvlua: --tx-ring 3: must be a power of two, such as 2 or 4`},
		{[]string{"veth1", "x.lua", "-f", "2097152"}, `pvlua: --fill-ring 2097152: must be a power of two up to 1048576`},
		{[]string{"veth1", "x.lua", "-o", "1024"}, `pvlua: --completion-ring 1024: must be at least as big as the tx ring, 2048`},
		{[]string{"veth1", "x.lua", "-r", "0"}, `pvlua: --rx-ring 0: must be more than zero`},
		{[]string{"veth1", "x.lua", "--queues", "0"}, `pvlua: --queues 0: must be more than zero`},
		{[]string{"veth1", "x.lua", "--queues", "-1"}, `pvlua: --queues -1: must be more than zero`},
		{[]string{"veth1", "x.lua", "--batch=0"}, `pvlua: --batch 0: must be more than zero`},
		{[]string{"veth1", "x.lua", "--batch=5000"}, `pvlua: batch 5000: must be from 1 to 1024`},
		{[]string{"veth1", "x.lua", "--quota=-5"}, `pvlua: --quota -5: must be more than zero`},
		{[]string{"veth1", "x.lua", "--stats=0"}, `pvlua: --stats 0s: must be more than zero`},
		{[]string{"veth1", "x.lua", "--stats=-1s"}, `pvlua: --stats -1s: must be more than zero`},
		{[]string{"veth1", "x.lua", "--stats=1ms"}, `pvlua: --stats 1ms: must be 10ms or more`},
		{[]string{"veth1", "x.lua", "--stats=5"}, `pvlua: --stats 5: must be a time such as 1s or 200ms`},
		{[]string{"veth1", "x.lua", "--busy-poll=0"}, `pvlua: --busy-poll 0s: must be more than zero`},
		{[]string{"veth1", "x.lua", "--busy-poll=yes"}, `pvlua: --busy-poll yes: must be a time such as 1s or 200ms`},
		{[]string{"veth1", "x.lua", "--memory-limit=lots"}, `pvlua: --memory-limit lots: must be a number of bytes such as 500000, 100k, 20M or 1G`},
		{[]string{"veth1", "x.lua", "-r", "many"}, `pvlua: --rx-ring many: must be a number`},
		{[]string{"veth1", "x.lua", "-c", "-4"}, `pvlua: --chunk-count -4: must be more than zero`},
		{[]string{"veth1", "x.lua", "-c", "5000000000"}, `pvlua: --chunk-count 5000000000: must be a smaller number`},
		{[]string{"veth1", "veth1", "x.lua"}, `pvlua: interface veth1 is given twice`},
		{[]string{"--stats", "200ms", "veth1", "x.lua"}, `pvlua: "200ms" is no interface: write --stats=200ms or --busy-poll=200ms`},
		{[]string{"veth1", "x.lua", "--dump=often"}, `pvlua: --dump often: must be true or false`},
		{[]string{"veth1", "x.lua", "-r", "1000", "--mode=x", "--queues=0"}, `pvlua: --mode x: must be auto, native, zerocopy, copy or generic
pvlua: --queues 0: must be more than zero
pvlua: --rx-ring 1000: must be a power of two, such as 512 or 1024`},
		{[]string{"lua"}, `pvlua: give at least one interface and a script: there is only "lua"`},

		{[]string{"doctor"}, `pvlua doctor: give one interface`},
		{[]string{"doctor", "a", "b"}, `pvlua doctor: give one interface, not "a" "b"`},
		{[]string{"doctor", "a", "-s", "3000"}, `pvlua doctor: --chunk-size 3000: must be 2048 or 4096`},
		{[]string{"doctor", "a", "-c", "0"}, `pvlua doctor: --chunk-count 0: must be more than zero`},
		{[]string{"doctor", "a", "--mode", "x"}, `pvlua doctor: --mode x: must be auto, native, zerocopy, copy or generic`},
		{[]string{"doctor", "a", "--try"}, `pvlua doctor: unknown flag: --try`},

		{[]string{"demo", "a"}, `pvlua demo: no arguments are taken, but "a" is given`},
		{[]string{"demo", "--count", "0"}, `pvlua demo: --count 0: must be more than zero`},
		{[]string{"demo", "--count=-3"}, `pvlua demo: --count -3: must be more than zero`},
		{[]string{"demo", "--count=99999"}, `pvlua demo: --count 99999: must be at most 10000`},
		{[]string{"demo", "--count=ten"}, `pvlua demo: --count ten: must be a number`},
	} {
		command := "pvlua"
		if c.args[0] == "doctor" || c.args[0] == "demo" {
			command += " " + c.args[0]
		}
		want := c.want + "\n(" + command + " --help shows the usage)\n"
		if status, stdout, stderr := here(c.args...); status != exitUsage || stdout != "" || stderr != want {
			t.Errorf("%q: status %d, stdout %q, stderr\n%s\nwant\n%s", c.args, status, stdout, stderr, want)
		}
	}
}
