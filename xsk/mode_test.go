// SPDX-License-Identifier: GPL-3.0-or-later

package xsk

import (
	"flag"
	"io"
	"slices"
	"testing"
)

func TestModeText(t *testing.T) {
	for m := ModeAuto; m <= ModeGeneric; m++ {
		got, err := ParseMode(m.String())
		if err != nil || got != m {
			t.Errorf("%v: parsed as %v, %v", m, got, err)
		}
		f := flag.NewFlagSet("", flag.ContinueOnError)
		var v Mode
		f.TextVar(&v, "mode", ModeAuto, "")
		if err := f.Parse([]string{"--mode", m.String()}); err != nil || v != m {
			t.Errorf("--mode %v: %v, %v", m, v, err)
		}
	}
	want := `unknown mode "fast": use one of auto, native, zerocopy, copy, generic`
	if _, err := ParseMode("fast"); text(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	v := ModeCopy
	f.TextVar(&v, "mode", ModeCopy, "")
	if err := f.Parse([]string{"--mode", "fast"}); err == nil || v != ModeCopy {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := Mode(99).MarshalText(); err == nil || Mode(99).String() != "Mode(99)" {
		t.Error("mode 99 has a name")
	}
}

func TestModeLadders(t *testing.T) {
	for _, c := range []struct {
		mode     Mode
		attach   []AttachMode
		onNative []BindMode
	}{
		{ModeAuto, []AttachMode{Native, Generic}, []BindMode{BindZeroCopy, BindCopy}},
		{ModeNative, []AttachMode{Native}, []BindMode{BindZeroCopy, BindCopy}},
		{ModeZeroCopy, []AttachMode{Native}, []BindMode{BindZeroCopy}},
		{ModeCopy, []AttachMode{Native}, []BindMode{BindCopy}},
		{ModeGeneric, []AttachMode{Generic}, nil},
	} {
		if got := c.mode.attachLadder(); !slices.Equal(got, c.attach) {
			t.Errorf("%v attaches as %v, want %v", c.mode, got, c.attach)
		}
		if got := c.mode.BindLadder(Native); c.onNative != nil && !slices.Equal(got, c.onNative) {
			t.Errorf("%v binds as %v on native, want %v", c.mode, got, c.onNative)
		}
		if got := c.mode.BindLadder(Generic); !slices.Equal(got, []BindMode{BindCopy}) {
			t.Errorf("%v binds as %v on generic", c.mode, got)
		}
	}
	for _, c := range []struct{ got, want string }{
		{Native.String(), "native"}, {Generic.String(), "generic"},
		{BindAuto.String(), "auto"}, {BindZeroCopy.String(), "zero-copy"}, {BindCopy.String(), "copy"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
