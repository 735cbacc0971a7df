---@meta pv
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The API of pvlua for the Lua language server. Made by "pvlua stubs": changes are lost.

---An Ethernet address as a number: pv.mac"02:00:00:00:00:01".
---@alias pvlua.mac number

---An IPv4 address as a number: pv.ip"10.0.0.1".
---@alias pvlua.ipv4 number

---An IPv6 address as a string of 16 bytes: pv.ip6"2001:db8::1".
---@alias pvlua.ipv6 string

---What becomes of a packet: nil or pv.PASS, pv.DROP, pv.TX, or a port.
---@alias pvlua.verdict nil|number|pvlua.port

---@class pvlua.ports
---@field [integer] pvlua.port by number, from 1
---@field [string] pvlua.port by name

---Ethernet II (IEEE 802.3, clause 3.2). Every packet of 14 bytes or more has it.
---@class pvlua.eth
---@field dst pvlua.mac Destination address.
---@field src pvlua.mac Source address.
---@field type number Ethertype, the outermost one: 0x8100 or 0x88a8 in a tagged packet.
local eth = {}

---The outermost VLAN tag (IEEE 802.1Q, clause 9.6): ethertype 0x8100 or 0x88a8.
---@class pvlua.vlan
---@field pcp number Priority code point (IEEE 802.1Q, 9.6).
---@field dei boolean Drop eligible indicator (IEEE 802.1Q, 9.6).
---@field vid number VLAN identifier (IEEE 802.1Q, 9.6).
---@field type number Ethertype of what follows the tag.
local vlan = {}

---The second VLAN tag (QinQ, IEEE 802.1ad): a tag directly after the outermost one.
---@class pvlua.vlan2
---@field pcp number Priority code point (IEEE 802.1Q, 9.6).
---@field dei boolean Drop eligible indicator (IEEE 802.1Q, 9.6).
---@field vid number VLAN identifier (IEEE 802.1Q, 9.6).
---@field type number Ethertype of what follows the tag.
local vlan2 = {}

---Address resolution (RFC 826) of IPv4 over Ethernet: only with htype 1, ptype 0x0800, hlen 6 and plen 4.
---@class pvlua.arp
---@field htype number Hardware address space, 1 for Ethernet (RFC 826).
---@field ptype number Protocol address space, 0x0800 for IPv4 (RFC 826).
---@field hlen number Length of a hardware address in bytes, 6 (RFC 826).
---@field plen number Length of a protocol address in bytes, 4 (RFC 826).
---@field op number Operation: 1 request, 2 reply (RFC 826).
---@field sha pvlua.mac Sender hardware address (RFC 826).
---@field spa pvlua.ipv4 Sender protocol address (RFC 826).
---@field tha pvlua.mac Target hardware address (RFC 826).
---@field tpa pvlua.ipv4 Target protocol address (RFC 826).
local arp = {}

---IPv4 (RFC 791). Absent when the version is not 4, ihl is below 5 or len is shorter than the header.
---@class pvlua.ip
---@field version number Version, 4 (RFC 791 §3.1).
---@field ihl number Header length in units of 4 bytes, 5 to 15 (RFC 791 §3.1).
---@field tos number Type of service: dscp and ecn together (RFC 791 §3.1).
---@field dscp number Differentiated services code point (RFC 2474 §3).
---@field ecn number Explicit congestion notification (RFC 3168 §5).
---@field len number Total length in bytes, header and payload; the checksum of what is in it stays right, of ICMP too (RFC 791 §3.1).
---@field id number Identification of the datagram that a fragment belongs to (RFC 6864).
---@field flags number The three flags together: 2 is df, 1 is mf (RFC 791 §3.1).
---@field df boolean Don't fragment (RFC 791 §3.1).
---@field mf boolean More fragments follow (RFC 791 §3.1).
---@field frag number Fragment offset in units of 8 bytes (RFC 791 §3.1).
---@field ttl number Time to live (RFC 791 §3.1).
---@field proto number Protocol of the payload: 1 ICMP, 6 TCP, 17 UDP (RFC 791 §3.1); a payload that becomes another protocol keeps its bytes.
---@field checksum number Header checksum (RFC 791 §3.1); assigning it writes just that.
---@field src pvlua.ipv4 Source address (RFC 791 §3.1).
---@field dst pvlua.ipv4 Destination address (RFC 791 §3.1).
---@field options string Options with their padding, empty when ihl is 5 (RFC 791 §3.1).
local ip = {}

---IPv6 (RFC 8200). Absent when the version is not 6. Extension headers are walked, at most 8.
---@class pvlua.ip6
---@field version number Version, 6 (RFC 8200 §3).
---@field tc number Traffic class: dscp and ecn together (RFC 8200 §7).
---@field dscp number Differentiated services code point (RFC 2474 §3).
---@field ecn number Explicit congestion notification (RFC 3168 §5).
---@field flow number Flow label (RFC 6437).
---@field len number Payload length in bytes, extension headers included (RFC 8200 §3).
---@field nexthdr number Next header: of an extension header or the payload (RFC 8200 §3); a payload that becomes another protocol keeps its bytes.
---@field hlim number Hop limit (RFC 8200 §3).
---@field src pvlua.ipv6 Source address (RFC 8200 §3).
---@field dst pvlua.ipv6 Destination address (RFC 8200 §3).
---@field proto? number Upper-layer protocol, after the extension headers; absent when they are cut short (RFC 8200 §4).
---@field frag_off? number Fragment offset in units of 8 bytes (RFC 8200 §4.5).
---@field frag_mf? boolean More fragments follow (RFC 8200 §4.5).
---@field frag_id? number Identification of the packet that a fragment belongs to (RFC 8200 §4.5).
local ip6 = {}

---ICMP (RFC 792) over IPv4; not in fragments after the first.
---@class pvlua.icmp
---@field type number Message type: 8 echo request, 0 echo reply (RFC 792).
---@field code number Code within the type (RFC 792).
---@field checksum number Checksum of the message (RFC 792); assigning it writes just that.
---@field id number Identifier of echo messages (RFC 792).
---@field seq number Sequence number of echo messages (RFC 792).
---@field mtu number Next-hop MTU of "fragmentation needed" (RFC 1191 §4).
---@field gateway pvlua.ipv4 Gateway of redirects (RFC 792).
local icmp = {}

---ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861) over IPv6; not in fragments after the first.
---@class pvlua.icmp6
---@field type number Message type: 128 echo request, 129 echo reply, 135 and 136 neighbour solicitation and advertisement (RFC 4443 §2.1).
---@field code number Code within the type (RFC 4443 §2.1).
---@field checksum number Checksum of the message and its pseudo-header (RFC 4443 §2.3); assigning it writes just that.
---@field id number Identifier of echo messages (RFC 4443 §4.1).
---@field seq number Sequence number of echo messages (RFC 4443 §4.1).
---@field mtu number MTU of "packet too big" (RFC 4443 §3.2).
---@field router? boolean Sender is a router; advertisements only (RFC 4861 §4.4).
---@field solicited? boolean Answers a solicitation; advertisements only (RFC 4861 §4.4).
---@field override? boolean Overrides a cached address; advertisements only (RFC 4861 §4.4).
---@field target? pvlua.ipv6 Target address of solicitations, advertisements and redirects (RFC 4861 §4.3).
---@field slla? pvlua.mac Source link-layer address option; assigning it turns a target option into a source option (RFC 4861 §4.6.1).
---@field tlla? pvlua.mac Target link-layer address option; assigning it turns a source option into a target option (RFC 4861 §4.6.1).
local icmp6 = {}

---TCP (RFC 9293) over IPv4 or IPv6; not in fragments after the first. Absent when doff is below 5.
---@class pvlua.tcp
---@field sport number Source port (RFC 9293 §3.1).
---@field dport number Destination port (RFC 9293 §3.1).
---@field seq number Sequence number (RFC 9293 §3.1).
---@field ack number Acknowledgment number (RFC 9293 §3.1).
---@field doff number Data offset: header length in units of 4 bytes, 5 to 15 (RFC 9293 §3.1).
---@field flags number The eight control bits together, cwr highest, fin lowest (RFC 9293 §3.1).
---@field cwr boolean Congestion window reduced (RFC 3168 §6.1).
---@field ece boolean ECN echo (RFC 3168 §6.1).
---@field urg boolean Urgent pointer is significant (RFC 9293 §3.1).
---@field ack_flag boolean Acknowledgment number is significant (RFC 9293 §3.1).
---@field psh boolean Push (RFC 9293 §3.1).
---@field rst boolean Reset the connection (RFC 9293 §3.1).
---@field syn boolean Synchronize sequence numbers (RFC 9293 §3.1).
---@field fin boolean No more data from the sender (RFC 9293 §3.1).
---@field window number Window, not scaled (RFC 9293 §3.1).
---@field checksum number Checksum of the segment and its pseudo-header (RFC 9293 §3.1); assigning it writes just that.
---@field urgent number Urgent pointer (RFC 9293 §3.1).
---@field options string Options with their padding, empty when doff is 5 (RFC 9293 §3.1).
---@field mss? number Maximum segment size option (RFC 9293 §3.7.1).
---@field wscale? number Window scale option (RFC 7323 §2.2).
---@field sack_ok? boolean True when the SACK-permitted option is there (RFC 2018 §2).
---@field tsval? number Timestamp value (RFC 7323 §3.2).
---@field tsecr? number Timestamp echo reply (RFC 7323 §3.2).
local tcp = {}

---UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.
---@class pvlua.udp
---@field sport number Source port (RFC 768).
---@field dport number Destination port (RFC 768).
---@field len number Length in bytes, header and payload (RFC 768).
---@field checksum number Checksum of the datagram and its pseudo-header, 0 for none (RFC 768); assigning it writes just that.
local udp = {}

---@class pvlua.recipe.eth
---@field dst? pvlua.mac Destination address.
---@field src? pvlua.mac Source address.
---@field type? number Ethertype, the outermost one: 0x8100 or 0x88a8 in a tagged packet.

---@class pvlua.recipe.vlan
---@field pcp? number Priority code point (IEEE 802.1Q, 9.6).
---@field dei? boolean Drop eligible indicator (IEEE 802.1Q, 9.6).
---@field vid? number VLAN identifier (IEEE 802.1Q, 9.6).
---@field type? number Ethertype of what follows the tag.

---@class pvlua.recipe.vlan2
---@field pcp? number Priority code point (IEEE 802.1Q, 9.6).
---@field dei? boolean Drop eligible indicator (IEEE 802.1Q, 9.6).
---@field vid? number VLAN identifier (IEEE 802.1Q, 9.6).
---@field type? number Ethertype of what follows the tag.

---@class pvlua.recipe.arp
---@field htype? number Hardware address space, 1 for Ethernet (RFC 826).
---@field ptype? number Protocol address space, 0x0800 for IPv4 (RFC 826).
---@field hlen? number Length of a hardware address in bytes, 6 (RFC 826).
---@field plen? number Length of a protocol address in bytes, 4 (RFC 826).
---@field op? number Operation: 1 request, 2 reply (RFC 826).
---@field sha? pvlua.mac Sender hardware address (RFC 826).
---@field spa? pvlua.ipv4 Sender protocol address (RFC 826).
---@field tha? pvlua.mac Target hardware address (RFC 826).
---@field tpa? pvlua.ipv4 Target protocol address (RFC 826).

---@class pvlua.recipe.ip
---@field version? number Version, 4 (RFC 791 §3.1).
---@field ihl? number Header length in units of 4 bytes, 5 to 15 (RFC 791 §3.1).
---@field tos? number Type of service: dscp and ecn together (RFC 791 §3.1).
---@field dscp? number Differentiated services code point (RFC 2474 §3).
---@field ecn? number Explicit congestion notification (RFC 3168 §5).
---@field len? number Total length in bytes, header and payload; the checksum of what is in it stays right, of ICMP too (RFC 791 §3.1).
---@field id? number Identification of the datagram that a fragment belongs to (RFC 6864).
---@field flags? number The three flags together: 2 is df, 1 is mf (RFC 791 §3.1).
---@field df? boolean Don't fragment (RFC 791 §3.1).
---@field mf? boolean More fragments follow (RFC 791 §3.1).
---@field frag? number Fragment offset in units of 8 bytes (RFC 791 §3.1).
---@field ttl? number Time to live (RFC 791 §3.1).
---@field proto? number Protocol of the payload: 1 ICMP, 6 TCP, 17 UDP (RFC 791 §3.1); a payload that becomes another protocol keeps its bytes.
---@field checksum? number Header checksum (RFC 791 §3.1); assigning it writes just that.
---@field src? pvlua.ipv4 Source address (RFC 791 §3.1).
---@field dst? pvlua.ipv4 Destination address (RFC 791 §3.1).
---@field options? string Options with their padding, empty when ihl is 5 (RFC 791 §3.1).

---@class pvlua.recipe.ip6
---@field version? number Version, 6 (RFC 8200 §3).
---@field tc? number Traffic class: dscp and ecn together (RFC 8200 §7).
---@field dscp? number Differentiated services code point (RFC 2474 §3).
---@field ecn? number Explicit congestion notification (RFC 3168 §5).
---@field flow? number Flow label (RFC 6437).
---@field len? number Payload length in bytes, extension headers included (RFC 8200 §3).
---@field nexthdr? number Next header: of an extension header or the payload (RFC 8200 §3); a payload that becomes another protocol keeps its bytes.
---@field hlim? number Hop limit (RFC 8200 §3).
---@field src? pvlua.ipv6 Source address (RFC 8200 §3).
---@field dst? pvlua.ipv6 Destination address (RFC 8200 §3).
---@field proto? number Upper-layer protocol, after the extension headers; absent when they are cut short (RFC 8200 §4).
---@field frag_off? number Fragment offset in units of 8 bytes (RFC 8200 §4.5).
---@field frag_mf? boolean More fragments follow (RFC 8200 §4.5).
---@field frag_id? number Identification of the packet that a fragment belongs to (RFC 8200 §4.5).

---@class pvlua.recipe.icmp
---@field type? number Message type: 8 echo request, 0 echo reply (RFC 792).
---@field code? number Code within the type (RFC 792).
---@field checksum? number Checksum of the message (RFC 792); assigning it writes just that.
---@field id? number Identifier of echo messages (RFC 792).
---@field seq? number Sequence number of echo messages (RFC 792).
---@field mtu? number Next-hop MTU of "fragmentation needed" (RFC 1191 §4).
---@field gateway? pvlua.ipv4 Gateway of redirects (RFC 792).

---@class pvlua.recipe.icmp6
---@field type? number Message type: 128 echo request, 129 echo reply, 135 and 136 neighbour solicitation and advertisement (RFC 4443 §2.1).
---@field code? number Code within the type (RFC 4443 §2.1).
---@field checksum? number Checksum of the message and its pseudo-header (RFC 4443 §2.3); assigning it writes just that.
---@field id? number Identifier of echo messages (RFC 4443 §4.1).
---@field seq? number Sequence number of echo messages (RFC 4443 §4.1).
---@field mtu? number MTU of "packet too big" (RFC 4443 §3.2).
---@field router? boolean Sender is a router; advertisements only (RFC 4861 §4.4).
---@field solicited? boolean Answers a solicitation; advertisements only (RFC 4861 §4.4).
---@field override? boolean Overrides a cached address; advertisements only (RFC 4861 §4.4).
---@field target? pvlua.ipv6 Target address of solicitations, advertisements and redirects (RFC 4861 §4.3).
---@field slla? pvlua.mac Source link-layer address option; assigning it turns a target option into a source option (RFC 4861 §4.6.1).
---@field tlla? pvlua.mac Target link-layer address option; assigning it turns a source option into a target option (RFC 4861 §4.6.1).

---@class pvlua.recipe.tcp
---@field sport? number Source port (RFC 9293 §3.1).
---@field dport? number Destination port (RFC 9293 §3.1).
---@field seq? number Sequence number (RFC 9293 §3.1).
---@field ack? number Acknowledgment number (RFC 9293 §3.1).
---@field doff? number Data offset: header length in units of 4 bytes, 5 to 15 (RFC 9293 §3.1).
---@field flags? number The eight control bits together, cwr highest, fin lowest (RFC 9293 §3.1).
---@field cwr? boolean Congestion window reduced (RFC 3168 §6.1).
---@field ece? boolean ECN echo (RFC 3168 §6.1).
---@field urg? boolean Urgent pointer is significant (RFC 9293 §3.1).
---@field ack_flag? boolean Acknowledgment number is significant (RFC 9293 §3.1).
---@field psh? boolean Push (RFC 9293 §3.1).
---@field rst? boolean Reset the connection (RFC 9293 §3.1).
---@field syn? boolean Synchronize sequence numbers (RFC 9293 §3.1).
---@field fin? boolean No more data from the sender (RFC 9293 §3.1).
---@field window? number Window, not scaled (RFC 9293 §3.1).
---@field checksum? number Checksum of the segment and its pseudo-header (RFC 9293 §3.1); assigning it writes just that.
---@field urgent? number Urgent pointer (RFC 9293 §3.1).
---@field options? string Options with their padding, empty when doff is 5 (RFC 9293 §3.1).
---@field mss? number Maximum segment size option (RFC 9293 §3.7.1).
---@field wscale? number Window scale option (RFC 7323 §2.2).
---@field sack_ok? boolean True when the SACK-permitted option is there (RFC 2018 §2).
---@field tsval? number Timestamp value (RFC 7323 §3.2).
---@field tsecr? number Timestamp echo reply (RFC 7323 §3.2).

---@class pvlua.recipe.udp
---@field sport? number Source port (RFC 768).
---@field dport? number Destination port (RFC 768).
---@field len? number Length in bytes, header and payload (RFC 768).
---@field checksum? number Checksum of the datagram and its pseudo-header, 0 for none (RFC 768); assigning it writes just that.

---@class pvlua.recipe
---@field eth? pvlua.recipe.eth Ethernet II (IEEE 802.3, clause 3.2). Every packet of 14 bytes or more has it.
---@field vlan? pvlua.recipe.vlan The outermost VLAN tag (IEEE 802.1Q, clause 9.6): ethertype 0x8100 or 0x88a8.
---@field vlan2? pvlua.recipe.vlan2 The second VLAN tag (QinQ, IEEE 802.1ad): a tag directly after the outermost one.
---@field arp? pvlua.recipe.arp Address resolution (RFC 826) of IPv4 over Ethernet: only with htype 1, ptype 0x0800, hlen 6 and plen 4.
---@field ip? pvlua.recipe.ip IPv4 (RFC 791). Absent when the version is not 4, ihl is below 5 or len is shorter than the header.
---@field ip6? pvlua.recipe.ip6 IPv6 (RFC 8200). Absent when the version is not 6. Extension headers are walked, at most 8.
---@field icmp? pvlua.recipe.icmp ICMP (RFC 792) over IPv4; not in fragments after the first.
---@field icmp6? pvlua.recipe.icmp6 ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861) over IPv6; not in fragments after the first.
---@field tcp? pvlua.recipe.tcp TCP (RFC 9293) over IPv4 or IPv6; not in fragments after the first. Absent when doff is below 5.
---@field udp? pvlua.recipe.udp UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.
---@field payload? string what follows the last header

---Called for each packet. The verdict is nil or pv.PASS (not ours: the kernel gets it), pv.DROP, pv.TX (back out of the port it came in on) or a port (out of that one).
---@param pkt pvlua.packet
---@return pvlua.verdict
function on_packet(pkt) end

---Called once before the first packet.
function on_start() end

---Called once after the last packet.
function on_stop() end

---The module pv.
---@class pvlua.pv
pv = {}

---The verdict that the kernel's own stack gets the packet, 2. Returning nothing means the same.
---@type number
pv.PASS = nil

---The verdict that the packet is dropped, 1.
---@type number
pv.DROP = nil

---The verdict that the packet goes back out of the port it came in on, 3.
---@type number
pv.TX = nil

---The ports by number, from 1, and by name: pv.ports[1], pv.ports.veth1. It is read-only.
---@type pvlua.ports
pv.ports = nil

---The script's arguments, those after -- on the command line: an array of strings. Those that pv.arg declares are taken out.
---@type string[]
pv.args = nil

---Writes its arguments to the log, at level "debug", "info" (the default), "warn" or "error".
---@param level? "debug"|"info"|"warn"|"error"|any
---@param ... any
function pv.log(level, ...) end

---The time in seconds since 1970. When packets come from a file it is theirs.
---@return number
function pv.now() end

---Calls f() again and again, the first time after the interval.
---@param seconds number
---@param f fun()
---@return pvlua.timer
function pv.every(seconds, f) end

---Calls f() once.
---@param seconds number
---@param f fun()
---@return pvlua.timer
function pv.after(seconds, f) end

---The number of an IPv4 address: pv.ip"10.0.0.1".
---@param text string
---@return number
function pv.ip(text) end

---The text of an IPv4 address.
---@param number number
---@return string
function pv.ip_str(number) end

---The 16 bytes of an IPv6 address: pv.ip6"2001:db8::1".
---@param text string
---@return string
function pv.ip6(text) end

---The text of an IPv6 address (RFC 5952).
---@param string string
---@return string
function pv.ip6_str(string) end

---The number of an Ethernet address: pv.mac"02:00:00:00:00:01".
---@param text string
---@return number
function pv.mac(text) end

---The text of an Ethernet address.
---@param number number
---@return string
function pv.mac_str(number) end

---Declares an argument of the script and gives its value: what -- --name value says on the command line, or the default, whose type it has.
---@param options { name?: string, default?: any, help?: string, choices?: any[], type?: string, min?: number, max?: number, required?: boolean }
---@return number|string|boolean
function pv.arg(options) end

---A number that all workers share and that outlives a reload. The same name gives the same counter.
---@param name string
---@return pvlua.counter
function pv.counter(name) end

---Values by keys that all workers share and that outlive a reload: at most max entries (65536), those left out that nobody touched for ttl seconds. The same name gives the same map.
---@param options { name?: string, max?: number, ttl?: number, key?: string, value?: string }
---@return pvlua.map
function pv.map(options) end

---Calls f(1), f(2) and so on, rate times per second on average, at most burst (64) in one turn of the loop, until count calls are made.
---@param options { rate?: number, count?: number, burst?: number, [integer]: fun(i: number) }
---@return pvlua.timer
function pv.pace(options) end

---Opens an ordinary UDP socket. Addresses are texts like "10.0.0.1:5000"; on_receive(data, address, port) is called for each datagram.
---@param options { bind?: string, connect?: string, on_receive?: fun(data: string, address: number|string, port: number) }
---@return pvlua.socket
function pv.udp_socket(options) end

---Ends the run in order, as an interrupt does, with an exit status (0).
---@param status? number
function pv.exit(status) end

---The number of the worker that this Lua state belongs to, from 1.
---@type number
pv.worker = nil

---How many workers there are: one for each queue of the interfaces.
---@type number
pv.workers = nil

---Makes a packet of tables of header fields, any subset, and a payload. Lengths, types, protocols, checksums and other defaults are filled in where they are not given.
---@param options pvlua.recipe
---@return pvlua.packet
function pv.build(options) end

---Makes a packet of the bytes of a whole frame, a string, such as came in by a socket.
---@param s string
---@return pvlua.packet
function pv.packet(s) end

---Declares a header of the script's own, its fields and where it is found: at UDP or TCP ports, as IP protocols, under ethertypes, each a number or a list of them. Packets then have it as pkt.NAME. Gives the names of its values: t.FIELD.NAME.
---@param options { name?: string, fields?: table[], udp?: number|number[], tcp?: number|number[], ip?: number|number[], eth?: number|number[] }
---@return table
function pv.proto(options) end

---@class pvlua.packet
---@field eth pvlua.eth Ethernet II (IEEE 802.3, clause 3.2). Every packet of 14 bytes or more has it.
---@field vlan? pvlua.vlan The outermost VLAN tag (IEEE 802.1Q, clause 9.6): ethertype 0x8100 or 0x88a8.
---@field vlan2? pvlua.vlan2 The second VLAN tag (QinQ, IEEE 802.1ad): a tag directly after the outermost one.
---@field arp? pvlua.arp Address resolution (RFC 826) of IPv4 over Ethernet: only with htype 1, ptype 0x0800, hlen 6 and plen 4.
---@field ip? pvlua.ip IPv4 (RFC 791). Absent when the version is not 4, ihl is below 5 or len is shorter than the header.
---@field ip6? pvlua.ip6 IPv6 (RFC 8200). Absent when the version is not 6. Extension headers are walked, at most 8.
---@field icmp? pvlua.icmp ICMP (RFC 792) over IPv4; not in fragments after the first.
---@field icmp6? pvlua.icmp6 ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861) over IPv6; not in fragments after the first.
---@field tcp? pvlua.tcp TCP (RFC 9293) over IPv4 or IPv6; not in fragments after the first. Absent when doff is below 5.
---@field udp? pvlua.udp UDP (RFC 768) over IPv4 or IPv6; not in fragments after the first.
---@field port pvlua.port The port that the packet came in on; nil for one that pv.build made.
---@field payload string What follows the last header, without padding, as a string. Assigning it replaces that, of any length, and puts lengths and checksums right.
---@operator len: number
local pkt = {}

---The byte at offset.
---@param offset number
---@return number
function pkt:u8(offset) end

---The two bytes at offset, in network byte order.
---@param offset number
---@return number
function pkt:u16(offset) end

---The four bytes at offset, in network byte order.
---@param offset number
---@return number
function pkt:u32(offset) end

---Writes one byte. Checksums are left alone.
---@param offset number
---@param n number
function pkt:set_u8(offset, n) end

---Writes two bytes in network byte order. Checksums are left alone.
---@param offset number
---@param n number
function pkt:set_u16(offset, n) end

---Writes four bytes in network byte order. Checksums are left alone.
---@param offset number
---@param n number
function pkt:set_u32(offset, n) end

---The bytes from offset on, as a string.
---@param offset number
---@param length number
---@return string
function pkt:bytes(offset, length) end

---Writes the bytes of a string from offset on. Checksums are left alone.
---@param offset number
---@param s string
function pkt:set_bytes(offset, s) end

---The offset of the first place where the bytes of s are, at from or later.
---@param s string
---@param from? number
---@return number|nil
function pkt:find(s, from) end

---Computes all checksums anew: IPv4, TCP, UDP (if it is in use), ICMP and ICMPv6.
function pkt:fix_checksums() end

---Adds n bytes, zeros, before the packet. Headers, lengths and checksums are the script's to write.
---@param n number
function pkt:push(n) end

---Takes the first n bytes off the packet.
---@param n number
function pkt:pull(n) end

---Cuts the packet off at length bytes, or adds zeros behind it. Lengths in headers are left alone.
---@param length number
function pkt:resize(length) end

---A copy of the packet that is the script's own: it can be kept, changed and sent at any time.
---@return pvlua.packet
function pkt:clone() end

---Turns the packet round: exchanges source and destination of eth, arp, ip, ip6, tcp and udp. A group's Ethernet address becomes the port's own.
---@return number
function pkt:reply() end

---The bytes in lines of 16, in hexadecimal and as text, in the form that Wireshark imports.
---@return string
function pkt:hexdump() end

---@class pvlua.port
---@field name string The interface's name.
---@field index number Its place in pv.ports, from 1.
---@field mac pvlua.mac Its Ethernet address, a number.
---@field ip pvlua.ipv4|nil Its first IPv4 address, a number; nil if it has none.
---@field ip6 pvlua.ipv6|nil Its first IPv6 address that is not link-local, or else the first one, a string of 16 bytes; nil if it has none.
---@field mtu number The longest packet that it takes, without the Ethernet header, in bytes.
---@field queues number How many receive queues it has in use.
---@field up boolean Whether it can carry packets now.
local port = {}

---Whether an IPv4 address (a number) or an IPv6 address (a string of 16 bytes) is one of the port's own.
---@param address pvlua.ipv4|pvlua.ipv6
---@return boolean
function port:owns(address) end

---Queues a copy of a packet, or of the bytes of a whole frame, to be sent out of the port; false if there is no room.
---@param packet pvlua.packet|string
---@return boolean
function port:send(packet) end

---@class pvlua.timer
local timer = {}

---Stops the timer. One that has stopped already stays so.
function timer:stop() end

---@class pvlua.counter
local counter = {}

---Adds a whole number, 1 if none is given. No other worker's addition is lost.
---@param n? number
function counter:add(n) end

---The counter's number.
---@return number
function counter:get() end

---Replaces the counter's number by a whole number.
---@param n number
function counter:set(n) end

---@class pvlua.map
local map = {}

---The value of a key. Keys and values are numbers or strings (of at most 512 and 4096 bytes).
---@param key number|string
---@return number|string|nil
function map:get(key) end

---Gives a key a value; false if the key is new and the map is full.
---@param key number|string
---@param value number|string
---@return boolean
function map:set(key, value) end

---Gives a key a value if it has none, in one step: true; false, and nothing happens, if it has one; nil if it has none and the map is full.
---@param key number|string
---@param value number|string
---@return boolean|nil
function map:insert(key, value) end

---Adds n (default 1) to the number that a key has, 0 if it has none, in one step, and gives the sum; nil if the key is new and the map is full.
---@param key number|string
---@param n? number
---@return number|nil
function map:add(key, n) end

---Removes a key; false if it was not there.
---@param key number|string
---@return boolean
function map:delete(key) end

---How many entries the map has.
---@return number
function map:len() end

---For loops: for key, value in m:each() do. It goes through the entries as they are when it is called, numbers before strings, in ascending order.
---@return function
function map:each() end

---How many new keys found the map full.
---@return number
function map:refused() end

---@class pvlua.socket
local socket = {}

---Sends a datagram of the bytes of a string, or of a whole packet, to an address if the socket is not connected: an IPv4 number or an IPv6 string of 16 bytes. If it could not be sent, gives false and why.
---@param packet pvlua.packet|string
---@param address? pvlua.ipv4|pvlua.ipv6
---@param port? number
---@return boolean
---@return string|nil
function socket:send(packet, address, port) end

---The socket's own address and port.
---@return pvlua.ipv4|pvlua.ipv6
---@return number
function socket:address() end

---Closes the socket. One that is closed already stays so.
function socket:close() end

---bit32.
---@class pvlua.bit32
bit32 = {}

---The bits that all arguments have.
---@param ... number
---@return number
function bit32.band(...) end

---The bits that any argument has.
---@param ... number
---@return number
function bit32.bor(...) end

---The bits that an odd number of arguments has.
---@param ... number
---@return number
function bit32.bxor(...) end

---The bits that x does not have.
---@param x number
---@return number
function bit32.bnot(x) end

---Whether there are bits that all arguments have.
---@param ... number
---@return boolean
function bit32.btest(...) end

---x shifted left by n bits, right if n is negative; vacant bits are 0.
---@param x number
---@param n number
---@return number
function bit32.lshift(x, n) end

---x shifted right by n bits, left if n is negative; vacant bits are 0.
---@param x number
---@param n number
---@return number
function bit32.rshift(x, n) end

---x shifted right by n bits, left if n is negative; vacant bits at the left are copies of bit 31.
---@param x number
---@param n number
---@return number
function bit32.arshift(x, n) end

---x rotated left by n bits, right if n is negative.
---@param x number
---@param n number
---@return number
function bit32.lrotate(x, n) end

---x rotated right by n bits, left if n is negative.
---@param x number
---@param n number
---@return number
function bit32.rrotate(x, n) end

---width bits of x (default 1) from bit field on, counted from the lowest, 0.
---@param x number
---@param field number
---@param width? number
---@return number
function bit32.extract(x, field, width) end

---x with width bits (default 1) from bit field on replaced by v.
---@param x number
---@param v number
---@param field number
---@param width? number
---@return number
function bit32.replace(x, v, field, width) end

---The values in binary form, as the format says. The format letters are those of Lua 5.3: < > = ! b B h H i[n] I[n] l L j J T f d n s[n] c[n] z x X.
---@param format string
---@param ... any
---@return string
function string.pack(format, ...) end

---The values that s has in binary form from position on (default 1), and the position after them.
---@param format string
---@param s string
---@param position? number
---@return any ...
---@return number
function string.unpack(format, s, position) end

---How many bytes string.pack would give; the format must not have s or z.
---@param format string
---@return number
function string.packsize(format) end

---Tests.
---@class pvlua.test
test = {}

---Gives on_packet a copy of a packet, as if it had come in on a port (pv.ports[1]), and returns the verdict and the packet as the handler left it. An error of the handler is raised.
---@param packet pvlua.packet|string
---@param port? pvlua.port|number|string
---@return pvlua.verdict
---@return pvlua.packet
function test.handle(packet, port) end

---Fails unless both are the same: numbers, strings, booleans, tables by their contents, packets by their bytes.
---@param got any
---@param want any
---@param what? string
function test.equal(got, want, what) end

---Calls f(), and fails unless that raises an error in whose message the pattern is found. Gives the message.
---@param f fun()
---@param pattern? string
---@return string
function test.fails(f, pattern) end

---The packets that the script has sent by port:send since the last call, an array; pkt.port says by which.
---@param port? pvlua.port|number|string
---@return table
function test.sent(port) end

---Lets time pass, and runs the timers and paced calls that are due meanwhile. An error of theirs is raised.
---@param seconds number
function test.advance(seconds) end

---The lines that the script has printed and logged since the last call, an array.
---@return table
function test.log() end

---Fails unless a capture beside the tests has these packets, an array or a single one. pvlua test --update writes it.
---@param file string
---@param packets (pvlua.packet|string)[]|pvlua.packet
function test.golden(file, packets) end

---Gives the script n ports, or those of a list: {{name=, mac=, ip=, ip6=, mtu=, queues=, up=}, ...}. It is loaded anew.
---@param n number|table[]
function test.ports(n) end

---Gives the script arguments, {"--word", "cat"} or {word = "cat"}. It is loaded anew.
---@param list table
function test.args(list) end

---Hands a datagram to the script's socket, the one at own_port if there are several, as if it came from there. false if no socket takes it.
---@param data string
---@param address? pvlua.ipv4|pvlua.ipv6
---@param port? number
---@param own_port? number
---@return boolean
function test.receive(data, address, port, own_port) end

---What the script's sockets have sent since the last call, an array of {data=, address=, port=, own_port=}.
---@return table
function test.datagrams() end

---The status that the script has called pv.exit with, if it has.
---@return number|nil
function test.exited() end

return pv
