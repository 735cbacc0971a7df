/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/nat.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP;

/* The port outside by the end inside, address and port, in host order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, __u64);
	__type(value, __u64);
} outside SEC(".maps");

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct udphdr *udp;
	struct iphdr *ip = ipv4(ctx, IPPROTO_UDP, sizeof(*udp), (void **)&udp);
	__u64 key, *port, d;
	__u16 check, *src, ttl;

	if (!ip || ip->ttl < 2)
		return XDP_PASS;
	key = (__u64)bpf_ntohl(ip->saddr) << 16 | bpf_ntohs(udp->source);
	port = bpf_map_lookup_elem(&outside, &key);
	if (!port)
		return XDP_PASS;

	src = (void *)&ip->saddr;
	d = (__u64)(__u16)~src[0] + (__u16)~src[1] + (__u16)my_ip + (__u16)(my_ip >> 16);
	ttl = *(__u16 *)&ip->ttl; /* the word with the protocol */
	ip->saddr = my_ip;
	ip->ttl--;
	ip->check = update(ip->check, d + (__u16)~ttl + *(__u16 *)&ip->ttl);
	d += (__u16)~udp->source;
	udp->source = bpf_htons(*port);
	check = udp->check;
	if (check) {
		check = update(check, d + udp->source);
		udp->check = check ? check : 0xffff;
	}
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
