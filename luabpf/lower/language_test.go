// SPDX-License-Identifier: GPL-3.0-or-later

package lower

import (
	"strings"
	"testing"
)

// languageCases are bodies of on_packet that are compiled as a whole. What they
// compute becomes the verdict, or is written to the packet.
var languageCases = map[string]string{
	"nothing":  ``,
	"constant": `return pv.DROP`,
	"reflect": `
		local eth = pkt.eth
		if not eth then return pv.DROP end
		eth.dst, eth.src = eth.src, eth.dst
		return pv.TX`,
	"udp echo": `
		local eth, ip, udp = pkt.eth, pkt.ip, pkt.udp
		if udp and ip and udp.dport == 7 then
			eth.dst, eth.src = eth.src, eth.dst
			ip.dst, ip.src = ip.src, ip.dst
			udp.dport, udp.sport = udp.sport, udp.dport
			return pv.TX
		end`,
	"zero is true":  `if 0 then return pv.DROP end`,
	"and or":        `local ip = pkt.ip; local n = ip and ip.ttl or 7; if n > 63 then return pv.DROP end`,
	"and or known":  `local a = nil; local b = a and 1 or false; return b == false and pv.DROP or pv.TX`,
	"not":           `return not pkt.ip and pv.DROP or pv.PASS`,
	"nil and false": `local a; local b = false; if a == b then return pv.TX end if a ~= nil or b ~= false then return pv.TX end return pv.DROP`,
	"elseif": `
		local p = pkt.ip and pkt.ip.proto
		if p == 6 then return pv.DROP elseif p == 17 then return pv.TX elseif p == nil then return pv.PASS else return pv.DROP end`,
	"several values": `
		local function two() return 1, 2 end
		local a, b, c = two()
		local d, e = two(), 5
		if a == 1 and b == 2 and c == nil and d == 1 and e == 5 then return pv.TX end`,
	"swap":                `local a, b = 1, 2; a, b = b, a; if a == 2 and b == 1 then return pv.TX end`,
	"swap at run":         `local ip = pkt.ip; if not ip then return end local a, b = ip.src, ip.dst; a, b = b, a; if a == ip.dst and b == ip.src then return pv.TX end`,
	"too few values":      `local a, b = 1; a, b = 2; if b == nil and a == 2 then return pv.TX end`,
	"shadow":              `local a = 1; do local a = 2 end if a == 1 then return pv.TX end`,
	"push after a change": `local eth = pkt.eth if not eth then return end eth.dst, eth.src = eth.src, eth.dst pkt:push(4) return pv.TX`,
	"raw after a change":  `local eth = pkt.eth if not eth then return end eth.dst = 7 if pkt:u8(#pkt - 50) > 3 then eth.src = 9 end pkt:set_u8(20, pkt:u8(40)) return pv.TX`,
	"ttl after a change":  `local eth, ip = pkt.eth, pkt.ip if not ip then return end eth.dst = 7 ip.ttl = ip.ttl - 64 ip.tos = 3 if ip.ttl > 0 then ip.id = ip.id - 1 end return pv.TX`,
	"sums":                `local ip = pkt.ip; if not ip then return end local n = ip.ttl + ip.proto - 3; if n > 100 then return pv.DROP elseif n < 10 then return pv.TX end`,
	"products":            `local ip = pkt.ip; if not ip then return end local n = ip.ttl * ip.proto * 3; if n > 3000 then return pv.DROP end`,
	"large products":      `local ip = pkt.ip; if not ip then return end local n = ip.src * ip.dst; if n > 3000 then return pv.DROP end`,
	"large sums":          `local eth = pkt.eth; if not eth then return end local n = eth.src * 32 + eth.dst * 31; if n > 2^50 then return pv.DROP end`,
	"modulo":              `local ip = pkt.ip; if not ip then return end local n = ip.ttl % 7; if n == 3 then return pv.DROP elseif (n - 5) % 4 == 3 then return pv.TX end`,
	"modulo by field": `local ip = pkt.ip; if not ip or ip.proto == 0 then return end
		local n = (ip.ttl - 64) % ip.proto; if n == 0 then return pv.DROP elseif n > 3 then return pv.TX end`,
	"modulo of negative": `local ip = pkt.ip; if not ip then return end local n = (ip.ttl - 64) % 5; if n == 4 then return pv.TX elseif n == 0 then return pv.DROP end`,
	"negative":           `local ip = pkt.ip; if not ip then return end local n = -ip.ttl; if n < -63 then return pv.TX end`,
	"quotient":           `local ip = pkt.ip; if not ip then return end local n = math.floor(ip.len / 4); if n > 15 then return pv.TX end`,
	"quotient of negative": `local ip = pkt.ip; if not ip or ip.proto == 0 then return end
		local n = math.floor((ip.ttl - 100) / 7); if n == -6 then return pv.TX end
		if math.floor((ip.ttl - 70) / ip.proto) < -1 then return pv.DROP end`,
	"down": `
		local ip = pkt.ip; if not ip then return end
		local n = 0; for i = ip.ttl, 60, -2 do n = n + i end for i = 5, 1, -1 do n = n * 2 + i end for i = 40, 1, -1 do n = n + i end
		if n % 3 == 1 then return pv.TX end`,
	"bits of fractions": `if bit32.band(5.7, 2^40 + 4) == 4 and bit32.lshift(1, 2.5) == 4 and bit32.lshift(8, -0.5) == 4 and bit32.bor(-1.5) == 2^32 - 2 then return pv.TX end`,
	"exact quotient":    `local ip = pkt.ip; if not ip then return end local n = (ip.ttl * 4) / 4; if n == 64 then return pv.TX end`,
	"power":             `local ip = pkt.ip; if not ip then return end local n = 2 ^ (ip.ttl % 32); if n > 70000 then return pv.TX end if n^2 == 16 then return pv.DROP end`,
	"fractions":         `local half = 1 / 2; if half * 4 == 2 and half < 1 then return pv.TX end`,
	"below a fraction":  `local ip = pkt.ip; if ip and ip.ttl < 63.5 then return pv.DROP elseif ip and ip.ttl >= 64.5 then return pv.TX end`,
	"bits": `
		local ip = pkt.ip; if not ip then return end
		local n = bit32.bxor(bit32.band(ip.src, 0xffff), bit32.rshift(ip.dst, 16), bit32.lshift(ip.ttl, 4))
		n = bit32.bor(n, bit32.bnot(n - 70000)); n = bit32.lrotate(n, 5); n = bit32.rrotate(n, 7)
		if bit32.btest(n, 8) then return pv.TX end
		if bit32.extract(n, 4, 8) > 100 then return pv.DROP end
		if bit32.replace(n, 5, 28, 4) > 2^31 or bit32.arshift(n, 3) > 2^31 then return pv.TX end`,
	"shifts": `
		local ip = pkt.ip; if not ip then return end
		local n = bit32.lshift(ip.src, ip.ttl % 32)
		if bit32.rshift(n, ip.proto % 32) > 77 then return pv.TX end`,
	"bits by fields": `
		local ip = pkt.ip; if not ip then return end
		local n, by = ip.src, ip.ttl - 64
		local a, b = bit32.lshift(n, by * 7), bit32.rshift(n, by - 3)
		local d, f = bit32.arshift(bit32.bnot(n), by + 2), bit32.lrotate(n, by)
		local g, h = bit32.rrotate(n, by), bit32.arshift(n, ip.proto)
		if bit32.bxor(a, b, d, f, g, h) % 3 == 1 then return pv.TX end
		if bit32.replace(n, ip.ttl, ip.proto % 28, 4) > 2^30 then return pv.DROP end
		if bit32.extract(n, ip.proto % 32) == 1 then return pv.TX end`,
	"min and max of fractions": `local ip = pkt.ip; if not ip then return end if math.max(ip.ttl, 63.5) == 63.5 and math.min(0.5, ip.proto) == 0.5 then return pv.TX end`,
	"short while": `
		local ip = pkt.ip; if not ip then return end
		pkt.eth.dst = 5
		local i, n = 0, 0
		while i < 5 do i = i + 1 if i == ip.proto then break end n = n + i end
		repeat local last = i > 7; i = i + 1 until last or i == ip.ttl
		if n == 15 then return pv.TX elseif n == 0 then return pv.DROP end`,
	"min and max": `local ip = pkt.ip; if not ip then return end local n = math.max(3, math.min(ip.ttl, ip.proto, 60)); if n == 3 then return pv.DROP elseif n > 16 then return pv.TX end`,
	"abs":         `local ip = pkt.ip; if not ip then return end if math.abs(ip.ttl - 64) > 3 then return pv.TX end`,
	"type":        `if type(pkt.ip) == "nil" and type(1) == "number" and type(pkt) == "userdata" then return pv.TX end`,
	"tonumber":    `if pkt.ip and tonumber(pkt.ip.ttl) == 64 and tonumber(nil) == nil then return pv.TX end`,
	"many kinds": `
		local eth, vlan, arp, ip, ip6, icmp, tcp, udp = pkt.eth, pkt.vlan, pkt.arp, pkt.ip, pkt.ip6, pkt.icmp, pkt.tcp, pkt.udp
		local port, from, odd = tcp and tcp.dport or udp and udp.dport, ip and ip.src, nil
		if icmp then odd = icmp.type % 2 == 1 end
		local far = ip6 and ip6.src
		count:add()
		for i = 1, 3 do if port and port > 1000 * i then count:add(i) end end
		if vlan then return pv.DROP end
		if port == 7 or odd then eth.dst = 9 return pv.TX end
		if from == nil and not far then return pv.DROP end
		if arp or far == pv.ip6"fe80::1" or from and from > 2^31 then return pv.DROP end
		if udp then udp.sport = port end
		if ip and icmp then ip.ttl = 5 return pv.TX end`,
	"settings": `
		local eth, ip = pkt.eth, pkt.ip
		if not eth or not ip then return end
		if ip.ttl == settings.ttl then return pv.DROP end
		local function put(header, a) header.dst = a end
		put(eth, settings.dst)
		ip.ttl, ip.id = settings.ttl, settings[1]
		return pv.TX`,
	"globals": `if answer(pkt) == limit then return pv.DROP end`,
	"strings": `if #pkt < 40 then return end local a, b = pkt:bytes(0, 6), pkt:bytes(6, 6)
		if a == b or a == pkt:bytes(0, 7) then return pv.DROP elseif a == "\2\0\0\0\0\2" and #b == 6 and pkt:bytes(20, 11) ~= pkt:bytes(21, 11) then return pv.TX end
		if pkt:bytes(12, 2) == "\8\0" or pkt:bytes(14, 9) == "123456789" then return pv.DROP end`,
	"addresses":     `local ip = pkt.ip6; if ip and ip.src == ip.dst then return pv.DROP elseif ip and ip.src:byte(1) == 0xfe and ip.dst:byte(-1) == 2 and #ip.src == 16 then return pv.TX end`,
	"address known": `local ip = pkt.ip6; if ip and ip.src == pv.ip6"fe80::1" then return pv.DROP elseif ip and ip.dst ~= pv.ip6"ff02::1" then return pv.TX end`,
	"for":           `local n = 0; for i = 1, 4 do n = n + i end if n == 10 then return pv.TX end`,
	"for in vain":   `for i = 5, 4 do return pv.DROP end return pv.TX`,
	"for with step": `local n = 0; for i = 1, 10, 3 do n = n + i end if n == 22 then return pv.TX end`,
	"long for":      `local n = 0; for i = 1, 100 do n = n + i end if n == 5050 then return pv.TX end`,
	"for to a field": `
		local ip = pkt.ip; if not ip then return end
		local n = 0; for i = 1, ip.ttl do n = n + i; if n > 1000 then break end end
		if n > 1000 then return pv.TX elseif n == 1 then return pv.DROP end`,
	"for with return": `local ip = pkt.ip; if not ip then return end for i = 1, 200 do if ip.ttl == i then return pv.TX end end return pv.DROP`,
	"for that exchanges": `
		local ip = pkt.ip; if not ip then return end
		local a, b = 0, 1
		for i = 1, ip.ttl % 40 do a, b = b, a + b end
		if a > 1000 then return pv.TX elseif a == 0 then return pv.DROP end`,
	"for in for": `
		local ip = pkt.ip; if not ip then return end
		local n = 0
		for i = 1, ip.ttl % 8 do for j = i, 20 do n = n + j end end
		if n > 500 then return pv.TX elseif n == 0 then return pv.DROP end`,
	"counter of a loop is assigned": `local n = 0; for i = 1, 30 do n = n + 1; i = 99 end if n == 30 then return pv.TX end`,
	"while": `
		local ip = pkt.ip; if not ip then return end
		local n, left = 0, ip.ttl
		while left > 1 do left = math.floor(left / 2); n = n + 1 end
		if n == 6 then return pv.TX end`,
	"long while": `
		local ip = pkt.ip; if not ip then return end
		local n, sum = ip.ttl, 0
		while n > 0 do n = n - 1; sum = sum + n * n end
		if sum > 10000 then return pv.TX end`,
	"while true": `
		local ip = pkt.ip; if not ip then return end
		local n = 0
		while true do n = n + 7; if n > ip.ttl then break end end
		if n == 70 then return pv.TX end`,
	"repeat": `
		local ip = pkt.ip; if not ip then return end
		local n = 0
		repeat local done = n > 20; n = n + 5 until done or n > ip.ttl
		if n == 25 then return pv.TX end`,
	"address in a loop": `
		local ip = pkt.ip6; if not ip then return end
		local a = ip.src
		for i = 1, ip.hlim % 64 do if a == ip.src then a = ip.dst else a = ip.src end end
		if a == ip.dst then return pv.TX end`,
	"boolean in a loop": `
		local ip = pkt.ip; if not ip then return end
		local odd = false
		for i = 1, ip.ttl do odd = not odd end
		if odd then return pv.TX end`,
	"inner function": `
		local ip = pkt.ip; if not ip then return end
		local n = 0
		local function add(k) n = n + k end
		add(ip.ttl) add(1)
		if n > 64 then return pv.TX end`,
	"varargs": `
		local function last(...) local a, b = ... return select("#", ...) == 2 and b, ... end
		local x, y = last(pv.DROP, pv.TX)
		if y == pv.DROP then return x end`,
	"tables":           `if sizes[2] == 20 and #sizes == 3 and names.b.c == 5 and sizes[9] == nil and names.x == nil then return pv.TX end`,
	"look up":          `local ip = pkt.ip; if not ip then return end local v = verdicts[ip.proto]; if v then return v end`,
	"look up in short": `local ip = pkt.ip; if not ip then return end local n = sizes[ip.proto] or 0; if n > 10 then return pv.TX elseif n > 0 then return pv.DROP end`,
	"look up a set":    `local ip = pkt.ip; if ip and ports[ip.ttl] then return pv.DROP end`,
	"look up addresses": `local ip = pkt.ip6; if not ip then return end
		if hosts[ip.src] then return pv.TX end if hosts[ip.dst] then return pv.DROP end`,
	"look up a table":       `local ip = pkt.ip; local t = ip and tree[ip.proto]; if t then return t.verdict end`,
	"pairs":                 `local n = 0; for k, v in pairs(sizes) do n = n + k * v end for i, v in ipairs(sizes) do if i == 3 then break end n = n + 1 end if n == 142 then return pv.TX end`,
	"methods of a table":    `if object:double(4) == 8 then return pv.TX end`,
	"constant function":     `return choose(pkt)`,
	"changed when loaded":   `return mode == "b" and pv.TX or pv.DROP`,
	"deferred counts":       `count:add(); if pkt.ip then count:add(2) end if pkt.tcp then count:add(pkt.tcp.window) end`,
	"counts in a loop":      `local ip = pkt.ip; if not ip then return end for i = 1, ip.ttl do count:add(i) end return pv.DROP`,
	"ports":                 `if pkt.port == pv.ports[1] and #pv.ports == 2 then return pv.ports[2] end return pkt.port`,
	"verdict in a variable": `local v = pv.PASS; if pkt.ip then v = pv.DROP end if pkt.tcp then v = pv.TX end return v`,
}

// languagePrologue is what the bodies find in the script.
const languagePrologue = `local pv = require "pv"
local count = pv.counter("count")
local packets, bytes = pv.map{name = "packets", max = 1000, key = "u32", value = "u64"}, pv.map{name = "bytes", max = 1000, key = "u32", value = "u64"}
local sizes, names = {10, 20, 30}, {b = {c = 5}}
local verdicts = {[1] = pv.DROP, [2] = pv.TX, [6] = pv.TX, [17] = pv.DROP, [58] = pv.PASS}
local ports = {} for i = 60, 70 do ports[i] = true end
local hosts = {[pv.ip6"fe80::1"] = true, [pv.ip6"fe80::2"] = true, [pv.ip6"2001:db8::1"] = true, [pv.ip6"2001:db8::2"] = true, [pv.ip6"ff02::1"] = true}
local tree = {[6] = {verdict = pv.TX}, [17] = {verdict = pv.DROP}}
local settings = {99, dst = pv.mac"02:00:00:00:00:77", ttl = 50} limit = 64 function answer(pkt) return pkt.ip and pkt.ip.ttl end
local object = {factor = 2} local none = tonumber("0") function object:double(n) return self.factor * n + none end
local function choose(pkt) return pkt.tcp and pv.TX or pv.DROP end
local mode = "a" local function set() mode = "b" end set()
function on_packet(pkt)
`

func TestLanguage(t *testing.T) {
	for name, body := range languageCases {
		t.Run(name, func(t *testing.T) {
			e := same(t, languagePrologue+body+"\nend")
			if n := len(e.exits); n > 0 && strings.Contains(body, "packets:") {
				t.Errorf("packets exit: %v", e.exits)
			}
			if strings.Contains(body, "count:") && e.stores[0] != nil {
				e.sameCounters("count")
			}
		})
	}
}
