/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random jobs and what they must compute, by three plain loops. All of it is written from
 * the comments of <linux/xqaccel.h> and shares no code with driver, device or library.
 */
#ifndef XQ_TEST_GEMM_CASE_H
#define XQ_TEST_GEMM_CASE_H

#include <linux/xqaccel.h>
#include <stdbool.h>
#include <stdint.h>

#define GEMM_OPERANDS \
	(sizeof(((struct xqaccel_job_desc *)0)->operand) / sizeof(struct xqaccel_operand))

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
uint32_t random_below(struct random *r, uint32_t limit);
bool random_one_in(struct random *r, uint32_t n);

/*
 * A job in one piece of memory. The caller sets the first members, gemm_place() the others:
 * everything is somewhere in [0, total) of the piece, in an order and at distances that are
 * random.
 */
struct gemm_case {
	uint32_t m, n, k, batch, group, flags;
	uint8_t a_format, b_format, scale_format;
	bool a_zp_rows, b_zp_rows;
	int32_t a_zp, b_zp;

	struct xqaccel_operand operand[GEMM_OPERANDS];
	uint64_t group_stride;
	uint64_t total;
};

/* The pairs that every device must have. */
struct format_pair {
	uint8_t a, b;
	const char *name;
};

extern const struct format_pair format_pairs[];
extern const unsigned int format_pair_count;

void gemm_random(struct gemm_case *g, struct random *r, uint32_t max_mn, uint32_t max_k);
void gemm_place(struct gemm_case *g, struct random *r);
void gemm_job(const struct gemm_case *g, uint32_t handle, uint64_t base,
	      struct xqaccel_job_desc *job);
void gemm_reference(const struct gemm_case *g, uint8_t *memory);

void random_bytes(struct random *r, void *to, uint64_t bytes);

#endif
