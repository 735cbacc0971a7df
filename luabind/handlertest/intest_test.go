// SPDX-License-Identifier: GPL-3.0-or-later

package handlertest_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/packet"
)

// lines is a TestHost that keeps what is printed, and can do little else.
type lines struct {
	handlertest.Host
	printed []string
}

func (h *lines) Write(b []byte) (int, error) {
	h.printed = append(h.printed, strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

func (h *lines) SetTime(time.Time)                                    {}
func (h *lines) Sent(int) []luabind.SentFrame                         { return nil }
func (h *lines) Lines() []string                                      { return nil }
func (h *lines) Golden(string, [][]byte, *packet.Protocols) error     { return nil }
func (h *lines) Datagrams() []luabind.Datagram                        { return nil }
func (h *lines) Deliver([]byte, netip.AddrPort, uint16) (bool, error) { return false, nil }
func (h *lines) Exit(int)                                             {}
func (h *lines) ExitStatus() (int, bool)                              { return 0, false }
func (h *lines) OpenUDP(luabind.UDPConfig) (luabind.UDPSocket, error) { return nil, errors.New("none") }

// test.handle does what a live run does: the same verdict, bytes and errors.
func TestInTests(t *testing.T) {
	for _, c := range handlertest.Cases() {
		if strings.Contains(c.Err, "the frame has room for") {
			continue // frames have another size here
		}
		t.Run(c.Name, func(t *testing.T) {
			var text strings.Builder
			for _, b := range c.Packet {
				fmt.Fprintf(&text, `\%03d`, b)
			}
			tests := fmt.Sprintf(`
local packet, port = "%s", %d
function test_it()
  local ok, verdict, after = pcall(test.handle, packet, port)
  if not ok then return print("error", verdict) end
  print(type(verdict) == "number" and verdict or 4, type(verdict) ~= "number" and verdict.index or 1)
  print((after:bytes(0, #after):gsub(".", function(c) return ("%%02x"):format(c:byte()) end)))
end`, text.String(), c.Port+1)
			h := &lines{}
			s, err := luabind.LoadTest(luabind.Config{
				Script: handlertest.Name, Source: []byte(c.Script()), Ports: handlertest.Ports(), Host: h, Stdout: h,
			}, "tests.lua", []byte(tests), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.RunTest("test_it"); err != nil {
				t.Fatal(err)
			}
			p := luabind.Packet{Buf: bytes.Clone(c.Packet), To: len(c.Packet), Port: c.Port}
			last := h.printed[len(h.printed)-1]
			if _, msg, failed := strings.Cut(last, "error\t"); failed {
				p.Err = errors.New(msg)
			} else {
				if p.Buf, err = hex.DecodeString(last); err != nil {
					t.Fatal(err)
				}
				p.To = len(p.Buf)
				fmt.Sscan(h.printed[len(h.printed)-2], &p.Verdict, &p.Out)
				p.Out--
			}
			if err := c.Check(&p); err != nil {
				t.Errorf("%v\n%s", err, c.Script())
			}
		})
	}
}
