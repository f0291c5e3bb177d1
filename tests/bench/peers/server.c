// SPDX-License-Identifier: MIT
/*
 * The peer process: answers requests on standard input until it ends. Argument: the file descriptor of the memory.
 *
 * Peers are held to the instructions that our kernels have: a process has to ask for matrix tiles
 * (AMX), and this one is refused them, unless XQ_BENCH_TILES is set, as it is where ours have them.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

static const struct peer *const peers[PEER_COUNT] = {
	[PEER_ONEDNN_U8S8] = &peer_onednn_u8s8,
	[PEER_XNNPACK_QC8W] = &peer_xnnpack_qc8w,
	[PEER_XNNPACK_QC4W] = &peer_xnnpack_qc4w,
	[PEER_OPENBLAS_F32] = &peer_openblas_f32,
	[PEER_ONEDNN_CONV] = &peer_onednn_conv,
	[PEER_XNNPACK_CONV] = &peer_xnnpack_conv,
	[PEER_GGML_Q4_0] = &peer_ggml_q4_0,
};

/* The clock of ../clock.h for one thread. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static const char *run(const struct peer *peer, uint32_t runs, double *seconds)
{
	const double start = now();
	const char *error = NULL;

	while (runs-- && !error)
		error = peer->run();
	*seconds = now() - start;
	return error;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, uint8_t *memory)
{
	const struct peer *peer = request->peer < PEER_COUNT ? peers[request->peer] : NULL;
	const char *error = NULL;

	if (!peer) {
		error = "unknown peer";
	} else if (request->op == PEER_QUERY) {
		error = peer->query(reply->text, sizeof(reply->text));
	} else if (request->op == PEER_OPEN) {
		error = peer->open(request, memory + request->a,
				   (const int8_t *)(memory + request->b));
	} else if (request->op == PEER_RUN) {
		error = run(peer, request->runs, &reply->seconds);
	} else if (request->op == PEER_RESULT) {
		reply->unit = peer->result((int32_t *)(memory + request->c));
	} else if (request->op == PEER_CLOSE) {
		peer->close();
	} else {
		error = "unknown request";
	}
	reply->ok = !error;
	if (error)
		snprintf(reply->text, sizeof(reply->text), "%s", error);
}

#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM	0x1023
#endif

static int refuse_tiles(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_REQ_XCOMP_PERM, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	const int fd = argc == 2 ? atoi(argv[1]) : -1;
	struct peer_request request;
	struct stat file;
	uint8_t *memory;

	if (fd < 0 || fstat(fd, &file) < 0)
		return 2;
	if (!getenv("XQ_BENCH_TILES") && refuse_tiles()) {
		perror("matrix tiles can't be refused");
		return 1;
	}
	memory = mmap(NULL, file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return 1;
	while (read(0, &request, sizeof(request)) == (ssize_t)sizeof(request)) {
		struct peer_reply reply = { 0 };

		answer(&request, &reply, memory);
		if (write(1, &reply, sizeof(reply)) != (ssize_t)sizeof(reply))
			return 1;
	}
	return 0;
}
