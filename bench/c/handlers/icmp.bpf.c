/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/icmp.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP;

struct icmp {
	__u8 type, code;
	__u16 check, id, seq;
};

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct icmp *icmp;
	struct iphdr *ip = ipv4(ctx, IPPROTO_ICMP, sizeof(*icmp), (void **)&icmp);

	if (!ip || !same(get(&eth->dst), MY_MAC) || ip->daddr != my_ip || ip->frag_off & bpf_htons(0x2000) || icmp->type != 8)
		return XDP_PASS;
	icmp->type = 0; /* the low byte of its word, which was 8 */
	icmp->check = update(icmp->check, 0xffff - 8);
	swap_ipv4(ip);
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
