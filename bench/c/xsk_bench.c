/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The yardstick: AF_XDP in C on the rings of libxdp, with the loop of xdpsock
 * (bpf-examples): busy, batches of 64, rings of 2048 entries, 4096 frames,
 * native copy mode with need-wakeup, and in copy mode a kick per turn for as
 * long as frames are waiting to be sent.
 *
 *	xsk_bench [-s SECONDS] [-b BATCH] [-k BUDGET] rxdrop  IFNAME
 *	xsk_bench [-s SECONDS] [-b BATCH] [-k BUDGET] l2fwd   IFNAME
 *	xsk_bench [-s SECONDS] [-b BATCH] [-k BUDGET] forward IFNAME IFNAME
 *
 * rxdrop drops what it receives; l2fwd swaps the MAC addresses and sends back
 * out of the same port; forward moves packets as they are between two ports,
 * both ways. It ends after SECONDS or on SIGTERM or SIGINT, and then prints its
 * counters as one JSON object on standard output.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <xdp/xsk.h>

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9 /* linux/if_xdp.h, since Linux 6.17 */
#endif

#define FRAMES 4096
#define FRAME_SIZE XSK_UMEM__DEFAULT_FRAME_SIZE
#define RING_SIZE XSK_RING_CONS__DEFAULT_NUM_DESCS /* 2048: rx, tx, completion */
#define FILL_SIZE (2 * RING_SIZE)
#define BIND_TRIES 200 /* of 10 ms */

struct port {
	const char *name;
	unsigned int ifindex;
	struct xsk_socket *xsk;
	struct xsk_ring_cons rx, done; /* done: the completion ring */
	struct xsk_ring_prod tx, fill;
	struct port *out; /* where its packets leave; itself for l2fwd, none for rxdrop */
	__u32 in_flight;  /* frames given to tx and not yet seen in done */
	int map, program, link;
	unsigned long long received, sent, kicks, again, busy, failed;
};

static struct xsk_umem *umem;
static char *frames;
static struct port ports[2];
static int port_count;
static __u32 batch = 64;
static int budget; /* 0: the kernel's default of 32 packets a kick */
static int swap_macs;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what, const char *on, int err)
{
	fprintf(stderr, "xsk_bench: %s %s: %s\n", what, on, strerror(err));
	exit(1);
}

/* insn is one BPF instruction; linux/filter.h, which has macros for them, is
 * not part of the kernel's user API. */
static struct bpf_insn insn(__u8 code, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	return (struct bpf_insn){.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

/* attach gives the port an XDP program that redirects each queue's packets to
 * the socket in that slot of a map, and passes those of a queue without one. It
 * takes the place of libxdp's own program, whose dispatcher costs a call per
 * packet. The link, and with it the program, goes away with this process. */
static void attach(struct port *p)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	p->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsks", sizeof(__u32), sizeof(__u32), 1, NULL);
	if (p->map < 0)
		die("create the socket map of", p->name, errno);

	/* return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS); */
	struct bpf_insn insns[] = {
		insn(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, rx_queue_index), 0),
		insn(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, p->map),
		insn(0, 0, 0, 0, 0), /* upper half of the load above */
		insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS),
		insn(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
		insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	p->program = bpf_prog_load(BPF_PROG_TYPE_XDP, "xsk_bench", "GPL", insns, sizeof(insns) / sizeof(insns[0]), NULL);
	if (p->program < 0)
		die("load the XDP program of", p->name, errno);
	p->link = bpf_link_create(p->program, p->ifindex, BPF_XDP, &opts);
	if (p->link < 0)
		die("attach the XDP program to", p->name, errno);
	if (xsk_socket__update_xskmap(p->xsk, p->map))
		die("register the socket of", p->name, errno);
}

/* open_port binds a socket to queue 0 of the port. All ports share the memory,
 * each with rings of its own. The kernel takes a moment to let go of a queue
 * that another process has just closed; until then bind fails with EBUSY (P28). */
static void open_port(struct port *p)
{
	struct xsk_socket_config config = {
		.rx_size = RING_SIZE,
		.tx_size = RING_SIZE,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP | XDP_COPY,
	};
	int err, tries = 0;

	p->ifindex = if_nametoindex(p->name);
	if (!p->ifindex)
		die("find", p->name, errno);
	do {
		if (tries)
			usleep(10000);
		err = xsk_socket__create_shared(&p->xsk, p->name, 0, umem, &p->rx, &p->tx, &p->fill, &p->done, &config);
	} while (err == -EBUSY && ++tries < BIND_TRIES);
	if (err)
		die("bind a socket to", p->name, -err);
	if (budget && setsockopt(xsk_socket__fd(p->xsk), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget)))
		die("set the transmit budget of", p->name, errno);
	attach(p);
}

static void open_umem(void)
{
	struct xsk_umem_config config = {
		.fill_size = FILL_SIZE,
		.comp_size = RING_SIZE,
		.frame_size = FRAME_SIZE,
		.frame_headroom = XSK_UMEM__DEFAULT_FRAME_HEADROOM,
	};
	size_t size = (size_t)FRAMES * FRAME_SIZE;
	int err;

	frames = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (frames == MAP_FAILED)
		die("allocate", "frames", errno);
	err = xsk_umem__create(&umem, frames, size, &ports[0].fill, &ports[0].done, &config);
	if (err)
		die("register", "frames", -err);
}

/* fill_first deals all frames out evenly to the ports' fill rings. */
static void fill_first(void)
{
	__u32 share = FRAMES / port_count, idx, i;
	__u64 addr = 0;

	for (int n = 0; n < port_count; n++) {
		struct xsk_ring_prod *fill = &ports[n].fill;

		if (xsk_ring_prod__reserve(fill, share, &idx) != share)
			die("fill the ring of", ports[n].name, ENOSPC);
		for (i = 0; i < share; i++, addr += FRAME_SIZE)
			*xsk_ring_prod__fill_addr(fill, idx + i) = addr;
		xsk_ring_prod__submit(fill, share);
	}
}

/* reserve_fill takes n slots of the port's fill ring. They are always there in
 * the end: the ring holds as many as there are frames. */
static __u32 reserve_fill(struct port *p, __u32 n)
{
	__u32 idx;

	while (xsk_ring_prod__reserve(&p->fill, n, &idx) != n)
		if (xsk_ring_prod__needs_wakeup(&p->fill))
			recvfrom(xsk_socket__fd(p->xsk), NULL, 0, MSG_DONTWAIT, NULL, NULL);
	return idx;
}

/* kick sorts the errors as P2 does: those that the next kick mends are counted. */
static void kick(struct port *p)
{
	p->kicks++;
	if (sendto(xsk_socket__fd(p->xsk), NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
		return;
	switch (errno) {
	case EAGAIN: /* the budget is used up, or no room: come again */
		p->again++;
		break;
	case EBUSY: /* the device dropped a frame */
	case ENOBUFS:
		p->busy++;
		break;
	case ENETDOWN:
	case EINTR:
		p->failed++;
		break;
	default:
		die("send on", p->name, errno);
	}
}

/* complete kicks the kernel to send what is queued on out and moves up to a
 * batch of frames that were sent from its completion ring to the fill ring of
 * the port that they had come in on. */
static void complete(struct port *out, struct port *in)
{
	__u32 want, n, from, to, i;

	if (!out->in_flight)
		return;
	kick(out); /* in copy mode nothing else sends (P1) */
	want = out->in_flight < batch ? out->in_flight : batch;
	n = xsk_ring_cons__peek(&out->done, want, &from);
	if (!n)
		return;
	to = reserve_fill(in, n);
	for (i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&in->fill, to + i) = *xsk_ring_cons__comp_addr(&out->done, from + i);
	xsk_ring_prod__submit(&in->fill, n);
	xsk_ring_cons__release(&out->done, n);
	out->in_flight -= n;
	out->sent += n;
}

static void swap(char *frame)
{
	struct ethhdr *eth = (struct ethhdr *)frame;
	unsigned char dst[ETH_ALEN];

	memcpy(dst, eth->h_dest, ETH_ALEN);
	memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	memcpy(eth->h_source, dst, ETH_ALEN);
}

/* turn receives up to a batch on the port and drops it or queues it on the port
 * that it leaves by. */
static void turn(struct port *in)
{
	struct port *out = in->out;
	__u32 n, from, to = 0, i;

	if (out)
		complete(out, in);
	n = xsk_ring_cons__peek(&in->rx, batch, &from);
	if (!n) {
		if (xsk_ring_prod__needs_wakeup(&in->fill))
			recvfrom(xsk_socket__fd(in->xsk), NULL, 0, MSG_DONTWAIT, NULL, NULL);
		return;
	}
	if (out)
		while (xsk_ring_prod__reserve(&out->tx, n, &to) != n) {
			if (stop)
				return;
			complete(out, in);
		}
	else
		to = reserve_fill(in, n);
	for (i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&in->rx, from + i);

		if (!out) {
			*xsk_ring_prod__fill_addr(&in->fill, to + i) = desc->addr;
			continue;
		}
		if (swap_macs)
			swap(xsk_umem__get_data(frames, desc->addr));
		*xsk_ring_prod__tx_desc(&out->tx, to + i) = (struct xdp_desc){.addr = desc->addr, .len = desc->len};
	}
	if (out) {
		xsk_ring_prod__submit(&out->tx, n);
		out->in_flight += n;
	} else {
		xsk_ring_prod__submit(&in->fill, n);
	}
	xsk_ring_cons__release(&in->rx, n);
	in->received += n;
}

static void print_counters(const char *mode, double seconds)
{
	printf("{\"mode\":\"%s\",\"seconds\":%.3f,\"ports\":[", mode, seconds);
	for (int i = 0; i < port_count; i++) {
		struct port *p = &ports[i];
		struct xdp_statistics s = {0};
		socklen_t len = sizeof(s);

		if (getsockopt(xsk_socket__fd(p->xsk), SOL_XDP, XDP_STATISTICS, &s, &len))
			die("read the statistics of", p->name, errno);
		printf("%s{\"name\":\"%s\",\"rx\":%llu,\"tx\":%llu,\"kicks\":%llu,\"again\":%llu,\"busy\":%llu,"
		       "\"failed\":%llu,\"rx_dropped\":%llu,\"rx_ring_full\":%llu,\"fill_ring_empty\":%llu}",
		       i ? "," : "", p->name, p->received, p->sent, p->kicks, p->again, p->busy, p->failed,
		       (unsigned long long)s.rx_dropped, (unsigned long long)s.rx_ring_full,
		       (unsigned long long)s.rx_fill_ring_empty_descs);
	}
	printf("]}\n");
}

static void usage(void)
{
	fprintf(stderr, "usage: xsk_bench [-s SECONDS] [-b BATCH] [-k BUDGET] rxdrop|l2fwd IFNAME\n"
			"       xsk_bench [-s SECONDS] [-b BATCH] [-k BUDGET] forward IFNAME IFNAME\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct timespec begin, end;
	const char *mode;
	int opt, seconds = 0;

	while ((opt = getopt(argc, argv, "s:b:k:")) != -1) {
		switch (opt) {
		case 's':
			seconds = atoi(optarg);
			break;
		case 'b':
			batch = atoi(optarg);
			break;
		case 'k':
			budget = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 2 || batch < 1 || batch > RING_SIZE)
		usage();
	mode = argv[0];
	port_count = argc - 1;
	ports[0].name = argv[1];
	if (!strcmp(mode, "rxdrop") && port_count == 1) {
		ports[0].out = NULL;
	} else if (!strcmp(mode, "l2fwd") && port_count == 1) {
		ports[0].out = &ports[0];
		swap_macs = 1;
	} else if (!strcmp(mode, "forward") && port_count == 2) {
		ports[1].name = argv[2];
		ports[0].out = &ports[1];
		ports[1].out = &ports[0];
	} else {
		usage();
	}

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	open_umem();
	for (int i = 0; i < port_count; i++)
		open_port(&ports[i]);
	fill_first();

	if (seconds)
		alarm(seconds);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (!stop)
		for (int i = 0; i < port_count; i++)
			turn(&ports[i]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_counters(mode, end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9);
	return 0;
}
