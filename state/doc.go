// SPDX-License-Identifier: GPL-3.0-or-later

// Package state holds what the callbacks of a script share beyond one Lua
// state: counters and maps, by name. One [Store] serves all workers of a run,
// and outlives the reloading of the script.
//
// All methods may be called from any number of goroutines at once. Looking up,
// changing and adding to an entry of a map are each one atomic step.
//
// Maps are bounded in the number and in the length of what they hold, so that
// keys taken from hostile packets cost no more memory than was agreed to:
// what a full map is given in addition is refused and counted. Entries that
// nobody touches for a map's TTL age out. Time is the caller's: it comes with
// every call, so a run on a capture file ages by the clock of the capture.
//
// The shape of a map may declare widths, as in "u32" to "u64". A map with
// declared widths is what a map of the kernel's eBPF can be: fixed keys, fixed
// values, a greatest number of entries, whole numbers that wrap nowhere.
package state
