// SPDX-License-Identifier: GPL-3.0-or-later

// Package scripts holds the ready handlers of this folder within the program, so
// that `pvlua demo` works wherever it is run.
package scripts

import "embed"

// Files has every script by its name, such as "echo.lua".
//
//go:embed *.lua
var Files embed.FS
