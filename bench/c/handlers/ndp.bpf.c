/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/ndp.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP6;

/* A neighbour solicitation or advertisement with one option (RFC 4861 §4.3, §4.4). */
struct nd {
	__u8 type, code;
	__u16 check;
	__u16 flags[2];
	__u64 target[2];
	__u8 option, units;
	struct mac address;
};

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct nd *nd;
	struct ipv6hdr *ip6 = ipv6(ctx, IPPROTO_ICMPV6, sizeof(*nd), (void **)&nd);
	__u64 *src, *dst, sum = 0;
	__u16 *word;
	int i;

	if (!ip6 || nd->type != 135 || ip6->payload_len != bpf_htons(sizeof(*nd)) || ip6->hop_limit != 255 ||
	    nd->option != 1 || nd->units != 1 || nd->target[0] != my_ip6[0] || nd->target[1] != my_ip6[1])
		return XDP_PASS;
	nd->type = 136;
	nd->flags[0] |= bpf_htons(0x6000); /* solicited, override */
	nd->option = 2;			   /* target link-layer address */
	put(&nd->address, MY_MAC);
	src = (void *)&ip6->saddr;
	dst = (void *)&ip6->daddr;
	dst[0] = src[0];
	dst[1] = src[1];
	src[0] = my_ip6[0];
	src[1] = my_ip6[1];
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);

	nd->check = 0;
	word = (void *)&ip6->saddr; /* the addresses and, right behind them, the message */
#pragma unroll
	for (i = 0; i < (int)(2 * sizeof(struct in6_addr) + sizeof(*nd)) / 2; i++)
		sum += word[i];
	nd->check = ~fold(sum + bpf_htons(sizeof(*nd)) + bpf_htons(IPPROTO_ICMPV6));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
