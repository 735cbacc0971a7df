-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of vlan.lua: "pvlua test scripts/vlan.lua" runs the functions here whose names begin with test_.

local pv = require "pv"

test.ports{{name = "left"}, {name = "right"}}
test.args{"--mode", "push", "--tag", "100"}

local left, right = pv.ports[1], pv.ports[2]

-- A packet with the tags given, the outermost first: each is {vid, type of the tag}.
local function tagged(...)
  local tags = {...}
  local headers = {
    eth = {src = pv.mac"02:00:00:00:00:0a", dst = pv.mac"02:00:00:00:00:0b", type = tags[1] and tags[1][2]},
    ip = {src = 1, dst = 2}, udp = {sport = 3, dport = 4}, payload = "hello",
  }
  if tags[1] then headers.vlan = {vid = tags[1][1], type = tags[2] and tags[2][2], pcp = tags[1][3], dei = tags[1][4]} end
  if tags[2] then headers.vlan2 = {vid = tags[2][1], pcp = tags[2][3]} end
  return pv.build(headers)
end

local C, S = 0x8100, 0x88a8                            -- the tags of a customer and of a provider

local function becomes(pkt, from, want)
  local verdict, after = test.handle(pkt, from)
  test.equal(verdict, want and (from == left and right or left) or pv.DROP, "verdict")
  if want then test.equal(after, want) end
  test.equal(test.sent(), {}, "sent besides")
end

function test_push_to_the_right()
  becomes(tagged(), left, tagged{100, C})
  becomes(tagged{100, C}, left, tagged({100, S}, {100, C}))
  becomes(tagged{5, C, 7}, left, tagged({100, S}, {5, C, 7}))
end

function test_push_pops_to_the_left()
  becomes(tagged{100, C}, right, tagged())
  becomes(tagged{100, C, 7, true}, right, tagged())    -- whatever its priority is
  becomes(tagged({100, S}, {5, C}), right, tagged{5, C})
end

function test_other_networks_end_here()
  becomes(tagged(), right, nil)
  becomes(tagged{101, C}, right, nil)
  becomes(tagged({5, S}, {100, C}), right, nil)
end

function test_pop()
  test.args{"--mode", "pop", "--tag", "4094"}
  becomes(tagged{4094, C}, left, tagged())
  becomes(tagged{100, C}, left, nil)
  becomes(tagged(), left, nil)
  becomes(tagged(), right, tagged{4094, C})
end

function test_rewrite()
  test.args{"--mode", "rewrite", "--tag", "100", "--to", "200"}
  becomes(tagged{100, C}, left, tagged{200, C})
  becomes(tagged{200, C}, right, tagged{100, C})
  becomes(tagged{100, C, 5, true}, left, tagged{200, C, 5, true})
  becomes(tagged({100, S}, {100, C}), left, tagged({200, S}, {100, C}))
  for _, other in ipairs{tagged(), tagged{200, C}, tagged{1, C}, tagged({1, S}, {100, C})} do
    becomes(other, left, other)
  end
  for _, other in ipairs{tagged(), tagged{100, C}, tagged{1, C}} do
    becomes(other, right, other)
  end
end

-- Whatever the packet is, all but the tag is as it was.
function test_all_kinds_of_packets()
  for _, pkt in ipairs{
    pv.build{arp = {}}, pv.build{ip = {}, icmp = {}, payload = ("x"):rep(1472)}, pv.build{ip6 = {}, tcp = {}},
    pv.build{eth = {type = 38}, payload = ("x"):rep(46)},
  } do
    local verdict, there = test.handle(pkt, left)
    test.equal(verdict, right, "verdict")
    test.equal(#there, #pkt + 4, "length")
    test.equal(there.vlan and there.vlan.vid, 100, "tag")
    test.equal(there:bytes(16, #there - 16), pkt:bytes(12, #pkt - 12))
    becomes(there, right, pkt)
  end
end
