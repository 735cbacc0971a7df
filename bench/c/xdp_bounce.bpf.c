/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reflects each packet by redirecting it to the interface that it came from:
 * what XDP_TX does, but also towards a veth that has NAPI by GRO only, which
 * XDP_TX fails to wake up (veth_xdp_flush in drivers/net/veth.c). */
#include "common.bpf.h"

/* Slot 0 holds the interface that packets leave by. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

SEC("xdp")
int xdp_bounce(struct xdp_md *ctx)
{
	count_packet();
	return swap_macs(ctx) ? bpf_redirect_map(&out, 0, XDP_DROP) : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
