// SPDX-License-Identifier: GPL-3.0-or-later

package capture

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pvlua/luabind"
	"pvlua/pcap"
)

func TestComments(t *testing.T) {
	failed := &luabind.ScriptError{Script: "a.lua", Line: 7, Msg: "no"}
	for _, c := range []struct{ got, want string }{
		{string(AppendReceived(nil, "veth1", luabind.Drop, "", nil)), "received on veth1 -> drop"},
		{string(AppendReceived(nil, "veth1", luabind.Pass, "", nil)), "received on veth1 -> pass"},
		{string(AppendReceived(nil, "veth1", luabind.TX, "", nil)), "received on veth1 -> tx"},
		{string(AppendReceived(nil, "veth1", luabind.Redirect, "veth3", nil)), "received on veth1 -> veth3"},
		{string(AppendReceived(nil, "veth1", luabind.Drop, "", failed)), "received on veth1 -> error, drop: a.lua:7: no"},
		{string(AppendTransmitted(nil, "veth3")), "transmitted by veth3"},
		{string(AppendPassed(nil, "veth1")), "passed to the stack of veth1, changed"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestHostileMessages may have anything from the network in them.
func TestHostileMessages(t *testing.T) {
	for _, message := range []string{"\x00\xff\xfe", strings.Repeat("é", 100_000), strings.Repeat("\x80", 100_000), "x" + strings.Repeat("€", 5000), strings.Repeat("\x00", 3000), strings.Repeat("€\x00", 1000)} {
		got := AppendReceived(nil, "veth1", luabind.Pass, "", errors.New(message))
		if !utf8.Valid(got) || strings.Contains(string(got), "\x00") {
			t.Errorf("%.50q gives %.80q", message, got)
		}
		if len(got) > pcap.MaxComment {
			t.Errorf("%.50q gives %d bytes", message, len(got))
		}
	}
}
