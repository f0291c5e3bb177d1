/* SPDX-License-Identifier: MIT */
/*
 * Measuring one row: our job, the machine's limit and the peers take turns, round after round, so
 * that noise from outside hits all of them alike, and are compared round by round.
 */
#ifndef XQ_BENCH_MEASURE_H
#define XQ_BENCH_MEASURE_H

#include <stdbool.h>

#include "peer_client.h"
#include "rows.h"
#include "xq_kernels.h"

#define MAX_ROUNDS	64

struct spread {
	double min, median, max;
};

/* What one of the contestants of a row reached. */
struct contestant {
	char name[40];
	struct spread rate;	/* G multiply-accumulates a second, of a read limit: GB a second */
	struct spread ratio;	/* ours to this one, round by round; for a limit our share of it */
};

#define TARGET_SHARE	(1U << 0)
#define TARGET_PEER	(1U << 1)
#define TARGET_GAIN	(1U << 2)
#define TARGETS		3

struct row_result {
	const struct bench_row *row;
	const char *isa;
	char skipped[120];	/* not empty: why there is no measurement */
	char wrong[120];	/* not empty: the result was wrong */
	char check[16];		/* what was compared: "full" or "sampled" */
	unsigned int rounds;
	uint64_t bytes_copied;	/* of packed weights, by one job */
	uint64_t bytes_moved;	/* A, B and C once */
	struct contestant ours;
	struct contestant limit;	/* no name: none is known */
	struct contestant baseline;
	unsigned int peer_count;
	struct contestant peer[PEER_COUNT];
	enum peer_id peer_id[PEER_COUNT];
	unsigned int judged;	/* TARGET_*: there was one and it could be judged */
	unsigned int missed;	/* those of them that are not met */
};

/* seconds: about how long the rounds may take. */
void measure_row(const struct bench_row *row, struct peer_client *peers, double seconds,
		 struct row_result *result);

/* The best of a row's peers in `mask` by median, NULL if there is none. */
const struct contestant *best_peer(const struct row_result *result, uint32_t mask);

#endif
