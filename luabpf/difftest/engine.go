// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
	"pvlua/state"
)

// Engine runs handlers. The zero Engine is Lua.
type Engine struct {
	Name string
	// Runners makes what handles packets in place of Lua, by port, for a script
	// that has been loaded with a store. What a runner leaves Lua handles.
	Runners func(s *luabind.State, store *state.Store) ([]luabind.Runner, error)
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

// room is what is around the packets, in bytes.
const room = 64

// watch notes which packets a runner left.
type watch struct {
	luabind.Runner
	left *[]bool
}

func (w watch) Run(p *luabind.Packet) bool {
	done := w.Runner.Run(p)
	*w.left = append(*w.left, !done)
	return done
}

// Run loads a script and has the engine handle packets. An error says why the
// engine has nothing to show: the script does not load, or does not compile.
func (e *Engine) Run(source string, packets []Packet) (*Outcome, error) {
	store := state.New()
	s, err := luabind.Load(luabind.Config{
		Script: "fuzz.lua", Source: []byte(source), Ports: handlertest.Ports(), Host: &handlertest.Host{}, Store: store,
	})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	o := new(Outcome)
	if e.Runners != nil {
		runners, err := e.Runners(s, store)
		if err != nil {
			return nil, err
		}
		for port, r := range runners {
			s.SetRunner(port, watch{r, &o.Left})
		}
	}
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
	o.State = dump(store)
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

// dump writes the counters and maps that scripts declare.
func dump(store *state.Store) string {
	var b strings.Builder
	for _, name := range Counters {
		if c, err := store.Counter(name); err == nil {
			fmt.Fprintf(&b, "%s %d\n", name, c.Get())
		}
	}
	for _, d := range Maps {
		if m, err := store.Map(d.Name, d.Shape); err == nil {
			fmt.Fprintf(&b, "%s refused %d:", d.Name, m.Refused())
			for _, item := range m.Items(time.Time{}) {
				fmt.Fprintf(&b, " %v=%v", item.Key, item.Value)
			}
			b.WriteByte('\n')
		}
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
