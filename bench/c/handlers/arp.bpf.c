/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/arp.lua in C. */
#include "handlers.bpf.h"

PORT_MAC;
PORT_IP;

struct arp {
	__be16 htype, ptype;
	__u8 hlen, plen;
	__be16 op;
	struct mac sha;
	__u8 spa[4];
	struct mac tha;
	__u8 tpa[4];
};

/* A request for the Ethernet address of an IPv4 address: the first four fields. */
#define REQUEST bpf_cpu_to_be64(0x0001080006040001)

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct arp *arp = (void *)(eth + 1);
	__u32 spa;

	if ((void *)(arp + 1) > (void *)(long)ctx->data_end || eth->type != bpf_htons(ETH_P_ARP) ||
	    *(__u64 *)arp != REQUEST || *(__u32 *)arp->tpa != my_ip)
		return XDP_PASS;
	arp->op = bpf_htons(2);
	put(&arp->tha, get(&arp->sha));
	put(&arp->sha, MY_MAC);
	spa = *(__u32 *)arp->spa;
	*(__u32 *)arp->spa = my_ip;
	*(__u32 *)arp->tpa = spa;
	put(&eth->dst, get(&eth->src));
	put(&eth->src, MY_MAC);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
