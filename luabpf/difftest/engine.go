// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/state"
)

// Engine runs handlers. The zero Engine is Lua.
type Engine struct {
	Name string
	// Runners makes what handles packets in place of Lua, for a script that has
	// been loaded with a store and ports: for those of them that packets come in
	// on. What a runner leaves Lua handles. close releases them.
	Runners func(s *luabind.State, store *state.Store, ports []*luabind.Port, in []int) (all []luabind.Runner, close func(), err error)
}

// Outcome is what a script did with packets.
type Outcome struct {
	// Packets says what became of each packet.
	Packets []string
	// Left is which of them the engine left to Lua.
	Left []bool
	// State is the counters and maps after them.
	State string
}

// Packet is a packet that comes in.
type Packet struct {
	Frame []byte
	Port  int
}

// room is what is around the packets, in bytes: in front as much as
// BPF_PROG_RUN has (XDP_PACKET_HEADROOM of linux/bpf.h).
const room = 256

// watch notes which packets a runner left, and sees that they are as they were.
type watch struct {
	luabind.Runner
	left *[]bool
}

func (w watch) Run(p *luabind.Packet) bool {
	before := bytes.Clone(p.Buf[p.From:p.To])
	done := w.Runner.Run(p)
	if after := p.Buf[p.From:p.To]; !done && !bytes.Equal(before, after) {
		p.Err = fmt.Errorf("a packet that was left had been changed to %x", after)
		done = true
	}
	*w.left = append(*w.left, !done)
	return done
}

// Attach has the engine handle the packets that come in on some ports, for a
// script that was loaded with a store and ports. Of each packet it appends to
// left whether it left that for Lua. When the script is not used any more, detach
// is to be called.
func (e *Engine) Attach(s *luabind.State, store *state.Store, ports []*luabind.Port, in []int, left *[]bool) (detach func(), err error) {
	if e.Runners == nil {
		return func() {}, nil
	}
	runners, detach, err := e.Runners(s, store, ports, in)
	if err != nil {
		return nil, err
	}
	for i, r := range runners {
		s.SetRunner(in[i], watch{r, left})
	}
	return detach, nil
}

// Run loads a script and has the engine handle packets. An error says why the
// engine has nothing to show: the script does not load, or does not compile.
func (e *Engine) Run(source string, packets []Packet) (*Outcome, error) {
	return e.RunFile("fuzz.lua", source, packets)
}

// RunFile is Run for a script that is there under that name.
func (e *Engine) RunFile(name, source string, packets []Packet) (*Outcome, error) {
	store := state.New()
	ports := handlertest.Ports()
	s, err := luabind.Load(luabind.Config{
		Script: name, Source: []byte(source), Ports: ports, Host: &handlertest.Host{}, Store: store,
	})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Start(); err != nil {
		return nil, err
	}
	o := new(Outcome)
	var in []int
	for _, p := range packets {
		if !slices.Contains(in, p.Port) {
			in = append(in, p.Port)
		}
	}
	detach, err := e.Attach(s, store, ports, in, &o.Left)
	if err != nil {
		return nil, err
	}
	defer detach()
	batch := make([]luabind.Packet, len(packets))
	for i, p := range packets {
		buf := bytes.Repeat([]byte{0xee}, 2*room+len(p.Frame))
		copy(buf[room:], p.Frame)
		batch[i] = luabind.Packet{Buf: buf, From: room, To: room + len(p.Frame), Port: p.Port}
	}
	for rest := batch; len(rest) > 0; {
		rest = rest[s.Handle(rest):]
	}
	for i := range batch {
		o.Packets = append(o.Packets, describe(&batch[i]))
	}
	o.State = Dump(store)
	return o, nil
}

// describe says what became of a packet.
func describe(p *luabind.Packet) string {
	b := p.Buf[p.From:p.To]
	switch {
	case p.Err != nil:
		return fmt.Sprintf("%v, %x", p.Err, b)
	case p.Verdict == luabind.Redirect:
		return fmt.Sprintf("port %d, %x", p.Out, b)
	}
	return fmt.Sprintf("%s, %x", p.Verdict, b)
}

// Dump writes the counters and maps of a store.
func Dump(store *state.Store) string {
	var b strings.Builder
	counters, maps := store.Names()
	for _, name := range counters {
		if c, err := store.Counter(name); err == nil {
			fmt.Fprintf(&b, "%s %d\n", name, c.Get())
		}
	}
	for _, name := range maps {
		m, _ := store.Lookup(name)
		fmt.Fprintf(&b, "%s refused %d:", name, m.Refused())
		for _, item := range m.Items(new(handlertest.Host).Now()) {
			fmt.Fprintf(&b, " %v=%v", item.Key, item.Value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Difference says in what the outcome of an engine differs from that of Lua, ""
// if in nothing.
func Difference(lua, other *Outcome) string {
	for i := range lua.Packets {
		if lua.Packets[i] != other.Packets[i] {
			return fmt.Sprintf("packet %d:\n%s\nLua:\n%s", i+1, other.Packets[i], lua.Packets[i])
		}
	}
	if lua.State != other.State {
		return fmt.Sprintf("counters and maps:\n%sLua:\n%s", other.State, lua.State)
	}
	return ""
}
