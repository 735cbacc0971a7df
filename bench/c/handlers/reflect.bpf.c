/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/reflect.lua in C. */
#include "handlers.bpf.h"

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	struct eth *eth = (void *)(long)ctx->data;
	struct parts dst;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	dst = get(&eth->dst);
	put(&eth->dst, get(&eth->src));
	put(&eth->src, dst);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
