// SPDX-License-Identifier: GPL-3.0-or-later

package packet

// The rows: name, kind, bit offset, width, place, checksums, marks, doc.
// Names are those of the RFCs, shortened as tcpdump and iproute2 shorten them.

var ethRows = []row{
	{"dst", MAC, 0, 48, place{}, SumNone, 0, "Destination address."},
	{"src", MAC, 48, 48, place{}, SumNone, 0, "Source address."},
	{"type", Uint, 96, 16, place{}, SumNone, moves, "Ethertype, the outermost one: 0x8100 or 0x88a8 in a tagged packet."},
}

var vlanRows = []row{
	{"pcp", Uint, 0, 3, place{}, SumNone, 0, "Priority code point (IEEE 802.1Q, 9.6)."},
	{"dei", Bool, 3, 1, place{}, SumNone, 0, "Drop eligible indicator (IEEE 802.1Q, 9.6)."},
	{"vid", Uint, 4, 12, place{}, SumNone, 0, "VLAN identifier (IEEE 802.1Q, 9.6)."},
	{"type", Uint, 16, 16, place{}, SumNone, moves, "Ethertype of what follows the tag."},
}

var arpRows = []row{
	{"htype", Uint, 0, 16, place{}, SumNone, moves, "Hardware address space, 1 for Ethernet (RFC 826)."},
	{"ptype", Uint, 16, 16, place{}, SumNone, moves, "Protocol address space, 0x0800 for IPv4 (RFC 826)."},
	{"hlen", Uint, 32, 8, place{}, SumNone, moves, "Length of a hardware address in bytes, 6 (RFC 826)."},
	{"plen", Uint, 40, 8, place{}, SumNone, moves, "Length of a protocol address in bytes, 4 (RFC 826)."},
	{"op", Uint, 48, 16, place{}, SumNone, 0, "Operation: 1 request, 2 reply (RFC 826)."},
	{"sha", MAC, 64, 48, place{}, SumNone, 0, "Sender hardware address (RFC 826)."},
	{"spa", IPv4, 112, 32, place{}, SumNone, 0, "Sender protocol address (RFC 826)."},
	{"tha", MAC, 144, 48, place{}, SumNone, 0, "Target hardware address (RFC 826)."},
	{"tpa", IPv4, 192, 32, place{}, SumNone, 0, "Target protocol address (RFC 826)."},
}

var ipRows = []row{
	{"version", Uint, 0, 4, place{}, SumIP, moves, "Version, 4 (RFC 791 §3.1)."},
	{"ihl", Uint, 4, 4, place{}, SumIP, moves, "Header length in units of 4 bytes, 5 to 15 (RFC 791 §3.1)."},
	{"tos", Uint, 8, 8, place{}, SumIP, 0, "Type of service: dscp and ecn together (RFC 791 §3.1)."},
	{"dscp", Uint, 8, 6, place{}, SumIP, 0, "Differentiated services code point (RFC 2474 §3)."},
	{"ecn", Uint, 14, 2, place{}, SumIP, 0, "Explicit congestion notification (RFC 3168 §5)."},
	{"len", Uint, 16, 16, place{}, SumIP | SumPseudo, moves, "Total length in bytes, header and payload; the checksum of what is in it stays right, of ICMP too (RFC 791 §3.1)."},
	{"id", Uint, 32, 16, place{}, SumIP, 0, "Identification of the datagram that a fragment belongs to (RFC 6864)."},
	{"flags", Uint, 48, 3, place{}, SumIP, moves, "The three flags together: 2 is df, 1 is mf (RFC 791 §3.1)."},
	{"df", Bool, 49, 1, place{}, SumIP, 0, "Don't fragment (RFC 791 §3.1)."},
	{"mf", Bool, 50, 1, place{}, SumIP, moves, "More fragments follow (RFC 791 §3.1)."},
	{"frag", Uint, 51, 13, place{}, SumIP, moves, "Fragment offset in units of 8 bytes (RFC 791 §3.1)."},
	{"ttl", Uint, 64, 8, place{}, SumIP, 0, "Time to live (RFC 791 §3.1)."},
	{"proto", Uint, 72, 8, place{}, SumIP | SumPseudo, moves, "Protocol of the payload: 1 ICMP, 6 TCP, 17 UDP (RFC 791 §3.1); a payload that becomes another protocol keeps its bytes."},
	{"checksum", Uint, 80, 16, place{}, SumNone, 0, "Header checksum (RFC 791 §3.1); assigning it writes just that."},
	{"src", IPv4, 96, 32, place{}, SumIP | SumPseudo, 0, "Source address (RFC 791 §3.1)."},
	{"dst", IPv4, 128, 32, place{}, SumIP | SumPseudo, finalDst, "Destination address (RFC 791 §3.1)."},
	{"options", Bytes, 160, 0, trailing, SumIP, readOnly, "Options with their padding, empty when ihl is 5 (RFC 791 §3.1)."},
}

var ip6Rows = []row{
	{"version", Uint, 0, 4, place{}, SumNone, moves, "Version, 6 (RFC 8200 §3)."},
	{"tc", Uint, 4, 8, place{}, SumNone, 0, "Traffic class: dscp and ecn together (RFC 8200 §7)."},
	{"dscp", Uint, 4, 6, place{}, SumNone, 0, "Differentiated services code point (RFC 2474 §3)."},
	{"ecn", Uint, 10, 2, place{}, SumNone, 0, "Explicit congestion notification (RFC 3168 §5)."},
	{"flow", Uint, 12, 20, place{}, SumNone, 0, "Flow label (RFC 6437)."},
	{"len", Uint, 32, 16, place{}, SumPseudo, moves, "Payload length in bytes, extension headers included (RFC 8200 §3)."},
	{"nexthdr", Uint, 48, 8, place{}, SumPseudo, moves, "Next header: of an extension header or the payload (RFC 8200 §3); a payload that becomes another protocol keeps its bytes."},
	{"hlim", Uint, 56, 8, place{}, SumNone, 0, "Hop limit (RFC 8200 §3)."},
	{"src", IPv6, 64, 128, place{}, SumPseudo, 0, "Source address (RFC 8200 §3)."},
	{"dst", IPv6, 192, 128, place{}, SumPseudo, finalDst, "Destination address (RFC 8200 §3)."},
	{"proto", Uint, 0, 8, derived, SumNone, readOnly, "Upper-layer protocol, after the extension headers; absent when they are cut short (RFC 8200 §4)."},
	{"frag_off", Uint, 16, 13, inFragment, SumNone, moves, "Fragment offset in units of 8 bytes (RFC 8200 §4.5)."},
	{"frag_mf", Bool, 31, 1, inFragment, SumNone, moves, "More fragments follow (RFC 8200 §4.5)."},
	{"frag_id", Uint, 32, 32, inFragment, SumNone, 0, "Identification of the packet that a fragment belongs to (RFC 8200 §4.5)."},
}

var icmpRows = []row{
	{"type", Uint, 0, 8, place{}, SumL4, 0, "Message type: 8 echo request, 0 echo reply (RFC 792)."},
	{"code", Uint, 8, 8, place{}, SumL4, 0, "Code within the type (RFC 792)."},
	{"checksum", Uint, 16, 16, place{}, SumNone, 0, "Checksum of the message (RFC 792); assigning it writes just that."},
	{"id", Uint, 32, 16, place{}, SumL4, 0, "Identifier of echo messages (RFC 792)."},
	{"seq", Uint, 48, 16, place{}, SumL4, 0, "Sequence number of echo messages (RFC 792)."},
	{"mtu", Uint, 48, 16, place{}, SumL4, 0, "Next-hop MTU of \"fragmentation needed\" (RFC 1191 §4)."},
	{"gateway", IPv4, 32, 32, place{}, SumL4, 0, "Gateway of redirects (RFC 792)."},
}

var icmp6Rows = []row{
	{"type", Uint, 0, 8, place{}, SumL4, 0, "Message type: 128 echo request, 129 echo reply, 135 and 136 neighbour solicitation and advertisement (RFC 4443 §2.1)."},
	{"code", Uint, 8, 8, place{}, SumL4, 0, "Code within the type (RFC 4443 §2.1)."},
	{"checksum", Uint, 16, 16, place{}, SumNone, 0, "Checksum of the message and its pseudo-header (RFC 4443 §2.3); assigning it writes just that."},
	{"id", Uint, 32, 16, place{}, SumL4, 0, "Identifier of echo messages (RFC 4443 §4.1)."},
	{"seq", Uint, 48, 16, place{}, SumL4, 0, "Sequence number of echo messages (RFC 4443 §4.1)."},
	{"mtu", Uint, 32, 32, place{}, SumL4, 0, "MTU of \"packet too big\" (RFC 4443 §3.2)."},
	{"router", Bool, 32, 1, inAdvert, SumL4, 0, "Sender is a router; advertisements only (RFC 4861 §4.4)."},
	{"solicited", Bool, 33, 1, inAdvert, SumL4, 0, "Answers a solicitation; advertisements only (RFC 4861 §4.4)."},
	{"override", Bool, 34, 1, inAdvert, SumL4, 0, "Overrides a cached address; advertisements only (RFC 4861 §4.4)."},
	{"target", IPv6, 64, 128, inTargeted, SumL4, 0, "Target address of solicitations, advertisements and redirects (RFC 4861 §4.3)."},
	{"slla", MAC, 16, 48, inSource, SumL4, 0, "Source link-layer address option; assigning it turns a target option into a source option (RFC 4861 §4.6.1)."},
	{"tlla", MAC, 16, 48, inTarget, SumL4, 0, "Target link-layer address option; assigning it turns a source option into a target option (RFC 4861 §4.6.1)."},
}

var tcpRows = []row{
	{"sport", Uint, 0, 16, place{}, SumL4, 0, "Source port (RFC 9293 §3.1)."},
	{"dport", Uint, 16, 16, place{}, SumL4, 0, "Destination port (RFC 9293 §3.1)."},
	{"seq", Uint, 32, 32, place{}, SumL4, 0, "Sequence number (RFC 9293 §3.1)."},
	{"ack", Uint, 64, 32, place{}, SumL4, 0, "Acknowledgment number (RFC 9293 §3.1)."},
	{"doff", Uint, 96, 4, place{}, SumL4, moves, "Data offset: header length in units of 4 bytes, 5 to 15 (RFC 9293 §3.1)."},
	{"flags", Uint, 104, 8, place{}, SumL4, 0, "The eight control bits together, cwr highest, fin lowest (RFC 9293 §3.1)."},
	{"cwr", Bool, 104, 1, place{}, SumL4, 0, "Congestion window reduced (RFC 3168 §6.1)."},
	{"ece", Bool, 105, 1, place{}, SumL4, 0, "ECN echo (RFC 3168 §6.1)."},
	{"urg", Bool, 106, 1, place{}, SumL4, 0, "Urgent pointer is significant (RFC 9293 §3.1)."},
	{"ack_flag", Bool, 107, 1, place{}, SumL4, 0, "Acknowledgment number is significant (RFC 9293 §3.1)."},
	{"psh", Bool, 108, 1, place{}, SumL4, 0, "Push (RFC 9293 §3.1)."},
	{"rst", Bool, 109, 1, place{}, SumL4, 0, "Reset the connection (RFC 9293 §3.1)."},
	{"syn", Bool, 110, 1, place{}, SumL4, 0, "Synchronize sequence numbers (RFC 9293 §3.1)."},
	{"fin", Bool, 111, 1, place{}, SumL4, 0, "No more data from the sender (RFC 9293 §3.1)."},
	{"window", Uint, 112, 16, place{}, SumL4, 0, "Window, not scaled (RFC 9293 §3.1)."},
	{"checksum", Uint, 128, 16, place{}, SumNone, 0, "Checksum of the segment and its pseudo-header (RFC 9293 §3.1); assigning it writes just that."},
	{"urgent", Uint, 144, 16, place{}, SumL4, 0, "Urgent pointer (RFC 9293 §3.1)."},
	{"options", Bytes, 160, 0, trailing, SumL4, readOnly, "Options with their padding, empty when doff is 5 (RFC 9293 §3.1)."},
	{"mss", Uint, 16, 16, inMSS, SumL4, 0, "Maximum segment size option (RFC 9293 §3.7.1)."},
	{"wscale", Uint, 16, 8, inScale, SumL4, 0, "Window scale option (RFC 7323 §2.2)."},
	{"sack_ok", Bool, 0, 1, inSackOK, SumL4, readOnly, "True when the SACK-permitted option is there (RFC 2018 §2)."},
	{"tsval", Uint, 16, 32, inTimestamp, SumL4, 0, "Timestamp value (RFC 7323 §3.2)."},
	{"tsecr", Uint, 48, 32, inTimestamp, SumL4, 0, "Timestamp echo reply (RFC 7323 §3.2)."},
}

var udpRows = []row{
	{"sport", Uint, 0, 16, place{}, SumL4, 0, "Source port (RFC 768)."},
	{"dport", Uint, 16, 16, place{}, SumL4, 0, "Destination port (RFC 768)."},
	{"len", Uint, 32, 16, place{}, SumL4 | SumPseudo, moves, "Length in bytes, header and payload (RFC 768)."},
	{"checksum", Uint, 48, 16, place{}, SumNone, 0, "Checksum of the datagram and its pseudo-header, 0 for none (RFC 768); assigning it writes just that."},
}
