/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reflects each packet from within the driver: what the reflect scenario costs
 * when no packet goes to user space. */
#include "common.bpf.h"

SEC("xdp")
int xdp_tx(struct xdp_md *ctx)
{
	count_packet();
	return swap_macs(ctx) ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
