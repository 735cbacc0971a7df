/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/udp.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP;

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct udphdr *udp;
	struct iphdr *ip = ipv4(ctx, IPPROTO_UDP, sizeof(*udp), (void **)&udp);

	if (!ip || ip->ihl != 5 || !same(get(&eth->dst), MY_MAC) || ip->daddr != my_ip ||
	    ip->frag_off & bpf_htons(0x2000) || udp->dest != bpf_htons(7) || udp->source == bpf_htons(7))
		return XDP_PASS;
	udp->dest = udp->source; /* a swap changes no checksum */
	udp->source = bpf_htons(7);
	swap_ipv4(ip);
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
