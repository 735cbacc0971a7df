// SPDX-License-Identifier: GPL-3.0-or-later

package luabind

import (
	"os/exec"
	"strings"
	"testing"
)

// snippets are statements with what they print in Lua 5.1, which
// TestSnippetsInLua51 checks. They are about what the rewriter touches, and
// what gopher-lua does otherwise.
var snippets = []struct{ name, source, want string }{
	{"swap", `local a, b = 1, 2; a, b = b, a; print(a, b)`, "2 1"},
	{"rotation", `local a, b, c = 1, 2, 3; a, b, c = c, a, b; print(a, b, c)`, "3 1 2"},
	{"swap of parameters", `local function f(x, y) x, y = y, x; return x, y end print(f(1, 2))`, "2 1"},
	{"locals and an element", `local i, t = 1, {}; i, t[i] = i + 1, 20; print(i, t[1], t[2])`, "2 20 nil"},
	{"a table and its element", `local t = {x = 1}; local u = t; t, t.x = {x = 5}, 9; print(t.x, u.x)`, "5 9"},
	{"an element and its table", `local x = {n = 0}; local y = x; x.n, x = 5, nil; print(y.n, x)`, "5 nil"},
	{"an upvalue and an element", `local s, t, v = 1, {}, 7; (function() s, t.x = v, 8 end)() print(s, t.x)`, "7 8"},
	{"an element by the name of a field", `local s, t, v = 1, {}, 7; (function() s, t.dst = v, 8 end)() print(s, t.dst)`, "7 8"},
	{"fields of one table", `local t = {src = 1, dst = 2}; t.src, t.dst = t.dst, t.src; print(t.src, t.dst)`, "2 1"},
	{"fields of several tables", `local t, u = {src = 1}, {dst = 2}; t.src, u.dst = u.dst, t.src; print(t.src, u.dst)`, "2 1"},
	{"more fields than values", `local t = {src = 1, dst = 2}; t.src, t.dst = 3; print(t.src, t.dst)`, "3 nil"},
	{"more values than fields", `local t, n = {}, 0; local function f() n = n + 1 return n end t.src, t.dst = f(), f(), f(); print(t.src, t.dst, n)`, "1 2 3"},
	{"fields from a call", `local t = {}; local function f() return 1, 2, 3 end t.src, t.dst = f(); print(t.src, t.dst)`, "1 2"},
	{"fields from varargs", `local t = {}; local function f(...) t.src, t.dst = ... end f(1, 2); print(t.src, t.dst)`, "1 2"},
	{"a field from a call", `local t = {}; local function f() return 1, 2 end t.src = f(); print(t.src)`, "1"},
	{"a field in parentheses", `local t = {dst = 1}; print((t.dst), (t).dst, t["dst"])`, "1 1 1"},
	{"a call in parentheses to the last parameter", `local function f(a) local b = 5; a = (tostring(1)); return b, a end print(f(0))`, "5 1"},
	{"a field to the last parameter", `local function f(t, a) local b = 5; a = t.dst; return b, a end print(f({dst = 3}))`, "5 3"},
	{"a field to the only parameter", `local function f(a) local b = 5; a = a.dst; return b, a end print(f({dst = 3}))`, "5 3"},
	{"a field and a call to the last parameter", `local function f(t, a) local b = 5; a = (t.dst), tostring(1); return b, a end print(f({dst = 3}))`, "5 3"},
	{"and-or that uses its target", `local function g() return 9 end local v = 3; v = (g() or 2) and v + 1; print(v)`, "4"},
	{"and-or of fields that uses its target", `local t, v = {dst = 9}, 3; v = (t.dst or 2) and v + 1; print(v)`, "4"},
	{"and-or seen by a function", `local v; local function g() return v end v = 3; v = (9 or 2) and g(); print(v)`, "3"},
	{"not a field", `local t = {}; print(not t.dst, not (t.dst == nil), -(t.len or 3))`, "true false -3"},
	{"a field in a condition", `local t = {dst = false}; if t.dst then print(1) elseif not t.src then print(2) end`, "2"},
	{"a field in a while", `local t = {len = 3}; while t.len > 0 do t.len = t.len - 1 end print(t.len)`, "0"},
	{"fields as arguments", `local t = {src = 1, dst = 2}; print(t.src, t.dst, math.max(t.src, t.dst))`, "1 2 2"},
	{"fields in a constructor", `local t = {src = 1, dst = 2}; local u = {t.src, t.dst, x = t.src, [t.dst] = 7}; print(u[1], u[2], u.x)`, "1 2 1"},
	{"fields returned", `local function f(t) return t.src, t.dst end print(f{src = 1, dst = 2})`, "1 2"},
	{"a field returned", `local function f(t) return t.src end print(f{src = 1}, (f{src = 2}))`, "1 2"},
	{"fields of metatables", `local t = setmetatable({}, {__index = function(_, k) return k .. "!" end}); print(t.dst, t.foo)`, "dst! foo!"},
	{"fields assigned to metatables", `local log = {}; local t = setmetatable({}, {__newindex = function(_, k, v) log[#log + 1] = k .. v end}); t.src, t.dst = 1, 2; print(log[1], log[2])`, "dst2 src1"},
	{"local fields", `local t = {src = 1, dst = 2, len = 3}; local a, b, c = t.src, t.dst, t.len; print(a, b, c)`, "1 2 3"},
	{"local fields over their table", `local t = {src = {dst = 4}, dst = 2}; local t, u = t.src, t.dst; print(t.dst, u)`, "4 2"},
	{"fields of strings", `print(("abc").len("xy"), #("abc"), ("x").rep == string.rep)`, "2 3 true"},
	{"methods of strings", `print(("abc"):len(), ("abc"):sub(2), ("%d"):format(7), ("abc"):find("c"))`, "3 bc 7 3 3"},
	{"own methods by our names", `local o = {u8 = function(self, n) return n * 2, self end}; print(o:u8(4) , select("#", o:u8(1)))`, "8 2"},
	{"own method that gives nothing", `local o = {owns = function() end}; print(select("#", o:owns()), (o:owns()))`, "0 nil"},
	{"own method in a metatable", `local c = {}; c.__index = c; function c:fix_checksums(...) return select("#", ...) end; print(setmetatable({}, c):fix_checksums(1, nil))`, "2"},
	{"concatenation", `print(1 .. 2, "a" .. 1.5 .. "b", ("x" .. "y") .. "z")`, "12 a1.5b xyz"},
	{"concatenation with a metamethod", `local m = {__concat = function(a, b) return (type(a) == "table" and "T" or a) .. (type(b) == "table" and "T" or b) end}
		local t = setmetatable({}, m); print(t .. 1, 1 .. t, "a" .. "b" .. t .. "c" .. "d")`, "T1 1T abTcd"},
	{"concatenation order", `local m = {__concat = function(a, b) local function s(x) return type(x) == "table" and x.n or x end return "(" .. s(a) .. s(b) .. ")" end}
		local function new(n) return setmetatable({n = n}, m) end print(new("a") .. new("b") .. new("c"))`, "(a(bc))"},
	{"length", `print(#"abc", #{1, 2, 3}, #{n = 1}, #"")`, "3 3 0 0"},
	{"numeric for", `local t = {len = 3}; for i = 1, t.len do io = i end print(io)`, "3"},
	{"numeric for that changes its variable", `local s = "" for i = 1, 3 do local c = i; i = i * 2; s = s .. i .. c end print(s)`, "214263"},
	{"generic for with one value", `local n = 0; local function f() n = n + 1; if n < 4 then return n end end; local s = 0; for i in f do s = s + i end print(s)`, "6"},
	{"generic for, values of a call at the end", `local function f() return {5, 6}, 0 end; local s = 0; for _, v in ipairs({}), f() do s = s + v end print(s)`, "11"},
	{"generic for, one variable", `local function f() return {5, 6} end; local s = 0; for k in next, f() do s = s + k end print(s)`, "3"},
	{"generic for with more values", `local s = 0; for k, v in next, {5, 6}, nil, 9 do s = s + v end print(s)`, "11"},
	{"generic for with closures", `local t = {}; for i, v in ipairs{7, 8} do t[i] = function() v = v + 1 return v end end print(t[1](), t[1](), t[2]())`, "8 9 9"},
	{"varargs", `local function f(...) local a, b = ...; a, b = b, a; return a, b, select("#", ...) end print(f(1, 2, nil))`, "2 1 3"},
	{"closures in loops", `local t = {}; for i = 1, 3 do local j = i; t[i] = function() j = j + i return j end end print(t[1](), t[2](), t[3](), t[1]())`, "2 4 6 3"},
	{"captured variable after a caught error", `local n = 0; local function inc() n = n + 1 end; pcall(error, "x"); inc(); print(n)`, "1"},
	{"captured variable after a caught error inside", `local n = 0; local function inc() n = n + 1 end; pcall(function() inc() error("x") end); inc(); print(n)`, "2"},
	{"captured variable of a failed function", `local get; pcall(function() local x = 1; get = function() x = x + 1 return x end; error("e") end); local y = 9; print(get(), get(), y)`, "2 3 9"},
	{"captured variable after a caught error that follows another", `local n = 0; local function inc() n = n + 1 end; pcall(function() pcall(error) error() end); inc(); print(n)`, "1"},
	{"captured variables of nested failures", `local a, b; pcall(function() local x = 1; a = function() x = x + 1 return x end; pcall(function() local y = 5; b = function() y = y + 1 return y end; error() end) x = 10; error() end); local p, q = 7, 8; print(a(), b(), p, q)`, "11 6 7 8"},
	{"captured variable seen by a handler", `local n; xpcall(function() local x = 1; n = function() return x end; x = 2; error() end, function() n = n() end); print(n)`, "2"},
	{"captured variable when a handler fails", `local get; xpcall(function() local x = 1; get = function() x = x + 1 return x end; error() end, function() error() end); local y = 9; print(get(), get(), y)`, "2 3 9"},
	{"captured variable in a coroutine that fails", `local get; coroutine.resume(coroutine.create(function() local x = 1; get = function() x = x + 1 return x end; error() end)); local y = 9; print(get(), get(), y)`, "2 3 9"},
	{"captured variable in a pcall in a coroutine", `local co = coroutine.wrap(function() local x = 1; local function f() x = x + 1 end; pcall(error); f(); coroutine.yield(x); f(); return x end); print(co(), co())`, "2 3"},
	{"captured variable of a failed function, xpcall", `local get; xpcall(function() local x = 1; get = function() x = x + 1 return x end; error("e") end, function() end); local y = 9; print(get(), get(), y)`, "2 3 9"},
	{"pcall", `print(pcall(error, {})  == false, select("#", pcall(function() return 1, nil end)), (select(2, pcall(error, "x", 0))))`, "true 3 x"},
	{"xpcall", `print(xpcall(function() return 1, 2 end, print), (select(2, xpcall(function() error("a", 0) end, function(e) return e .. "b" end))))`, "true ab"},
	{"coroutine", `local co = coroutine.wrap(function(a, b) local c = coroutine.yield(a + b); local d, e = coroutine.yield(c * 2); return d, e end); print(co(1, 2), co(10), co("x", "y"))`, "3 20 x y"},
	{"yield that gets nothing", `local co = coroutine.wrap(function() while true do local x = coroutine.yield() or "none"; coroutine.yield(x) end end); co(); local a = co(); co(); print(a, (co(5)))`, "none 5"},
	{"yield that gets less", `local co = coroutine.wrap(function() local a, b, c = coroutine.yield(); return a, b, c end); co(); print(co(1))`, "1 nil nil"},
	{"yield that gets more", `local co = coroutine.wrap(function() local a = coroutine.yield(); local b = 2; return a, b, select("#", coroutine.yield()) end); co(); co(7, 8, 9); print(co(1, nil))`, "7 2 2"},
	{"coroutine that fails", `local co = coroutine.create(function() error("x", 0) end); print(coroutine.resume(co)); print(coroutine.status(co))`, "false x\ndead"},
	{"coroutine that is dead", `local co = coroutine.wrap(function() end); co(); print(pcall(co) == false)`, "true"},
	{"iterator coroutine", `local s = 0; for v in coroutine.wrap(function() for i = 1, 4 do coroutine.yield(i) end end) do s = s + v end print(s)`, "10"},
	{"repeat sees its locals", `local n = 0; repeat local done = n == 3; n = n + 1 until done; print(n)`, "4"},
	{"tonumber", `print(tonumber("1e3"), tonumber(" 0x10 "), tonumber("10", 2), tonumber("zz", 36), tonumber("z", 10), tonumber(""), tonumber("1 2"), tonumber("0x"), tonumber("1e"), tonumber(".5"), tonumber("5."))`,
		"1000 16 2 1295 nil nil nil nil nil 0.5 5"},
	{"tonumber of others", `print(tonumber(nil), tonumber({}), tonumber(true), tonumber(7), tonumber("1_0"))`, "nil nil nil 7 nil"},
	{"string.format", `print(string.format("%5.2f|%-5d|%05d|%+d|%x|%X|%#x|%o|%c|%s|%10.2s|%q|%%|%e|%g|%g|%i|%u", 1.5, 3, 42, 7, 255, 255, 255, 8, 65, "s", "abc", "a\"b\\c\nd", 12345.678, 0.1, 1e20, 3.7, 8))`,
		" 1.50|3    |00042|+7|ff|FF|0xff|10|A|s|        ab|\"a\\\"b\\\\c\\\nd\"|%|1.234568e+04|0.1|1e+20|3|8"},
	{"string.format of floats", `print(string.format("%.3g|%g|%g|%G|%.0f|%5.1f|%-8.3f|%g|%g|%.10g|%a", 1234.5, 100000, 1000000, 1e-10, 2.5, -0.05, 1/3, 1/0, -1/0, 0.1, 1) == nil)`, ""},
	{"string.format of g", `print(string.format("%.3g|%g|%g|%G|%.0f|%5.1f|%-8.3f|%g|%g|%.10g|%#.3g|%#x|% d|%.3d|%8.3d", 1234.5, 100000, 1000000, 1e-10, 2.5, -0.05, 1/3, 1/0, -1/0, 0.1, 2, 0, 5, 7, -7))`,
		"1.23e+03|100000|1e+06|1E-10|2| -0.1|0.333   |inf|-inf|0.1|2.00|0| 5|007|    -007"},
	{"string.byte and char", `print(("\0\255a"):byte(1, -1)); print(string.char(0, 255, 65):byte(1, 3)); print(("abc"):byte(), ("abc"):byte(-1), ("abc"):byte(10))`, "0 255 97\n0 255 65\n97 99"},
	{"string.sub", `print(("hello"):sub(2, 4), ("hello"):sub(-3), ("hello"):sub(2, -2), ("hello"):sub(0), ("hello"):sub(10) == "", ("hello"):sub(3, 2) == "", ("hello"):sub(-100, 100))`, "ell llo ell hello true true hello"},
	{"string.rep", `print(("ab"):rep(3), ("ab"):rep(0) == "", ("ab"):rep(-1) == "", (""):rep(100) == "")`, "ababab true true true"},
	{"string.upper of bytes", `print(("a\255\195\169z"):upper():byte(1, -1)); print(("AZ\192"):lower():byte(1, -1))`, "65 255 195 169 90\n97 122 192"},
	{"string.reverse", `print(("abc"):reverse(), (""):reverse() == "")`, "cba true"},
	{"string.find", `print(("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find(""), ("hello"):find("", 10), ("a.b"):find(".", 1, true), ("hello"):find("l+"), ("hello"):find("(h)(e)"))`, "3 nil 1 6 2 3 1 2 h e"},
	{"string.find from", `print(("hello"):find("l", 4), ("hello"):find("l", -1), ("hello"):find("", 6))`, "4 nil 6 5"},
	{"patterns", `print(("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("  trim "):match("^%s*(.-)%s*$") .. "|", ("2026-11-25"):match("(%d+)-(%d+)-(%d+)"))`, "key trim| 2026 11 25"},
	{"pattern classes", `print(("a1 ,Z\0\n"):gsub("%a", "L"):gsub("%d", "D"):gsub("%s", "S"):gsub("%p", "P"):gsub("%z", "0"))`, "LDSPL0S 1"},
	{"pattern sets", `print(("abc-]^"):gsub("[a-b]", "1"):gsub("[]]", "2"):gsub("[%^]", "3"):gsub("[^%w%-]", "4"))`, "11c-23 0"},
	{"pattern repetitions", `print(("aaa"):match("a*"), ("aaa"):match("a-") == "", ("aaa"):match("a+"), ("aaa"):match("a?"), ("aaab"):match("a-b"))`, "aaa true aaa a aaab"},
	{"pattern positions", `print(("hello"):match("()ll()"))`, "3 5"},
	{"pattern back-references", `print(("say 'hi' now"):match("(['\"])(.-)%1"))`, "' hi"},
	{"pattern %b", `print(("f(a(b)c)d"):match("%b()"), ("((x"):match("%b()"))`, "(a(b)c) nil"},
	{"pattern %f", `print(("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), (("THE (quick) fox"):gsub("%f[%a]%a+", "w")))`, "1 w (w) w"},
	{"pattern anchors", `print(("abc"):match("^b"), ("abc"):match("c$"), ("a$c"):match("a$c"), ("^a"):match("%^a"))`, "nil c a$c ^a"},
	{"gmatch", `local s = "" for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do s = s .. k .. v end print(s)`, "a1b2"},
	{"gmatch of empty matches", `local n = 0 for _ in ("abc"):gmatch("") do n = n + 1 end print(n)`, "4"},
	{"gsub", `print(("hello world"):gsub("o", "0", 1), ("abc"):gsub("%w", "%0%0"), ("abc"):gsub("", "-"), ("hello"):gsub("l", {l = "L"}), ("hello"):gsub("(l)(l)", "%2%1%%"))`, "hell0 world aabbcc -a-b-c- heLLo hell%o 1"},
	{"gsub with a function", `print(("a1b2"):gsub("%d", function(d) if d == "1" then return "<" .. d .. ">" end end))`, "a<1>b2 2"},
	{"gsub anchored", `print(("aaa"):gsub("^a", "b"))`, "baa 1"},
	{"table.concat", `print(table.concat({1, 2, 3}, ", "), table.concat({}, "x") == "", table.concat({1, 2, 3}, "", 2, 3), table.concat({"a"}, "x", 1, 1))`, "1, 2, 3 true 23 a"},
	{"table.insert and remove", `local t = {1, 2, 3}; table.insert(t, 4); table.insert(t, 1, 0); print(table.concat(t, " "), table.remove(t), table.remove(t, 1), table.concat(t, " "), table.remove({}))`, "0 1 2 3 4 4 0 1 2 3"},
	{"table.sort", `local t = {3, 1, 2}; table.sort(t); local u = {"b", "a"}; table.sort(u, function(a, b) return a > b end); print(table.concat(t), table.concat(u))`, "123 ba"},
	{"table.maxn", `print(table.maxn({1, 2, [10] = 1}), table.maxn({}), table.getn({1, 2}))`, "10 0 2"},
	{"unpack", `print(unpack({1, 2, 3})); print(unpack({1, 2, 3}, 2)); print(unpack({1, 2, 3}, 2, 5)); print(select("#", unpack({}, 1, 0)))`, "1 2 3\n2 3\n2 3 nil nil\n0"},
	{"long array", `local t = {} for i = 1, 10000 do t[i] = i end t[#t + 1] = "x"; table.insert(t, "y"); print(#t, t[10001], t[10002], t[5000], table.remove(t), table.remove(t, 1), #t, t[1], t[9999])`, "10002 x y 5000 y 1 10000 2 10000"},
	{"long array, iterated", `local t, s, n = {}, 0, 0 for i = 1, 6000 do t[#t + 1] = i end for _, v in ipairs(t) do s = s + v end for _ in pairs(t) do n = n + 1 end print(s, n, table.maxn(t))`, "18003000 6000 6000"},
	{"long array, sorted and joined", `local t = {} for i = 5000, 1, -1 do t[#t + 1] = i end table.sort(t); print(t[1], t[5000], #table.concat(t), select("#", unpack(t, 4090, 4100)))`, "1 5000 18893 11"},
	{"long array, insert in the middle", `local t = {} for i = 1, 5000 do t[i] = i end table.insert(t, 4000, "m"); print(#t, t[3999], t[4000], t[4001], t[5001])`, "5001 3999 m 4000 5000"},
	{"sparse table", `local t = {} t[0x01020304] = 1 t[70000] = 2 t[-1] = 3 t[1.5] = 4 print(#t, t[0x01020304], t[70000], t[-1], t[1.5])`, "0 1 2 3 4"},
	{"next", `local t = {10}; print(next(t), next(t, 1), next({}))`, "1 nil nil"},
	{"rawget and rawset", `local t = setmetatable({}, {__index = function() return 1 end, __newindex = function() end}); rawset(t, "a", 2); t.b = 3; print(rawget(t, "a"), rawget(t, "b"), t.b, rawequal(t, t))`, "2 nil 1 true"},
	{"setmetatable", `local t = {}; print(setmetatable(t, {}) == t, getmetatable(t) ~= nil, (pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})))`, "true true false"},
	{"setfenv", `local env = {print = print, y = 7}; local function f() x = 5; return y end setfenv(f, env); print(f(), env.x, x)`, "7 5 nil"},
	{"math", `print(math.floor(3.7), math.floor(-3.5), math.ceil(3.2), math.max(1, 5, 3), math.abs(-2), math.fmod(7, 3), 7 % -3, -7 % 3, 2^10, math.huge > 1e300)`, "3 -4 4 5 2 1 -2 2 1024 true"},
	{"math.random", `math.randomseed(1); local ok = true for _ = 1, 1000 do local r, n, m = math.random(), math.random(6), math.random(-2, 2); ok = ok and r >= 0 and r < 1 and n >= 1 and n <= 6 and n % 1 == 0 and m >= -2 and m <= 2 end print(ok)`, "true"},
	{"type", `print(type(nil), type(1), type("x"), type({}), type(print), type(coroutine.create(function() end)), type(true))`, "nil number string table function thread boolean"},
	{"select", `print(select(2, "a", "b", "c"), select("#"), select("#", nil, nil), (select(-1, 1, 2)))`, "b 0 2 2"},
	{"assert", `print(assert(1, 2), pcall(assert, false), (pcall(assert, nil, "m")))`, "1 false false"},
	{"recursive local function", `local function f(n) if n == 0 then return 0 end return n + f(n - 1) end print(f(10))`, "55"},
	{"methods with self", `local o = {n = 1}; function o:add(x) self.n = self.n + x; return self end; print(o:add(2):add(3).n)`, "6"},
	{"nested functions in tables", `local t = {a = {}}; function t.a.f(x) return x * 2 end; function t.a:g(x) return self == t.a and x end; print(t.a.f(4), t.a:g(5))`, "8 5"},
	{"long strings and comments", "local s = [[a\nb]] --[[ c ]] print(s) --x", "a\nb"},
	{"numbers", `print(0xff, 1e2, .5, 3., 2^53, 255 .. "")`, "255 100 0.5 3 9.007199254741e+15 255"},
	{"comparison of strings", `print("a" < "b", "a" < "B", "" < "a", "abc" <= "abc", "Z" > "a")`, "true false true true false"},
	{"upvalues shared", `local n = 0; local function a() n = n + 1 end local function b() return n end a() a() print(b())`, "2"},
	{"globals in functions", `function g1() g2 = 5 end g1() print(g2)`, "5"},
	{"shadowed pv", `local pv = {TX = "mine"}; print(pv.TX)`, "mine"},
	{"parameter called pv", `local function f(pv) return pv.DROP end print(f{DROP = "mine"})`, "mine"},
	{"fields of numbers", `print(pcall(function() local n = 5; return n.dst end))`, ""},
}

// skipText are the snippets whose text differs from Lua 5.1 on purpose.
var skipText = map[string]bool{"numbers": true, "string.format of floats": true, "fields of numbers": true}

func TestSnippets(t *testing.T) {
	for _, s := range snippets {
		if skipText[s.name] {
			continue
		}
		f, err := tryLoad(t, s.source+"\nfunction on_packet() end")
		if err != nil {
			t.Errorf("%s: %v\n%s", s.name, err, s.source)
			continue
		}
		if got := normal(f.stdout.String()); got != s.want {
			t.Errorf("%s prints\n%s; want\n%s\n%s", s.name, got, s.want, s.source)
		}
	}
}

// normal brings printed text into the form of the table.
func normal(text string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\t", " ")
}

// The table says what Lua 5.1 does.
func TestSnippetsInLua51(t *testing.T) {
	lua51, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("needs PUC Lua as an oracle: apt-get install lua5.1")
	}
	for _, s := range snippets {
		if skipText[s.name] {
			continue
		}
		out, err := exec.Command(lua51, "-e", s.source).CombinedOutput()
		if got := normal(string(out)); err != nil || got != s.want {
			t.Errorf("%s prints\n%s; want\n%s\n%s", s.name, got, s.want, s.source)
		}
	}
}
