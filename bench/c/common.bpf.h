/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the small XDP programs of the benchmark share. */
#ifndef BENCH_COMMON_BPF_H
#define BENCH_COMMON_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

/* One counter for each processor, so that counting never bounces a cache
 * line. The benchmark adds them up when it reads the map. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static __always_inline void count_packet(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&packets, &zero);

	if (n)
		++*n;
}

/* swap_macs exchanges the addresses of the Ethernet header; 0 when the frame
 * is too short to have one. */
static __always_inline int swap_macs(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 dst[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memcpy(dst, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, dst, ETH_ALEN);
	return 1;
}

#endif
