/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/arp.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP;

struct arp {
	__be16 htype, ptype, hplen, op;
	struct mac sha;
	__u16 spa[2];
	struct mac tha;
	__u16 tpa[2];
} __attribute__((packed, aligned(2)));

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct arp *arp = (void *)(eth + 1);
	__u16 spa0, spa1;

	if ((void *)(arp + 1) > (void *)(long)ctx->data_end || eth->type != bpf_htons(ETH_P_ARP) ||
	    arp->htype != bpf_htons(1) || arp->ptype != bpf_htons(ETH_P_IP) || arp->hplen != bpf_htons(0x0604) ||
	    arp->op != bpf_htons(1) || (arp->tpa[0] | (__u32)arp->tpa[1] << 16) != my_ip)
		return XDP_PASS;
	arp->op = bpf_htons(2);
	put(&arp->tha, arp->sha);
	put(&arp->sha, number(my_mac));
	spa0 = arp->spa[0];
	spa1 = arp->spa[1];
	arp->spa[0] = arp->tpa[0];
	arp->spa[1] = arp->tpa[1];
	arp->tpa[0] = spa0;
	arp->tpa[1] = spa1;
	put(&eth->dst, eth->src);
	put(&eth->src, number(my_mac));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
