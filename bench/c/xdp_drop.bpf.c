/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts each packet and drops it. It is the sink at the far end of every
 * scenario, and, on the device under test, what receive-and-drop costs when no
 * packet leaves the driver. Being an XDP program, it also gives the veth that
 * it sits on the NAPI without which its peer can't redirect to it (P23). */
#include "common.bpf.h"

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	count_packet();
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
