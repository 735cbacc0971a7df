// SPDX-License-Identifier: GPL-3.0-or-later

package difftest

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"pvlua/luabind"
	"pvlua/luabind/handlertest"
)

// bit32 is what Lua 5.1 does not have, of the manual of 5.2, section 6.7.
const bit32 = `
bit32 = {}
local floor = math.floor
local function norm(x) return x % 2^32 end
local function combine(f) return function(a, b)
  a, b = norm(a), norm(b)
  local r = 0
  for i = 0, 31 do
    if f(a % 2, b % 2) then r = r + 2^i end
    a, b = floor(a / 2), floor(b / 2)
  end
  return r
end end
bit32.band = combine(function(a, b) return a + b == 2 end)
bit32.bor = combine(function(a, b) return a + b > 0 end)
bit32.bxor = combine(function(a, b) return a + b == 1 end)
function bit32.bnot(x) return 2^32 - 1 - norm(x) end
function bit32.lshift(x, n)
  if n < 0 then return bit32.rshift(x, -n) end
  return n < 32 and norm(norm(x) * 2^n) or 0
end
function bit32.rshift(x, n)
  if n < 0 then return bit32.lshift(x, -n) end
  return n < 32 and floor(norm(x) / 2^n) or 0
end
function bit32.arshift(x, n)
  local r = bit32.rshift(x, n)
  if n > 0 and norm(x) >= 2^31 then r = n < 32 and r + 2^32 - 2^(32 - n) or 2^32 - 1 end
  return r
end
function bit32.lrotate(x, n)
  n = n % 32
  return bit32.lshift(x, n) + bit32.rshift(x, 32 - n)
end
function bit32.rrotate(x, n) return bit32.lrotate(x, -n) end
function bit32.extract(x, at, n) return floor(norm(x) / 2^at) % 2^(n or 1) end
function bit32.replace(x, v, at, n)
  n = n or 1
  return norm(x) + (norm(v) % 2^n - bit32.extract(x, at, n)) * 2^at
end
`

// show prints what a function gives for many pairs of numbers, or that it fails.
const show = `
local values = {0, 1, 2, 7, 31, 32, 127, 255, 256, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296, -1, -2, -255, -65536, -2147483648}
for _, a in ipairs(values) do
  for _, b in ipairs(values) do
    local ok, x = pcall(compute, a, b)
    x = not ok and "error" or type(x) ~= "number" and tostring(x) or ("%.17g"):format(x + 0)
    print(a, b, x)
  end
end
`

// What the handlers are compared to computes as Lua 5.1 does: functions made at
// random give the same for many pairs of numbers.
func TestLua51(t *testing.T) {
	lua51, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("needs PUC Lua as an oracle: apt-get install lua5.1")
	}
	count := 150
	if testing.Short() {
		count = 20
	}
	var sources []string
	all := bit32
	for seed := range uint64(count) {
		source := function(rand.New(rand.NewPCG(seed, 5))).String() + show
		sources = append(sources, source)
		all += "do\n" + source + "end\nprint('--')\n"
	}
	cmd := exec.Command(lua51, "-")
	cmd.Stdin = strings.NewReader(all)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-500):])
	}
	want := strings.Split(string(out), "--\n")
	numbers := 0
	for i, source := range sources {
		var got strings.Builder
		s, err := luabind.Load(luabind.Config{
			Script: "compute.lua", Source: []byte(source + "\nfunction on_packet() end"), Host: &handlertest.Host{}, Ports: handlertest.Ports(), Stdout: &got,
			Quota: 1 << 30,
		})
		if err != nil {
			t.Errorf("%v\n%s", err, source)
			continue
		}
		s.Close()
		g, w := strings.Split(got.String(), "\n"), strings.Split(want[i], "\n")
		for j := range w {
			if j >= len(g) || unsigned(g[j]) != unsigned(w[j]) {
				t.Errorf("gives %q; Lua 5.1 %q\n%s", g[min(j, len(g)-1)], w[j], source)
				break
			}
			if !strings.HasSuffix(w[j], "error") && !strings.HasSuffix(w[j], "nil") {
				numbers++
			}
		}
	}
	if numbers < count*200 {
		t.Errorf("only %d numbers were compared", numbers)
	}
}

// unsigned gives a line in which zero has no sign.
func unsigned(line string) string {
	return strings.TrimSuffix(line, "\t-0") + map[bool]string{true: "\t0"}[strings.HasSuffix(line, "\t-0")]
}
