// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"errors"
	"os"
	"testing"
)

func TestConfigDefaults(t *testing.T) {
	got := Config{}.Defaults(1500)
	want := Config{
		ChunkSize: 2048, ChunkCount: 4096, Sockets: 1, Reserve: 512,
		RXRing: 2048, TXRing: 2048, FillRing: 4096, CompletionRing: 4096,
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if c := (Config{Sockets: 3}).Defaults(1500); c.ChunkCount != 3*4096 {
		t.Errorf("3 sockets: %d chunks", c.ChunkCount)
	}
	if c := (Config{TXRing: 8192}).Defaults(0); c.CompletionRing != 8192 {
		t.Errorf("completion ring %d for a tx ring of 8192", c.CompletionRing)
	}
	for mtu, want := range map[int]uint32{0: 2048, 1500: 2048, 1774: 2048, 1775: 4096, 3500: 4096} {
		if c := (Config{}).Defaults(mtu); c.ChunkSize != want {
			t.Errorf("chunk size %d for MTU %d, want %d", c.ChunkSize, mtu, want)
		}
	}
}

func TestConfigMaxFrame(t *testing.T) {
	for c, want := range map[Config]int{
		{}: 1792, {ChunkSize: 2048}: 1792, {ChunkSize: 4096}: 3840, {ChunkSize: 4096, Headroom: 64}: 3776,
	} {
		if got := c.MaxFrame(); got != want {
			t.Errorf("%+v: %d, want %d", c, got, want)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	if os.Getpagesize() != 4096 {
		t.Skip("the texts are for pages of 4096 bytes")
	}
	for _, c := range []struct {
		config Config
		mtu    int
		want   string // empty: no misfit
	}{
		{Config{}, 0, ""},
		{Config{}, 1500, ""},
		{Config{}, 3822, ""}, // the default chunk becomes 4096
		{Config{ChunkSize: 2048}, 1774, ""},
		{Config{ChunkSize: 4096, Headroom: 3392}, 0, ""},
		{Config{RXRing: 1, TXRing: 1, FillRing: 1, CompletionRing: 1, ChunkCount: 2}, 0, ""},
		{Config{ChunkSize: 1024}, 0, "chunk size 1024: must be 2048 or 4096"},
		{Config{ChunkSize: 3000}, 0, "chunk size 3000: must be 2048 or 4096"},
		{Config{ChunkSize: 8192}, 9000, "chunk size 8192: must be 2048 or 4096"},
		{Config{ChunkCount: 1}, 0, "chunk count 1: must be from 2 to 16777216"},
		{Config{ChunkCount: 1 << 25}, 0, "chunk count 33554432: must be from 2 to 16777216"},
		{Config{ChunkCount: 64, Reserve: 64}, 0, "reserve 64: must be less than the 64 chunks"},
		{Config{ChunkCount: 64, Sockets: 60}, 0, "chunk count 64: must be at least 68, one for each of 60 sockets and 8 in reserve"},
		{Config{RXRing: 1000}, 0, "rx ring 1000: must be a power of two, such as 512 or 1024"},
		{Config{TXRing: 3}, 0, "tx ring 3: must be a power of two, such as 2 or 4"},
		{Config{FillRing: 5000}, 0, "fill ring 5000: must be a power of two, such as 4096 or 8192"},
		{Config{FillRing: 1 << 21}, 0, "fill ring 2097152: must be a power of two up to 1048576"},
		{Config{CompletionRing: 1024}, 0, "completion ring 1024: must be at least as big as the tx ring, 2048"},
		{Config{Headroom: 1345}, 0, "headroom 1345: must be at most 1344 for chunks of 2048"},
		{Config{Headroom: 4000}, 1500, "headroom 4000: must be at most 3392 for chunks of 4096"},
		{Config{ChunkSize: 2048}, 1775, "chunk size 2048: must be 4096 for an MTU of 1775"},
		{Config{}, 3823, "MTU 3823: must be at most 3822 with chunks of 4096 and headroom 0"},
		{Config{ChunkSize: 2048}, 9000, "MTU 9000: must be at most 3822 with chunks of 4096 and headroom 0"},
		{Config{ChunkSize: 1, RXRing: 6, CompletionRing: 3}, 0, "chunk size 1: must be 2048 or 4096\n" +
			"rx ring 6: must be a power of two, such as 4 or 8\n" +
			"completion ring 3: must be a power of two, such as 2 or 4\n" +
			"completion ring 3: must be at least as big as the tx ring, 2048"},
	} {
		err := c.config.Check(c.mtu)
		if got := text(err); got != c.want {
			t.Errorf("%+v with MTU %d:\n%s\nwant\n%s", c.config, c.mtu, got, c.want)
		}
		var m *Misfit
		if err != nil && !errors.As(err, &m) {
			t.Errorf("%v has no Misfit", err)
		}
		if _, made := newUMEM(c.config, newFakeKernel()); c.mtu == 0 && (made == nil) != (err == nil) {
			t.Errorf("%+v: Check says %v, making it %v", c.config, err, made)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
