/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/lua/handlers/firewall.lua in C. */
#include "handlers.bpf.h"

/* The other end of a blocked flow, by the end that it comes from: an end is
 * address and port, and above them in the key 1 for TCP, in host order. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, __u64);
	__type(value, __u64);
} blocked SEC(".maps");

static __always_inline __u64 end_of(__u32 address, __u16 port)
{
	return (__u64)bpf_ntohl(address) << 16 | bpf_ntohs(port);
}

SEC("xdp")
int handler(struct xdp_md *ctx)
{
	__u64 key, *to;
	__u16 *ports; /* UDP and TCP have them at the same place */
	struct tcphdr *tcp;
	struct iphdr *ip = ipv4(ctx, IPPROTO_UDP, sizeof(struct udphdr), (void **)&ports);

	if (ip) {
		key = end_of(ip->saddr, ports[0]);
	} else {
		ip = ipv4(ctx, IPPROTO_TCP, sizeof(*tcp), (void **)&tcp);
		if (!ip || tcp->doff < 5 || bpf_ntohs(ip->tot_len) < (ip->ihl + tcp->doff) * 4 ||
		    (void *)tcp + tcp->doff * 4 > (void *)(long)ctx->data_end)
			return XDP_PASS;
		ports = (void *)tcp;
		key = end_of(ip->saddr, ports[0]) | 1ULL << 48;
	}
	to = bpf_map_lookup_elem(&blocked, &key);
	return to && *to == end_of(ip->daddr, ports[1]) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
