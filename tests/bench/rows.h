/* SPDX-License-Identifier: MIT */
/* The rows of the table: what is measured, and the target of each. */
#ifndef XQ_BENCH_ROWS_H
#define XQ_BENCH_ROWS_H

#include <stdint.h>

#include <linux/xqaccel.h>

#include "operand.h"
#include "peers/peer.h"

/* What a row's share is a share of. */
enum row_limit {
	LIMIT_DOT,		/* PEAK_DOT of the row's instruction set */
	LIMIT_NARROW,		/* PEAK_NARROW */
	LIMIT_POPCOUNT,		/* PEAK_POPCOUNT */
	LIMIT_READ		/* reading the weights once */
};

/* What a row's gain is measured against. */
enum row_baseline {
	BASELINE_NONE,
	BASELINE_S8,		/* s8 x s8 of the same shape */
	BASELINE_ONE_THREAD,	/* the same on one thread */
	BASELINE_PLAIN		/* PEAK_PLAIN_DOT, PEAK_PLAIN_POPCOUNT for LIMIT_POPCOUNT */
};

struct bench_row {
	const char *section;
	uint8_t a_format, b_format;
	uint32_t m, n, k;
	uint32_t group;		/* with U8 scales if not 0 */
	enum operand_order order;
	const char *isa;	/* NULL: the best of this CPU */
	unsigned int threads;
	enum row_limit limit;
	uint32_t peers;		/* bit b: enum peer_id b */
	enum row_baseline baseline;

	/* Targets; 0 for none. */
	double share;		/* of the limit */
	double ratio;		/* to the best of target_peers */
	uint32_t target_peers;
	double gain;		/* to the baseline */
};

extern const struct bench_row bench_rows[];
extern const unsigned int bench_row_count;

#endif
