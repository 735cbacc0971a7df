/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the handlers in C share. Each does the same as the Lua script of its name
 * in bench/lua/handlers, with the same checks, as an expert would write it:
 * branches in the order of what fails first, MAC addresses moved in as few
 * parts as there can be, checksums updated by what changes (RFC 1624), and the
 * port's addresses known when the program is loaded. */
#ifndef BENCH_HANDLERS_BPF_H
#define BENCH_HANDLERS_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* A MAC address in two parts, as they are moved: clang would move six bytes. */
struct parts {
	__u32 high;
	__u16 low;
};

/* The port's addresses in network order, set before the program is loaded: the
 * verifier takes them for constants. A handler has what it uses. */
#define PORT_MAC const volatile struct parts my_mac
#define MY_MAC ((struct parts){my_mac.high, my_mac.low}) /* clang takes a copy of the whole for zero */
#define PORT_IP const volatile __u32 my_ip
#define PORT_IP6 const volatile __u64 my_ip6[2]

struct mac {
	__u8 byte[ETH_ALEN];
};

struct eth {
	struct mac dst, src;
	__be16 type;
};

static __always_inline struct parts get(const struct mac *mac)
{
	return (struct parts){*(const __u32 *)mac, *(const __u16 *)(mac->byte + 4)};
}

static __always_inline void put(struct mac *to, struct parts from)
{
	*(__u32 *)to = from.high;
	*(__u16 *)(to->byte + 4) = from.low;
}

static __always_inline int same(struct parts x, struct parts y)
{
	return x.high == y.high && x.low == y.low;
}

/* fold adds the carries of a sum of 16-bit words to it, and again. */
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* update gives a checksum after changes: d is the sum of the new 16-bit words
 * and of the complements of the old ones (RFC 1624, equation 3). */
static __always_inline __u16 update(__u16 check, __u64 d)
{
	return ~fold((__u16)~check + d);
}

/* ipv4 finds the IPv4 header of an untagged frame and, in *l4, what follows its
 * options: at least the given number of bytes, within the IP packet and not in a
 * fragment after the first. 0 if there is none of that, or of another protocol. */
static __always_inline struct iphdr *ipv4(struct xdp_md *ctx, __u8 protocol, __u32 bytes, void **l4)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct eth);
	__u32 header;

	if ((void *)(ip + 1) > end || ((struct eth *)data)->type != bpf_htons(ETH_P_IP))
		return 0;
	header = ip->ihl * 4;
	if (ip->version != 4 || header < sizeof(*ip) || ip->protocol != protocol || ip->frag_off & bpf_htons(0x1fff) ||
	    bpf_ntohs(ip->tot_len) < header + bytes)
		return 0;
	*l4 = (void *)ip + header;
	return *l4 + bytes > end ? 0 : ip;
}

/* ipv6 does the same for IPv6 without extension headers. */
static __always_inline struct ipv6hdr *ipv6(struct xdp_md *ctx, __u8 protocol, __u32 bytes, void **l4)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ipv6hdr *ip6 = data + sizeof(struct eth);

	*l4 = ip6 + 1;
	if (*l4 + bytes > end || ((struct eth *)data)->type != bpf_htons(ETH_P_IPV6) || ip6->version != 6 ||
	    ip6->nexthdr != protocol || bpf_ntohs(ip6->payload_len) < bytes)
		return 0;
	return ip6;
}

/* swap_ipv4 sends an IPv4 packet back to where it came from, with a new time to
 * live. The order of words does not matter to a checksum. */
static __always_inline void swap_ipv4(struct iphdr *ip)
{
	__u32 dst = ip->daddr;
	__u16 *ttl = (__u16 *)&ip->ttl, old = *ttl; /* the word with the protocol */

	ip->daddr = ip->saddr;
	ip->saddr = dst;
	ip->ttl = 64;
	ip->check = update(ip->check, (__u64)(__u16)~old + *ttl);
}

#endif
