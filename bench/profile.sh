#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Says where pvlua's processor time goes in one of the benchmarks on interfaces:
#
#	bench/profile.sh drop|reflect|reflect-gro|forward|both|...
#
# From the root of the source tree, as root, with bin/pvlua built; it needs perf
# (Debian: linux-perf). Shares are of the samples of pvlua's process, by part.
set -eu

scenario=${1:?which benchmark? see go run ./bench -help}
data=$(mktemp)
bench=
trap 'rm -f "$data" "$data.bench"; [ -z "$bench" ] || kill "$bench" 2>/dev/null || true' EXIT

go build -o "$data.bench" ./bench
"$data.bench" -only "$scenario" -rounds 1 -time 4s >/dev/null 2>&1 &
bench=$!
until pid=$(pgrep -P "$bench" -f '[.]lua$'); do sleep 0.1; done
sleep 1 # it attaches itself and warms up
perf record -q -e cpu-clock -F 1999 -p "$pid" -o "$data" -- sleep 2

perf report -i "$data" --stdio -F overhead,dso,sym 2>/dev/null | awk '
	/^#/ || NF < 3 { next }
	{
		share = $1 + 0
		symbol = $NF == "" ? $(NF-1) : $NF
		part = "others"
		if ($2 ~ /kernel/) {
			part = "kernel: other"
			if (symbol ~ /xsk|xdp_umem|sendto|sendmsg|skb|dev_direct|__sock/) part = "kernel: AF_XDP and skbs"
			else if (symbol ~ /test_run|page_pool|redirect|xdp_xmit|bpf_xdp|dev_xmit|bq_|memcpy|netmem|enqueue/) part = "kernel: injecting, copying and redirecting"
			else if (symbol ~ /veth|napi|softirq|net_rx|__xdp_return/) part = "kernel: the far end, inline"
			else if (symbol ~ /switch|poll|schedule|eventfd|hrtimer|wake/) part = "kernel: sleeping and waking"
		}
		else if (symbol ~ /^bpf_prog/ || $2 ~ /bpf/) part = "BPF programs"
		else if (symbol ~ /pvlua\/packet/) part = "decoding, the first touch of the packet included"
		else if (symbol ~ /pvlua\/luab|gopher-lua|pvlua\/analysis/) part = "the handler"
		else if (symbol ~ /pvlua\/(runtime|xsk|inject)/) part = "loop, rings and frames"
		else if (symbol ~ /runtime\.|syscall/) part = "Go runtime"
		sum[part] += share
	}
	END { for (p in sum) printf "%5.1f %%  %s\n", sum[p], p }' | sort -rn
