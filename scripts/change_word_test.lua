-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of change_word.lua: "pvlua test scripts/change_word.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}
test.args{"--old", "cat", "--new", "lion"}

local left, right = pv.ports[1], pv.ports[2]

local function datagram(text, headers)
  headers = headers or {}
  headers.eth = {src = pv.mac"02:00:00:00:00:0a", dst = pv.mac"02:00:00:00:00:0b"}
  if not headers.ip6 then headers.ip = headers.ip or {src = pv.ip"10.0.0.4", dst = pv.ip"10.0.0.5"} end
  headers.udp = headers.udp or {sport = 4000, dport = 5000}
  headers.payload = text
  return pv.build(headers)
end

-- What comes out for a packet, both ways.
local function becomes(pkt, want, what)
  for _, way in ipairs{{left, right}, {right, left}} do
    local verdict, after = test.handle(pkt, way[1])
    test.equal(verdict, way[2], (what or "") .. ": verdict")
    test.equal(after, want, what)
  end
end

local function stays(pkt, what) becomes(pkt, pkt, what) end

function test_every_occurrence()
  becomes(datagram"cat", datagram"lion")
  becomes(datagram"a cat, a cat and another cat.", datagram"a lion, a lion and another lion.")
  becomes(datagram"catcatcat", datagram"lionlionlion")
  becomes(datagram"cacatt", datagram"caliont")
  becomes(datagram("\0cat\0\255"), datagram("\0lion\0\255"))
end

function test_ipv6_and_tags()
  local ip6 = {src = pv.ip6"2001:db8::4", dst = pv.ip6"2001:db8::5"}
  becomes(datagram("cats", {ip6 = ip6}), datagram("lions", {ip6 = ip6}))
  becomes(datagram("cats", {ip6 = ip6, vlan = {vid = 5}}), datagram("lions", {ip6 = ip6, vlan = {vid = 5}}))
end

-- A checksum of zero means that there is none (RFC 768).
function test_no_checksum_stays_none()
  local none = {sport = 1, dport = 2, checksum = 0}
  becomes(datagram("cat", {udp = none}), datagram("lion", {udp = none}))
end

function test_padding_goes()
  local padded = datagram"cat"
  padded:resize(60)
  becomes(padded, datagram"lion")
  local other = datagram"dog"
  other:resize(60)
  other:set_bytes(50, "cat")
  stays(other, "the word in the padding")
end

function test_what_stays()
  stays(datagram"", "empty")
  stays(datagram"ca", "a part")
  stays(datagram"Cat", "in capitals")
  stays(pv.build{ip = {}, tcp = {dport = 5000}, payload = "cat"}, "TCP")
  stays(pv.build{ip = {}, icmp = {}, payload = "cat"}, "a ping")
  stays(pv.build{arp = {}}, "ARP")
  stays(pv.build{eth = {type = 0x88b5}, payload = "cat"}, "another protocol")
  stays(datagram("cat", {ip = {mf = true}}), "the first fragment")
  stays(pv.build{ip = {frag = 9, proto = 17}, payload = "cat"}, "a later fragment")
  stays(datagram("cat", {ip6 = {frag_mf = true}}), "the first fragment of IPv6")
end

function test_words_are_no_patterns()
  test.args{"--old", "a.*%", "--new", "%1%%"}
  becomes(datagram"a.*% abc%", datagram"%1%% abc%")
end

function test_shorter()
  test.args{"--old", "elephant", "--new", "ox"}
  becomes(datagram"an elephant, elephants", datagram"an ox, oxs")
end

function test_no_word_instead()
  test.args{"--old", "cat", "--new", ""}
  becomes(datagram"cat", datagram"")
  becomes(datagram"cats and dogs", datagram"s and dogs")
end

function test_what_does_not_fit_is_an_error()
  test.args{"--old", "cat", "--new", ("x"):rep(1000)}
  becomes(datagram("a cat"), datagram("a " .. ("x"):rep(1000)))
  test.fails(function() test.handle(datagram"cat cat", left) end, "too long for right: its MTU of 1500 allows 1518")
  local many = datagram(("cat"):rep(10))
  test.fails(function() test.handle(many, left) end, "payload: 10000 bytes do not fit: the frame has room for")
end
