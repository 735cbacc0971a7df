-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of filter.lua: "pvlua test scripts/filter.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}
test.args{"--word", "secret", "--port", "8080"}

local left, right = pv.ports[1], pv.ports[2]
local a, b = pv.mac"02:00:00:00:00:0a", pv.mac"02:00:00:00:00:0b"

-- A segment of a connection from a client behind left to port 8080 of a server behind right.
local function segment(text, tcp, headers)
  headers = headers or {}
  headers.eth = {src = a, dst = b}
  if not headers.ip6 then headers.ip = headers.ip or {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5", id = 7, df = true} end
  headers.tcp = {sport = 40000, dport = 8080, seq = 1000, ack = 5000, ack_flag = true, psh = true, window = 502}
  for name, value in pairs(tcp or {}) do headers.tcp[name] = value end
  headers.payload = text
  return pv.build(headers)
end

-- The segment with other ends, numbers and nothing in it.
local function reset(seq, ack, headers, tcp)
  tcp = tcp or {sport = 40000, dport = 8080}
  return segment("", {seq = seq, ack = ack, sport = tcp.sport, dport = tcp.dport, psh = false, rst = true, window = 0}, headers)
end

local function goes(pkt, what)
  for _, way in ipairs{{left, right}, {right, left}} do
    local verdict, after = test.handle(pkt, way[1])
    test.equal(verdict, way[2], what .. ": verdict")
    test.equal(after, pkt, what)
    test.equal(test.sent(), {}, what .. ": sent besides")
  end
end

-- Wants one reset for the receiver of a segment, and one for its sender.
local function is_reset(pkt, forth, back)
  local verdict, after = test.handle(pkt, left)
  test.equal(verdict, right, "verdict")
  test.equal(after, forth, "to the receiver")
  local sent = test.sent()
  test.equal(#sent, 1, "sent besides")
  test.equal(sent[1].port, left, "by")
  test.equal(sent[1], back, "to the sender")
end

-- Headers and ports of what goes back.
local function turned(headers)
  headers = headers or {ip = {src = pv.ip"10.0.0.5", dst = pv.ip"10.0.0.4", id = 7, df = true}}
  return headers, {sport = 8080, dport = 40000}
end

local function back(seq, ack, headers)
  local pkt = reset(seq, ack, turned(headers))
  pkt.eth.src, pkt.eth.dst = b, a
  return pkt
end

function test_both_ends_are_reset()
  is_reset(segment("GET /secret"), reset(1000, 5000), back(5000, 1011))
end

function test_the_word_anywhere()
  for _, text in ipairs{"secret", "the secret", "secrets", ("x"):rep(1400) .. "secret", "\0secret\0"} do
    is_reset(segment(text), reset(1000, 5000), back(5000, 1000 + #text))
  end
end

function test_numbers_wrap()
  is_reset(segment("secret", {seq = 2^32 - 2, ack = 2^32 - 1}), reset(2^32 - 2, 2^32 - 1), back(2^32 - 1, 4))
end

-- SYN and FIN count as one each (RFC 9293, 3.4).
function test_syn_and_fin_count()
  is_reset(segment("secret", {fin = true}), reset(1000, 5000), back(5000, 1007))
  is_reset(segment("secret", {syn = true, ack_flag = false}), reset(1000, 5000), back(5000, 1007))
end

function test_options_go()
  is_reset(segment("secret", {tsval = 1, tsecr = 2}), reset(1000, 5000), back(5000, 1006))
end

function test_ipv6_and_tags()
  local ip6 = {src = pv.ip6"2001:db8::4", dst = pv.ip6"2001:db8::5", flow = 9}
  local turn = {src = ip6.dst, dst = ip6.src, flow = 9}
  is_reset(segment("secret", nil, {ip6 = ip6}), reset(1000, 5000, {ip6 = ip6}), back(5000, 1006, {ip6 = turn}))
  local vlan = {vid = 5}
  is_reset(segment("secret", nil, {vlan = vlan, ip6 = ip6}), reset(1000, 5000, {vlan = vlan, ip6 = ip6}),
    back(5000, 1006, {vlan = vlan, ip6 = turn}))
end

function test_padding_does_not_count()
  local short = segment("a secret")
  short:resize(100)
  is_reset(short, reset(1000, 5000), back(5000, 1008))
  local padded = segment("hello")
  padded:resize(100)
  padded:set_bytes(80, "secret")
  goes(padded, "the word in the padding")
end

function test_other_segments_go()
  goes(segment("hello"), "another word")
  goes(segment(""), "no text")
  goes(segment("Secret"), "in capitals")
  goes(segment("secre"), "a part of it")
  goes(segment("secret", {dport = 80}), "another port")
  goes(segment("", {syn = true, mss = 1460}), "SYN")
  goes(pv.build{ip = {}, udp = {dport = 8080}, payload = "secret"}, "UDP")
  goes(pv.build{arp = {}}, "ARP")
  goes(pv.build{eth = {type = 0x88b5}, payload = "secret"}, "another protocol")
end

-- What belongs to it comes in other fragments, so its length is not known.
function test_fragments_are_dropped()
  local first = segment("secret", nil, {ip = {src = 1, dst = 2, mf = true}})
  test.equal(test.handle(first, left), pv.DROP, "verdict")
  test.equal(test.sent(), {}, "sent")
  goes(segment("hello", nil, {ip = {src = 1, dst = 2, mf = true}}), "a fragment without the word")
  goes(pv.build{ip = {frag = 9, proto = 6}, payload = "secret"}, "a later fragment")
end
