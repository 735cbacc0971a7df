// SPDX-License-Identifier: GPL-3.0-or-later

package bpf

import "math"

// maxRounds bounds how often spilling makes colouring begin anew. Each round
// makes some register shorter-lived; programs seen so far take at most four.
const maxRounds = 64

// assign puts each virtual register into one of the machine's, or on the stack
// (Chaitin 1982, with the optimism of Briggs).
func (c *code) assign() error {
	c.sweep()
	fresh := c.regs // registers from here on were made by spilling
	slots := 0
	for range maxRounds {
		g := c.interference()
		for c.coalesce(g) {
			g = c.interference()
		}
		for r := int(fresh); r < int(c.regs); r++ {
			g.costly[r] = math.Inf(1)
		}
		colour, spilled := g.colour()
		if len(spilled) == 0 {
			c.paint(colour)
			return c.placeSlots(slots)
		}
		if spilled, slots = c.around(spilled, slots); len(spilled) > 0 {
			slots = c.spill(spilled, slots)
		}
	}
	return &TooLargeError{What: "more values at once than registers can be found for"}
}

// colour gives each register one of the machine's, and those that found none.
func (g *graph) colour() (colour []reg, spilled []reg) {
	n := len(g.edges)
	degree := append([]int(nil), g.degree...)
	gone := make([]bool, n)
	var stack, easy []int
	isEasy := make([]bool, n)
	left := 0
	for r := int(firstVirtual); r < n; r++ {
		if g.degree[r] == 0 && g.costly[r] == 0 {
			gone[r] = true // occurs nowhere
			continue
		}
		left++
		if degree[r] < colours {
			easy = append(easy, r)
			isEasy[r] = true
		}
	}
	remove := func(r int) {
		gone[r] = true
		left--
		stack = append(stack, r)
		g.edges[r].each(func(m int) {
			degree[m]--
			if m >= int(firstVirtual) && !gone[m] && !isEasy[m] && degree[m] < colours {
				isEasy[m] = true
				easy = append(easy, m)
			}
		})
	}
	for left > 0 {
		if len(easy) > 0 {
			r := easy[len(easy)-1]
			easy = easy[:len(easy)-1]
			if !gone[r] {
				remove(r)
			}
			continue
		}
		best, least := -1, math.Inf(1)
		for r := int(firstVirtual); r < n; r++ {
			if gone[r] {
				continue
			}
			if cost := g.costly[r] / float64(degree[r]); best < 0 || cost < least {
				best, least = r, cost
			}
		}
		remove(best)
	}
	partners := map[int][]int{}
	for _, in := range g.moves {
		partners[int(in.dst)] = append(partners[int(in.dst)], int(in.src))
		partners[int(in.src)] = append(partners[int(in.src)], int(in.dst))
	}
	colour = make([]reg, n)
	for r := range colour {
		colour[r] = noReg
		if r < colours {
			colour[r] = reg(r)
		}
	}
	for i := len(stack) - 1; i >= 0; i-- {
		r := stack[i]
		var taken [colours]bool
		g.edges[r].each(func(m int) {
			if c := colour[m]; c != noReg {
				taken[c] = true
			}
		})
		for _, p := range partners[r] { // the copy then does nothing
			if c := colour[p]; c != noReg && !taken[c] {
				colour[r] = c
				break
			}
		}
		for c := reg(0); colour[r] == noReg && c < colours; c++ {
			if !taken[c] {
				colour[r] = c
			}
		}
		if colour[r] == noReg {
			spilled = append(spilled, reg(r))
		}
	}
	return colour, spilled
}

// paint replaces the virtual registers, and removes copies that do nothing.
func (c *code) paint(colour []reg) {
	get := func(r reg) reg {
		if r == frame {
			return r
		}
		return colour[r]
	}
	for _, b := range c.blocks {
		kept := b.insns[:0]
		for _, in := range b.insns {
			in.rename(get)
			if !in.isMove() || in.dst != in.src {
				kept = append(kept, in)
			}
		}
		b.insns = kept
		b.jump.rename(get)
	}
}
