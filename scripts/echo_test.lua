-- SPDX-License-Identifier: GPL-3.0-or-later

-- Tests of echo.lua: "pvlua test scripts/echo.lua" runs the functions here whose names begin with test_.
-- Each answer is compared, byte for byte, with one that is built here from its fields.

local pv = require "pv"

test.ports{{mac = "02:00:00:00:00:05", ip = {"10.0.0.5", "10.0.0.6"}, ip6 = {"fe80::5", "2001:db8::5"}}}

local me, peer, broadcast = pv.ports[1].mac, pv.mac"02:00:00:00:00:04", pv.mac"ff:ff:ff:ff:ff:ff"
local my_ip, my_ip_2, peer_ip = pv.ip"10.0.0.5", pv.ip"10.0.0.6", pv.ip"10.0.0.4"
local my_ip6, my_link_local, peer_ip6 = pv.ip6"2001:db8::5", pv.ip6"fe80::5", pv.ip6"2001:db8::4"

-- Makes a packet from the peer to us.
local function to_me(headers)
  headers.eth = headers.eth or {src = peer, dst = me}
  return pv.build(headers)
end

-- Makes a packet from us to the peer.
local function from_me(headers)
  headers.eth = {src = me, dst = peer}
  return pv.build(headers)
end

local function answers(what, question, answer)
  local before = question:clone()
  local verdict, pkt = test.handle(question)
  test.equal(verdict, pv.TX, what .. ": verdict")
  test.equal(pkt, answer, what)
  test.equal(question, before, what .. ": the question")
  test.equal(test.sent(), {}, what .. ": sent besides")
end

-- What is not answered goes to the kernel as it came.
local function passes(what, pkt)
  local verdict, after = test.handle(pkt)
  test.equal(verdict, pv.PASS, what .. ": verdict")
  if type(pkt) == "string" then
    test.equal(after:bytes(0, #after), pkt, what)
  else
    test.equal(after, pkt, what)
  end
end

-- ARP -----------------------------------------------------------------------------------------------------------------

local function who_has(address, eth_dst)
  return pv.build{eth = {src = peer, dst = eth_dst or broadcast}, arp = {op = 1, sha = peer, spa = peer_ip, tpa = address}}
end

local function is_at(address)
  return from_me{arp = {op = 2, sha = me, spa = address, tha = peer, tpa = peer_ip}}
end

function test_arp_request()
  answers("broadcast", who_has(my_ip), is_at(my_ip))
  answers("to us alone", who_has(my_ip, me), is_at(my_ip))
  answers("for our second address", who_has(my_ip_2), is_at(my_ip_2))
end

function test_arp_that_is_not_for_us()
  passes("for another address", who_has(pv.ip"10.0.0.7"))
  passes("a reply", to_me{arp = {op = 2, sha = peer, spa = peer_ip, tha = me, tpa = my_ip}})
  passes("gratuitous", who_has(peer_ip))
end

-- IPv4 ----------------------------------------------------------------------------------------------------------------

local function ip4_to_me(more)
  local ip = {src = peer_ip, dst = my_ip, ttl = 3, id = 1000}
  for field, value in pairs(more or {}) do ip[field] = value end
  return ip
end

local function ip4_from_me(more)
  local ip = {src = my_ip, dst = peer_ip, ttl = 64, id = 1000}
  for field, value in pairs(more or {}) do ip[field] = value end
  return ip
end

local echo = {type = 8, id = 77, seq = 5}

function test_ping()
  for _, data in ipairs{"", "x", ("ping"):rep(14), ("large"):rep(280)} do
    answers(#data .. " bytes",
      to_me{ip = ip4_to_me(), icmp = {type = 8, id = 77, seq = 5}, payload = data},
      from_me{ip = ip4_from_me(), icmp = {type = 0, id = 77, seq = 5}, payload = data})
  end
end

function test_ping_of_the_second_address()
  answers("10.0.0.6", to_me{ip = ip4_to_me{dst = my_ip_2}, icmp = echo}, from_me{ip = ip4_from_me{src = my_ip_2}, icmp = {type = 0, id = 77, seq = 5}})
end

function test_ping_with_ip_options()
  local options = string.char(148, 4, 0, 0) -- router alert (RFC 2113)
  answers("router alert",
    to_me{ip = ip4_to_me{options = options}, icmp = echo},
    from_me{ip = ip4_from_me{options = options}, icmp = {type = 0, id = 77, seq = 5}})
end

-- Ethernet frames have 60 bytes at least; what fills them up goes back as well.
function test_ping_with_padding()
  local question = to_me{ip = ip4_to_me(), icmp = echo}
  local answer = from_me{ip = ip4_from_me(), icmp = {type = 0, id = 77, seq = 5}}
  question:resize(60)
  answer:resize(60)
  answers("padded", question, answer)
end

function test_other_icmp()
  for type = 0, 255 do
    if type ~= 8 then
      passes("type " .. type, to_me{ip = ip4_to_me(), icmp = {type = type}})
    end
  end
end

function test_udp_echo()
  for _, data in ipairs{"", "hello", ("\0\255"):rep(700)} do
    answers(#data .. " bytes",
      to_me{ip = ip4_to_me(), udp = {sport = 40000, dport = 7}, payload = data},
      from_me{ip = ip4_from_me(), udp = {sport = 7, dport = 40000}, payload = data})
  end
end

-- A sender may leave the checksum out; then there is none in the answer either.
function test_udp_without_checksum()
  answers("no checksum",
    to_me{ip = ip4_to_me(), udp = {sport = 40000, dport = 7, checksum = 0}, payload = "hello"},
    from_me{ip = ip4_from_me(), udp = {sport = 7, dport = 40000, checksum = 0}, payload = "hello"})
end

-- A broken packet does not get right on the way, or the sender could not find out.
function test_wrong_checksum_stays_wrong()
  local question = to_me{ip = ip4_to_me(), udp = {sport = 40000, dport = 7}, payload = "hello"}
  question.udp.checksum = bit32.bxor(question.udp.checksum, 0x100)
  local _, pkt = test.handle(question)
  local wrong = pkt.udp.checksum
  pkt:fix_checksums()
  test.equal(pkt.udp.checksum ~= wrong, true, "the checksum of the answer is still wrong")
end

function test_udp_for_others()
  for _, dport in ipairs{0, 1, 6, 8, 53, 7 * 256, 65535} do
    passes("port " .. dport, to_me{ip = ip4_to_me(), udp = {sport = 40000, dport = dport}, payload = "hello"})
  end
end

-- Two machines that answer each other would never stop.
function test_echo_of_an_echo()
  passes("from port 7", to_me{ip = ip4_to_me(), udp = {sport = 7, dport = 7}, payload = "hello"})
end

function test_tcp_passes()
  passes("port 7", to_me{ip = ip4_to_me(), tcp = {sport = 40000, dport = 7, syn = true}})
  passes("ssh", to_me{ip = ip4_to_me(), tcp = {sport = 40000, dport = 22, ack_flag = true}, payload = "SSH-2.0"})
end

function test_ipv4_not_to_us()
  passes("another address", to_me{ip = ip4_to_me{dst = pv.ip"10.0.0.7"}, icmp = echo})
  passes("broadcast", to_me{ip = ip4_to_me{dst = pv.ip"255.255.255.255"}, icmp = echo})
  passes("a group", to_me{ip = ip4_to_me{dst = pv.ip"224.0.0.1"}, icmp = echo})
  passes("another MAC address", to_me{eth = {src = peer, dst = pv.mac"02:00:00:00:00:99"}, ip = ip4_to_me(), icmp = echo})
  passes("broadcast by MAC address", to_me{eth = {src = peer, dst = broadcast}, ip = ip4_to_me(), icmp = echo})
end

-- Answers to these addresses would hit many, or nobody.
function test_ipv4_from_no_host()
  for _, address in ipairs{"0.0.0.0", "0.1.2.3", "224.0.0.0", "224.0.0.1", "239.255.255.255", "255.255.255.255"} do
    passes(address, to_me{ip = ip4_to_me{src = pv.ip(address)}, icmp = echo})
  end
  for _, address in ipairs{"1.0.0.0", "223.255.255.255"} do
    test.equal(test.handle(to_me{ip = ip4_to_me{src = pv.ip(address)}, icmp = echo}), pv.TX, address)
  end
  passes("from a group of MAC addresses", to_me{eth = {src = pv.mac"03:00:00:00:00:04", dst = me}, ip = ip4_to_me(), icmp = echo})
end

function test_ipv4_fragments()
  passes("the first", to_me{ip = ip4_to_me{mf = true}, icmp = echo, payload = "12345678"})
  passes("a later one", to_me{ip = ip4_to_me{frag = 10, proto = 17}, payload = "12345678"})
  passes("one in the middle", to_me{ip = ip4_to_me{frag = 10, mf = true, proto = 1}, payload = "12345678"})
end

-- IPv6 ----------------------------------------------------------------------------------------------------------------

local all_nodes, solicited_node = pv.ip6"ff02::1", pv.ip6"ff02::1:ff00:5"
local group_mac = pv.mac"33:33:ff:00:00:05"

local function ip6_to_me(more)
  local ip6 = {src = peer_ip6, dst = my_ip6, hlim = 3, flow = 0x12345}
  for field, value in pairs(more or {}) do ip6[field] = value end
  return ip6
end

local function ip6_from_me(more)
  local ip6 = {src = my_ip6, dst = peer_ip6, hlim = 64, flow = 0x12345}
  for field, value in pairs(more or {}) do ip6[field] = value end
  return ip6
end

local function solicitation(target, more, dst, slla)
  local ip6 = {src = peer_ip6, dst = dst or solicited_node, hlim = 255}
  for field, value in pairs(more or {}) do ip6[field] = value end
  return pv.build{eth = {src = peer, dst = group_mac}, ip6 = ip6, icmp6 = {type = 135, target = target, slla = slla or peer}}
end

local function advertisement(target)
  return from_me{
    ip6 = {src = target, dst = peer_ip6, hlim = 255},
    icmp6 = {type = 136, target = target, tlla = me, solicited = true, override = true},
  }
end

function test_neighbour_solicitation()
  answers("by the group", solicitation(my_ip6), advertisement(my_ip6))
  answers("for the link-local address", solicitation(my_link_local), advertisement(my_link_local))
  answers("to us alone", solicitation(my_ip6, nil, my_ip6), advertisement(my_ip6))
end

function test_neighbour_solicitation_not_to_answer()
  passes("for another address", solicitation(pv.ip6"2001:db8::7"))
  passes("forwarded, against RFC 4861", solicitation(my_ip6, {hlim = 254}))
  passes("from nobody yet: a search for duplicates", solicitation(my_ip6, {src = pv.ip6"::"}))
  passes("an advertisement", to_me{ip6 = ip6_to_me{hlim = 255}, icmp6 = {type = 136, target = my_ip6, tlla = peer}})
  passes("an advertisement with the option of solicitations", to_me{ip6 = ip6_to_me{hlim = 255}, icmp6 = {type = 136, target = my_ip6, slla = peer}})
  passes("a redirect", to_me{ip6 = ip6_to_me{hlim = 255}, icmp6 = {type = 137, target = my_ip6, slla = peer}, payload = my_ip6})
  passes("without an address to answer to", pv.build{
    eth = {src = peer, dst = group_mac}, ip6 = {src = peer_ip6, dst = solicited_node, hlim = 255}, icmp6 = {type = 135, target = my_ip6},
  })
end

function test_ping6()
  for _, data in ipairs{"", "x", ("ping"):rep(14), ("large"):rep(280)} do
    answers(#data .. " bytes",
      to_me{ip6 = ip6_to_me(), icmp6 = {type = 128, id = 77, seq = 5}, payload = data},
      from_me{ip6 = ip6_from_me(), icmp6 = {type = 129, id = 77, seq = 5}, payload = data})
  end
end

function test_ping6_of_the_link_local_address()
  answers("fe80::5",
    to_me{ip6 = ip6_to_me{src = pv.ip6"fe80::4", dst = my_link_local}, icmp6 = {type = 128}},
    from_me{ip6 = ip6_from_me{src = my_link_local, dst = pv.ip6"fe80::4"}, icmp6 = {type = 129}})
end

function test_udp6_echo()
  for _, data in ipairs{"", "hello", ("\0\255"):rep(700)} do
    answers(#data .. " bytes",
      to_me{ip6 = ip6_to_me(), udp = {sport = 40000, dport = 7}, payload = data},
      from_me{ip6 = ip6_from_me(), udp = {sport = 7, dport = 40000}, payload = data})
  end
end

function test_ipv6_that_passes()
  local ask = {type = 128, id = 77, seq = 5}
  passes("another address", to_me{ip6 = ip6_to_me{dst = pv.ip6"2001:db8::7"}, icmp6 = ask})
  passes("a group", to_me{ip6 = ip6_to_me{dst = all_nodes}, icmp6 = ask})
  passes("another MAC address", to_me{eth = {src = peer, dst = group_mac}, ip6 = ip6_to_me(), icmp6 = ask})
  passes("from nobody", to_me{ip6 = ip6_to_me{src = pv.ip6"::"}, icmp6 = ask})
  passes("from a group", to_me{ip6 = ip6_to_me{src = all_nodes}, icmp6 = ask})
  passes("a reply", to_me{ip6 = ip6_to_me(), icmp6 = {type = 129}})
  passes("a router's advertisement", to_me{ip6 = ip6_to_me{hlim = 255}, icmp6 = {type = 134}})
  passes("a fragment", to_me{ip6 = ip6_to_me{frag_off = 0, frag_mf = true, frag_id = 9}, icmp6 = ask, payload = "12345678"})
  passes("an echo of an echo", to_me{ip6 = ip6_to_me(), udp = {sport = 7, dport = 7}})
  passes("another UDP port", to_me{ip6 = ip6_to_me(), udp = {sport = 40000, dport = 53}})
  passes("TCP", to_me{ip6 = ip6_to_me(), tcp = {sport = 40000, dport = 7, syn = true}})
end

-- Everything else -----------------------------------------------------------------------------------------------------

function test_vlan_passes()
  passes("a ping with a tag", to_me{vlan = {vid = 5}, ip = ip4_to_me(), icmp = echo})
  passes("ARP with a tag", pv.build{eth = {src = peer, dst = broadcast}, vlan = {vid = 5}, arp = {op = 1, spa = peer_ip, tpa = my_ip}})
  passes("two tags", to_me{vlan = {vid = 5}, vlan2 = {vid = 6}, ip6 = ip6_to_me(), icmp6 = {type = 128}})
end

function test_unknown_protocols_pass()
  passes("an unknown ethertype", to_me{eth = {src = peer, dst = me, type = 0x88b5}, payload = ("x"):rep(50)})
  passes("LLC", to_me{eth = {src = peer, dst = me, type = 50}, payload = ("x"):rep(50)})
  passes("SCTP", to_me{ip = ip4_to_me{proto = 132}, payload = ("x"):rep(50)})
  passes("nothing but an Ethernet header", to_me{})
end

-- Packets that are cut short at any place are handled without an error, and only whole questions are answered.
function test_cut_short()
  local questions = {
    who_has(my_ip), solicitation(my_ip6),
    to_me{ip = ip4_to_me(), icmp = echo, payload = "hello"}, to_me{ip = ip4_to_me(), udp = {sport = 40000, dport = 7}, payload = "hello"},
    to_me{ip6 = ip6_to_me(), icmp6 = {type = 128}, payload = "hello"}, to_me{ip6 = ip6_to_me(), udp = {sport = 40000, dport = 7}},
  }
  for _, question in ipairs(questions) do
    for length = 0, 41 do
      passes(tostring(question) .. " cut to " .. length .. " bytes", question:bytes(0, math.min(length, #question - 1)))
    end
    for length = 42, #question do
      test.handle(question:bytes(0, length))
    end
  end
end

-- A network without addresses asks nothing of us.
function test_without_addresses()
  test.ports{{mac = "02:00:00:00:00:05", ip = false, ip6 = false}}
  passes("ARP", who_has(my_ip))
  passes("a ping", to_me{ip = ip4_to_me(), icmp = echo})
  passes("neighbour solicitation", solicitation(my_ip6))
  passes("IPv6 ping", to_me{ip6 = ip6_to_me(), icmp6 = {type = 128}})
end

-- The answer goes back out of the port where the question came in, and only for that one's addresses.
function test_several_ports()
  test.ports{{ip = "10.0.1.5"}, {ip = "10.0.2.5"}}
  local left, right = pv.ports[1], pv.ports[2]
  for _, port in ipairs{left, right} do
    local verdict, pkt = test.handle(who_has(port.ip), port)
    test.equal(verdict, pv.TX, port.name .. ": verdict")
    test.equal(pkt.arp.sha, port.mac, port.name .. ": the address in the answer")
    test.equal(pkt.eth.src, port.mac, port.name .. ": the sender of the answer")
  end
  test.equal(test.handle(who_has(left.ip), right), pv.PASS, "the verdict on a question for the other port")
end
