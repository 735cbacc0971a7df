// SPDX-License-Identifier: GPL-3.0-or-later

// Package bpf makes XDP programs of the intermediate form.
//
// Assemble goes through these steps: select.go and the files beside it choose
// eBPF instructions, on any number of registers, for each instruction of the
// form (arith.go, packet.go, checksum.go, maps.go, tables.go, verdict.go; fusion.go
// and likely.go for what several make together, loops.go for what the verifier
// must not follow); colour.go assigns the machine's ten registers, with graph.go
// for what they conflict about, liveness.go for how long, split.go and spill.go
// for what does not fit; emit.go puts the blocks in a row. Load then gives the
// program to the kernel, and errors.go translates what its verifier says about it
// into lines of the script.
//
// Programs need Linux 5.12, for atomic operations that fetch; those with loops are
// verified sooner from 6.9 on. They need CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON,
// the latter for the difference of pointers.
package bpf
