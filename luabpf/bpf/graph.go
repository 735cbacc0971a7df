// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

// graph says which registers can't share a register of the machine, because
// one is set while the other's value is still needed.
type graph struct {
	edges  []set
	degree []int // how many edges
	costly []float64
	moves  []*insn // copies between registers that may share one
}

// interference makes the graph of a program.
//
// The weight of a register is how often it is read or set, tenfold for each
// loop around; those of short life that spilling made can't be spilled again.
func (c *code) interference() *graph {
	n := int(c.regs)
	g := &graph{edges: make([]set, n), degree: make([]int, n), costly: make([]float64, n)}
	for i := range g.edges {
		g.edges[i] = newSet(n)
	}
	for a := range colours {
		for b := range a {
			g.connect(a, b)
		}
	}
	out := c.liveOut(n, registers)
	for i, b := range c.blocks {
		weight := 1.0
		for range min(b.depth, 6) {
			weight *= 10
		}
		b.backwards(out[i], registers, func(in *insn, live set) bool {
			in.operands(
				func(r reg) { g.costly[r] += weight },
				func(r reg) {
					g.costly[r] += weight
					live.each(func(l int) {
						if !(in.isMove() && l == int(in.src)) {
							g.connect(int(r), l)
						}
					})
				})
			if in.isMove() && in.dst != in.src {
				g.moves = append(g.moves, in)
			}
			return false
		})
	}
	return g
}

// connect adds an edge.
func (g *graph) connect(a, b int) {
	if a != b && !g.edges[a].has(b) {
		g.edges[a].add(b)
		g.edges[b].add(a)
		g.degree[a]++
		g.degree[b]++
	}
}

// cut removes the edges of a node.
func (g *graph) cut(a int) {
	g.edges[a].each(func(b int) {
		g.edges[b].remove(a)
		g.degree[b]--
	})
	clear(g.edges[a])
	g.degree[a] = 0
}

// coalesce makes one register of two that a copy connects, wherever that can't
// make colouring harder, and removes such copies (Briggs, Cooper and Torczon
// 1994; George and Appel 1996). It reports whether it did any.
func (c *code) coalesce(g *graph) bool {
	became := make([]reg, c.regs)
	for i := range became {
		became[i] = reg(i)
	}
	find := func(r reg) reg {
		for became[r] != r {
			r = became[r]
		}
		return r
	}
	any := false
	for again := true; again; {
		again = false
		for _, in := range g.moves {
			a, b := find(in.dst), find(in.src)
			if a == b || g.edges[a].has(int(b)) {
				continue
			}
			if b < a {
				a, b = b, a // one of the machine stays
			}
			if b < colours || !g.safe(a, b) {
				continue
			}
			g.edges[b].each(func(n int) { g.connect(int(a), n) })
			g.cut(int(b))
			g.costly[a] += g.costly[b]
			became[b] = a
			any, again = true, true
		}
	}
	if !any {
		return false
	}
	for _, b := range c.blocks {
		kept := b.insns[:0]
		for _, in := range b.insns {
			move := in.isMove()
			in.rename(find)
			if !move || in.dst != in.src {
				kept = append(kept, in)
			}
		}
		b.insns = kept
		b.jump.rename(find)
	}
	return true
}

// safe reports whether the union of two registers will find a colour if each
// would.
func (g *graph) safe(a, b reg) bool {
	if a < colours { // George: what b meets, a meets too, or it is easy
		ok := true
		g.edges[b].each(func(n int) {
			if n >= colours && g.degree[n] >= colours && !g.edges[a].has(n) {
				ok = false
			}
		})
		return ok
	}
	hard := 0 // Briggs: fewer hard neighbours than colours
	both := append(set(nil), g.edges[a]...)
	both.unite(g.edges[b])
	both.each(func(n int) {
		d := g.degree[n]
		if g.edges[a].has(n) && g.edges[b].has(n) {
			d--
		}
		if n < colours || d >= colours {
			hard++
		}
	})
	return hard < colours
}
