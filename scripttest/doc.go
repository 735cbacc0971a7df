// SPDX-License-Identifier: GPL-3.0-or-later

// Package scripttest runs the tests that belong to scripts: the functions named
// test_* in echo_test.lua are those of echo.lua. It needs no privilege, opens no
// interface, and gives the same result each time, because the time that tests
// see is virtual.
//
// Each test function has a Lua state of its own, in which first the script and
// then the file of its tests is loaded. Before it on_start runs, after it
// on_stop. What tests do to the script, and how, is the table test of package
// luabind; docs/testing.md is the page for those who write tests.
package scripttest
