/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark and the peer process say to each other. The peers are libraries of a newer
 * Debian release with a C library of their own, so they live in a process of their own; it waits
 * in read() while it is not measured. Operands and results are in shared memory.
 */
#ifndef XQ_BENCH_PEER_H
#define XQ_BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

enum peer_id {
	PEER_ONEDNN_U8S8,	/* u8 x s8 -> s32, matmul or inner product, whichever is faster */
	PEER_XNNPACK_QC8W,	/* s8 x s8 -> s8, requantized */
	PEER_XNNPACK_QC4W,	/* s8 x s4 -> f32, scaled */
	PEER_OPENBLAS_F32,	/* f32 */
	PEER_ONEDNN_CONV,	/* convolution, u8 x s8 -> s8, requantized */
	PEER_XNNPACK_CONV,	/* convolution, s8 x s8 -> s8, requantized */
	PEER_GGML_Q4_0,		/* s8 x s4 -> f32, groups of 32 with scales of both */
	PEER_COUNT
};

enum peer_op {
	PEER_QUERY,		/* is it there? reply.text: its version or what is in the way */
	PEER_OPEN,		/* take the operands, pack the weights */
	PEER_RUN,		/* compute so many times, reply.seconds: all together */
	PEER_RESULT,		/* write C as int32 to shared memory */
	PEER_CLOSE
};

/* A convolution of one square image, padded by half the kernel. Output [.][.][out_c], as in xq_convolution.h. */
struct peer_layer {
	uint32_t size, in_c, out_c, kernel, stride, groups;
};

/* Of a result's step, so that most results are within the 8 bits of an output. */
#define peer_layer_unit(l)	(256 * sqrtf((float)(l)->kernel * (l)->kernel * (l)->in_c / (l)->groups))

struct peer_request {
	uint32_t op;		/* enum peer_op */
	uint32_t peer;		/* enum peer_id */
	uint32_t m, n, k;
	uint32_t runs;
	struct peer_layer layer;	/* of convolutions, instead of m, n and k; X of u8, W of s8 */
	uint64_t a, b, c;	/* offsets in shared memory: A [m][k] of s8 or u8, B [n][k] of s8 */
};

struct peer_reply {
	uint32_t ok;
	float unit;		/* of a result's step: 1 if it is exact */
	double seconds;
	char text[112];
};

/* One library's computation of one kind. */
struct peer {
	const char *name;
	/* All return NULL, or what went wrong. */
	const char *(*query)(char *version, unsigned int size);
	const char *(*open)(const struct peer_request *request, const void *a, const int8_t *b);
	const char *(*run)(void);
	float (*result)(int32_t *c);
	void (*close)(void);
};

extern const struct peer peer_onednn_u8s8;
extern const struct peer peer_xnnpack_qc8w;
extern const struct peer peer_xnnpack_qc4w;
extern const struct peer peer_openblas_f32;
extern const struct peer peer_onednn_conv;
extern const struct peer peer_xnnpack_conv;
extern const struct peer peer_ggml_q4_0;

/* The scale of a group of 32 elements of a row, of A as of B; 16 bits hold it. */
static inline float peer_group_scale(uint32_t row, uint32_t group)
{
	return (float)(16 + (row * 7 + group * 5) % 16) / 4096;
}

#endif
