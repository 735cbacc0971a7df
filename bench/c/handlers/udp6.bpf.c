/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/udp6.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP6;

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct udphdr *udp;
	struct ipv6hdr *ip6 = ipv6(ctx, IPPROTO_UDP, sizeof(*udp), (void **)&udp);
	__u64 *src, *dst;

	if (!ip6)
		return XDP_PASS;
	src = (void *)&ip6->saddr;
	dst = (void *)&ip6->daddr;
	if (!same(get(&eth->dst), MY_MAC) || dst[0] != my_ip6[0] || dst[1] != my_ip6[1] || udp->dest != bpf_htons(7) ||
	    udp->source == bpf_htons(7))
		return XDP_PASS;
	udp->dest = udp->source; /* a swap changes no checksum, and none covers the hop limit */
	udp->source = bpf_htons(7);
	ip6->hop_limit = 64;
	dst[0] = src[0];
	dst[1] = src[1];
	src[0] = my_ip6[0];
	src[1] = my_ip6[1];
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
