/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forwards each packet to another interface from within the driver: what the
 * forward scenario costs when no packet goes to user space. */
#include "common.bpf.h"

/* Slot 0 holds the interface that packets leave by. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	count_packet();
	return bpf_redirect_map(&out, 0, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
