// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/yuin/gopher-lua/ast"

	"pvlua/internal/pkttest"
	"pvlua/luabind"
	"pvlua/luabpf/ir"
	"pvlua/packet"
)

// script is a handler in its simplest form: statements one after another, which
// are skipped where a header that they name is not there. It is lowered, and
// done by package packet, and both must agree on all that is read, and on the
// bytes of the packet.
type script []statement

// statement reads header.field, or asks for the header if there is no field, or
// assigns a value to it, or the field from if there is one.
type statement struct {
	header packet.HeaderID
	field  *packet.Field
	assign bool
	value  value
	from   *packet.Field
	joins  bool   // the paths join after it
	call   string // it does one of calls instead
	at     *ast.StringExpr
}

func (s statement) String() (text string) {
	name := s.header.String()
	if s.field != nil {
		name = s.field.String()
	}
	if s.joins {
		defer func() { text += ";" }()
	}
	switch {
	case s.call != "":
		return s.call
	case s.assign && s.from != nil:
		return fmt.Sprintf("%s = %s", name, s.from)
	case s.assign:
		return fmt.Sprintf("%s = %d%q", name, s.value.n, s.value.text)
	}
	return name
}

// lowered makes the IR of a script.
func (s script) lowered(t *testing.T) *ir.Func {
	hoisted := make(map[ast.PositionHolder]ir.Site)
	for range 100 {
		c := &compiler{f: &ir.Func{Name: "test.lua"}, hoisted: hoisted, causes: make(map[ir.Site]ir.Site), opts: Options{Ports: testPorts}}
		for i := range 2 * len(s) {
			c.f.Counters = append(c.f.Counters, ir.Counter{Name: fmt.Sprint(i)})
		}
		p := &path{block: c.f.NewBlock(), pkt: newLayout(), spans: make(map[ir.Reg]span)}
		first := c.f.NewBlock()
		c.jump(p, first)
		p.block = first
		for _, p := range s.lower(c, p) {
			p = c.settle(p)
			for _, n := range p.counts {
				in := ir.Instr{Op: ir.CountAdd, Ref: int32(n.counter), A: n.reg, B: ir.None, Dst: ir.None, Imm: n.n}
				if n.reg != ir.None && n.n != 0 {
					in.A = c.binary(p, ir.Add, n.reg, n.n)
				}
				p.block.Instrs = append(p.block.Instrs, in)
			}
			p.block.Term = ir.Term{Kind: ir.Return, Verdict: ir.TX}
		}
		if c.again {
			continue
		}
		if err := ir.Verify(c.f); err != nil {
			t.Fatalf("%v: %v\n%s", s, err, c.f)
		}
		return c.f
	}
	t.Fatalf("%v: does not settle", s)
	return nil
}

// lower does the statements, and joins paths where the script says so.
func (s script) lower(c *compiler, p *path) []*path {
	paths := []*path{p}
	for i, st := range s {
		var next []*path
		for _, p := range paths {
			next = append(next, st.lower(c, p, i)...)
		}
		paths = next
		if st.joins {
			paths = joined(c, paths)
		}
	}
	return paths
}

// joined has paths go on as one, those that have changed nothing apart.
func joined(c *compiler, paths []*path) (out []*path) {
	groups := make(map[bool][]results)
	for _, p := range paths {
		changed := len(p.changes) > 0
		groups[changed] = append(groups[changed], results{path: p})
	}
	for _, g := range groups {
		out = append(out, c.merge(g).path)
	}
	return out
}

// calls are methods of the packet, in the compiler and by package packet.
var calls = map[string]struct {
	lower func(*compiler, *path, ast.PositionHolder) []result
	do    func(*oracle) (int64, bool)
}{
	"reply": {(*compiler).reply, func(o *oracle) (int64, bool) {
		packet.SwapEnds(o.b, &o.l)
		if o.l.Present(packet.Eth) && o.b[6]&1 != 0 {
			binary.BigEndian.PutUint32(o.b[6:], uint32(testPorts[0].MAC>>16))
			binary.BigEndian.PutUint16(o.b[10:], uint16(testPorts[0].MAC))
		}
		return int64(ir.TX), true
	}},
	"fix_checksums": {(*compiler).fixChecksums, func(o *oracle) (int64, bool) {
		packet.FixChecksums(o.b, &o.l)
		return 0, false
	}},
	"#payload": {func(c *compiler, p *path, _ ast.PositionHolder) []result { return c.payloadLen(p) }, func(o *oracle) (int64, bool) {
		from, to := o.l.Payload()
		return int64(to - from), true
	}},
}

// lower does one statement, which is number i of a script.
func (st statement) lower(c *compiler, p *path, i int) (out []*path) {
	if st.call != "" {
		for _, r := range calls[st.call].lower(c, p, st.at) {
			record(c, r.path, 2*i+1, r.value)
			out = append(out, r.path)
		}
		return out
	}
	view := func(p *path, h packet.HeaderID) []result {
		return c.property(p, value{kind: isPacket}, h.String(), st.at)
	}
	for _, r := range view(p, st.header) {
		record(c, r.path, 2*i, whole(b2n(r.kind == isHeader)))
		switch {
		case r.kind == isNil || st.field == nil:
			out = append(out, r.path)
			continue
		case !st.assign:
			for _, v := range c.property(r.path, r.value, st.field.Name, st.at) {
				record(c, v.path, 2*i+1, v.value)
				out = append(out, v.path)
			}
			continue
		}
		values := one(r.path, st.value)
		if st.from != nil {
			values = nil
			for _, q := range view(r.path, st.from.Header) {
				if q.kind == isNil {
					out = append(out, q.path)
					continue
				}
				values = append(values, c.property(q.path, q.value, st.from.Name, st.at)...)
			}
		}
		for _, v := range values {
			if v.kind == isNil {
				out = append(out, v.path)
				continue
			}
			out = append(out, c.assign(v.path, r.value, st.field.Name, v.value, st.at)...)
		}
	}
	return out
}

func b2n(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// record notes what a path has read.
func record(c *compiler, p *path, i int, v value) {
	switch v.kind {
	case isNil:
		return
	case isAddress:
		c.addTo(p, i, ranged(v.reg, 0, 0))
		c.addTo(p, i, ranged(v.reg2, 0, 0))
		return
	case isBool:
		v.kind = isNumber
	}
	c.addTo(p, i, v)
	c.addTo(p, i, whole(1))
}

// oracle does what a script says by package packet.
type oracle struct {
	b      []byte
	l      packet.Layout
	counts []int64
}

// run does the statements; false if one raises an error.
func (o *oracle) run(s script) bool {
	o.l.Walk(o.b)
	o.counts = make([]int64, 2*len(s))
	for i, st := range s {
		if st.call != "" {
			if n, ok := calls[st.call].do(o); ok {
				o.counts[2*i+1] += n + 1
			}
			continue
		}
		has := o.l.Present(st.header)
		o.counts[2*i] += 1 + b2n(has)
		if !has || st.field == nil {
			continue
		}
		if !st.assign {
			if v, ok := o.read(st.field); ok {
				o.counts[2*i+1] += v
			}
			continue
		}
		if !o.assign(st) {
			return false
		}
	}
	return true
}

// read gives what record adds for a field.
func (o *oracle) read(f *packet.Field) (int64, bool) {
	if f.Kind == packet.IPv6 {
		b, ok := f.Bytes(o.b, &o.l)
		if !ok {
			return 0, false
		}
		return int64(binary.LittleEndian.Uint64(b) + binary.LittleEndian.Uint64(b[8:])), true
	}
	n, ok := f.Uint(o.b, &o.l)
	return int64(n) + 1, ok
}

func (o *oracle) assign(st statement) bool {
	if st.field.Kind == packet.IPv6 {
		b := []byte(st.value.text)
		if st.from != nil {
			if !o.l.Present(st.from.Header) {
				return true
			}
			var ok bool
			if b, ok = st.from.Bytes(o.b, &o.l); !ok {
				return true
			}
			b = bytes.Clone(b)
		}
		return st.field.SetBytes(o.b, &o.l, b) == nil
	}
	n := uint64(st.value.n)
	if st.from != nil {
		if !o.l.Present(st.from.Header) {
			return true
		}
		var ok bool
		if n, ok = st.from.Uint(o.b, &o.l); !ok {
			return true
		}
	}
	return st.field.SetUint(o.b, &o.l, n) == nil
}

// counted is memory with counters only.
type counted struct {
	ir.Memory
	counts []int64
}

func (m *counted) CountAdd(i int, n int64) { m.counts[i] += n }

// outcome is how often scripts ended one way or the other.
type outcome struct{ ran, exited int }

// compare runs a script both ways on a packet.
func (s script) compare(t *testing.T, f *ir.Func, b []byte, n *outcome) {
	o := oracle{b: bytes.Clone(b)}
	right := o.run(s)
	p := &ir.Packet{Buf: slices.Concat(make([]byte, 64), b, make([]byte, 64)), From: 64, To: 64 + len(b)}
	m := &counted{counts: make([]int64, 2*len(s))}
	got, err := ir.Run(f, p, m)
	if err != nil {
		t.Fatalf("%v on %x: %v\n%s", s, b, err, f)
	}
	if got.Verdict == 0 {
		n.exited++
		if !bytes.Equal(p.Buf[p.From:p.To], b) {
			t.Fatalf("%v on %x: exit after a change", s, b)
		}
		if site := f.Sites[got.Site]; right && !site.Rare {
			t.Fatalf("%v on %x: exit: %s", s, b, site.Reason)
		}
		return
	}
	n.ran++
	if !right {
		t.Fatalf("%v on %x: an error is ignored\n%s", s, b, f)
	}
	if after := p.Buf[p.From:p.To]; !bytes.Equal(after, o.b) {
		t.Fatalf("%v on %x:\n got %x\nwant %x\n%s", s, b, after, o.b, f)
	}
	if !slices.Equal(m.counts, o.counts) {
		t.Fatalf("%v on %x:\n got %v\nwant %v\n%s", s, b, m.counts, o.counts, f)
	}
}

// packets are some of each sort, and each of them damaged in many ways.
func packets(r *rand.Rand, n int) (all [][]byte) {
	named := pkttest.All()
	for len(all) < n {
		b := bytes.Clone(named[r.IntN(len(named))].Frame)
		if r.IntN(4) == 0 {
			b = winding(r)
		}
		if r.IntN(5) == 0 {
			b = slices.Concat(b[:12], []byte{[...]byte{0x81, 0x88}[r.IntN(2)], [...]byte{0, 0xa8}[r.IntN(2)], byte(r.IntN(256)), byte(r.IntN(256))}, b[12:])
		}
		for range r.IntN(4) {
			damage(r, b)
		}
		if r.IntN(6) == 0 {
			b = b[:r.IntN(len(b)+1)]
		}
		all = append(all, b)
	}
	return all
}

// winding makes a packet with many or odd options or extension headers.
func winding(r *rand.Rand) []byte {
	var o pkttest.Options
	o.Payload = make([]byte, r.IntN(30))
	switch r.IntN(4) {
	case 0:
		for range r.IntN(11) {
			e := pkttest.Extension{Number: [...]uint8{60, 60, 43, 44, 51, 135, 0}[r.IntN(7)], Bytes: make([]byte, 8+8*r.IntN(3))}
			e.Bytes[1] = byte(len(e.Bytes)/8 - 1)
			if e.Number == 51 {
				e.Bytes[1] = byte(len(e.Bytes)/4 - 2)
			}
			e.Bytes[2], e.Bytes[3] = byte(r.IntN(5)), byte(r.IntN(3))
			o.Extensions = append(o.Extensions, e)
		}
		return pkttest.UDP6(o)
	case 1:
		for len(o.IPOptions) < 4*r.IntN(10) {
			switch r.IntN(4) {
			case 0:
				o.IPOptions = append(o.IPOptions, 1)
			case 1:
				o.IPOptions = append(o.IPOptions, 131+6*byte(r.IntN(2)), 7, byte(r.IntN(9)), 10, 0, 0, byte(r.IntN(256)))
			default:
				n := 2 + r.IntN(6)
				o.IPOptions = append(o.IPOptions, append([]byte{7, byte(n)}, make([]byte, n-2)...)...)
			}
		}
		o.IPOptions = o.IPOptions[:min(len(o.IPOptions), 40)&^3]
		if r.IntN(2) == 0 {
			return pkttest.UDP(o)
		}
		return pkttest.TCPData(o)
	case 2:
		b := pkttest.TCPSyn(o)
		for at := 54; at < 72; {
			n := copy(b[at:74], [...][]byte{{1}, {1}, {2, 4, 5, 0xb4}, {3, 3, 7}, {4, 2}, {8, 10, 0, 0, 0, 9, 0xff, 0xff, 0, 1}, {5, 6, 1, 2, 3, 4}, {2, 3, 1}, {0}}[r.IntN(9)])
			at += n
		}
		return b
	}
	b := pkttest.NeighborSolicit(o)
	many := r.IntN(4)
	if r.IntN(8) == 0 {
		many = 30 + r.IntN(5)
	}
	for range many {
		option := make([]byte, 8+8*r.IntN(2))
		option[0], option[1] = byte(r.IntN(4)), byte(len(option)/8)
		at := 78
		b = slices.Concat(b[:at], option, b[at:])
		binary.BigEndian.PutUint16(b[18:], uint16(len(b)-54))
	}
	return b
}

// damage changes a byte or word of a packet, most often to something that
// means something there.
func damage(r *rand.Rand, b []byte) {
	if len(b) < 16 {
		return
	}
	i := r.IntN(len(b))
	if r.IntN(2) == 0 {
		i = 12 + r.IntN(min(len(b), 64)-12)
	}
	switch r.IntN(8) {
	case 0:
		b[i] = byte(r.IntN(256))
	case 1:
		b[i] = [...]byte{0, 1, 2, 6, 17, 43, 44, 51, 58, 60, 131, 134, 135, 136, 137, 255}[r.IntN(16)]
	case 2:
		b[i] += byte(r.IntN(5)) - 2
	case 3:
		b[i] ^= 1 << r.IntN(8)
	case 4: // words of ones or zeros
		i &^= 1
		if i+1 < len(b) {
			b[i], b[i+1] = 0xff, 0xff
		}
	case 5:
		i &^= 1
		if i+1 < len(b) {
			b[i], b[i+1] = 0, 0
		}
	case 6: // the headers' own fields
		var l packet.Layout
		l.Walk(b)
		for h := packet.HeaderID(packet.NumHeaders); h > 0; h-- {
			if l.Present(h-1) && r.IntN(2) == 0 {
				f := packet.Headers[h-1].Fields[r.IntN(len(packet.Headers[h-1].Fields))]
				v := uint64(r.IntN(1 << min(f.Width, 30)))
				if r.IntN(2) == 0 {
					v = [...]uint64{0, 7, 8, 0xff, 0xffff, 0xffffffff, 0x0001fffe}[r.IntN(7)]
				}
				_ = f.SetUint(b, &l, v)
				return
			}
		}
	case 7: // a message of zeros
		var l packet.Layout
		l.Walk(b)
		if l.Present(packet.ICMP) {
			clear(b[l.Off[packet.ICMP]:])
			if r.IntN(2) == 0 {
				b[l.Off[packet.ICMP]+2], b[l.Off[packet.ICMP]+3] = 0xff, 0xff
			}
		}
	}
}

// position makes a place in a script.
func position(line int) *ast.StringExpr {
	e := &ast.StringExpr{}
	e.SetLine(line)
	return e
}

// testPorts are two ports.
var testPorts = []luabind.Port{
	{Index: 0, Name: "veth0", MAC: 0x020000000005, IP: []uint32{0x0a000005}, IP6: [][16]byte{{0xfe, 0x80, 15: 5}, {0x20, 1, 0x0d, 0xb8, 15: 2}}, MTU: 1500},
	{Index: 1, Name: "veth1", MAC: 0x020000000006, IP: []uint32{0x0a000006, 0x0a000105}, MTU: 1500},
}

// randomScript makes a script that reads or assigns fields.
func randomScript(r *rand.Rand, n int, writes bool) (s script) {
	family := r.IntN(4)
	for i := range n {
		h := packet.HeaderID(r.IntN(packet.NumHeaders))
		if r.IntN(4) > 0 {
			h = [...][]packet.HeaderID{{packet.Eth, packet.IP, packet.UDP}, {packet.Eth, packet.ARP, packet.VLAN}, {packet.IP6, packet.ICMP6, packet.TCP}, {packet.IP, packet.ICMP, packet.TCP}}[family][r.IntN(3)]
		}
		st := statement{header: h, at: position(i + 1), joins: r.IntN(3) == 0}
		fields := packet.Headers[h].Fields
		f := fields[r.IntN(len(fields))]
		if r.IntN(5) > 0 && f.Kind != packet.Bytes {
			st.field = f
			if writes && !f.ReadOnly && !f.Structural && r.IntN(3) > 0 {
				st.assign = true
				st.value, st.from = randomValue(r, f)
			}
		}
		if r.IntN(8) == 0 && writes {
			st.call = [...]string{"reply", "fix_checksums", "#payload"}[r.IntN(3)]
		}
		s = append(s, st)
	}
	return s
}

// randomValue makes what can be assigned to a field: a constant, or another
// field of its kind.
func randomValue(r *rand.Rand, f *packet.Field) (v value, from *packet.Field) {
	if r.IntN(2) == 0 {
		var same []*packet.Field
		for _, h := range packet.Headers {
			for _, o := range h.Fields {
				if o.Kind == f.Kind && o.Width <= f.Width {
					same = append(same, o)
				}
			}
		}
		return value{}, same[r.IntN(len(same))]
	}
	switch {
	case f.Kind == packet.IPv6:
		b := make([]byte, 16)
		if r.IntN(3) > 0 {
			for i := range b {
				b[i] = [...]byte{byte(r.IntN(256)), 0xff}[r.IntN(2)]
			}
		}
		return text(string(b)), nil
	case f.Kind == packet.Bool:
		return boolean(r.IntN(2) == 0), nil
	}
	top := int64(1)<<f.Width - 1
	return whole([...]int64{0, top, r.Int64N(top + 1), 1}[r.IntN(4)]), nil
}

func testScripts(t *testing.T, seed uint64, writes bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	var n outcome
	for range 300 {
		s := randomScript(r, 1+r.IntN(6), writes)
		f := s.lowered(t)
		for _, b := range packets(r, 100) {
			s.compare(t, f, b, &n)
		}
	}
	t.Logf("%d runs, %d exits", n.ran, n.exited)
	if n.exited > n.ran/4 {
		t.Errorf("%d of %d ended by an exit", n.exited, n.ran+n.exited)
	}
}

// TestReads reads fields of headers, which is as if each header was looked up,
// in all orders.
func TestReads(t *testing.T) { testScripts(t, 1, false) }

// TestAssigns assigns fields as well.
func TestAssigns(t *testing.T) { testScripts(t, 2, true) }
