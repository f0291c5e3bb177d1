/* SPDX-License-Identifier: GPL-2.0 */
/* Many random jobs in flight while something happens to the device, each checked bit for bit. */
#ifndef XQ_TEST_BATCH_H
#define XQ_TEST_BATCH_H

#include "device.h"
#include "gemm_case.h"

#define BATCH_JOBS	96
#define BATCH_SLOT	(128U << 10)

struct batch {
	int fd;
	struct random random;
	struct buffer buf;
	uint8_t *expected;
	struct gemm_case g[BATCH_JOBS];
	bool ended[BATCH_JOBS];
};

int batch_open(struct batch *b, uint64_t seed);
void batch_close(struct batch *b);

/* Makes job i, with user_data i, for those who submit it themselves. */
void batch_place(struct batch *b, unsigned int i, struct xqaccel_job_desc *job);
/* It has ended, once, with a status or errno: 0 if that is 0 and all bytes are right, else 1. */
int batch_check(struct batch *b, uint64_t i, int status);

/*
 * Submits BATCH_JOBS jobs over all lanes. None accumulates, so each may run again. 0 or -errno.
 */
int batch_submit(struct batch *b);
/* Reaps them all; the number that failed, are wrong or never came. */
int batch_finish(struct batch *b);

#endif
