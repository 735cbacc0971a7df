// SPDX-License-Identifier: GPL-3.0-or-later

// Package xsk is AF_XDP in Go, without cgo: frames of packets shared with the kernel, and the four rings on which they change hands.
package xsk
