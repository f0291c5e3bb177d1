// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "batch.h"

#define LANES	8

int batch_open(struct batch *b, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	b->random.state = seed;
	b->expected = malloc(BATCH_JOBS * BATCH_SLOT);
	if (!b->expected)
		return -ENOMEM;
	b->fd = device_open();
	return b->fd < 0 ? b->fd : buffer_create(b->fd, BATCH_JOBS * BATCH_SLOT, &b->buf);
}

void batch_close(struct batch *b)
{
	munmap(b->buf.map, b->buf.bytes);
	close(b->fd);
	free(b->expected);
}

void batch_place(struct batch *b, unsigned int i, struct xqaccel_job_desc *job)
{
	uint8_t *memory = b->buf.map + i * BATCH_SLOT, *expected = b->expected + i * BATCH_SLOT;
	struct gemm_case *g = &b->g[i];

	do {
		gemm_random(g, &b->random, 7, 80);
		g->flags &= ~XQACCEL_JOB_ACCUMULATE;
		gemm_place(g, &b->random);
	} while (g->total > BATCH_SLOT);
	random_bytes(&b->random, memory, g->total);
	memcpy(expected, memory, g->total);
	gemm_reference(g, expected);
	gemm_job(g, b->buf.handle, i * BATCH_SLOT, job);
	job->user_data = i;
	b->ended[i] = false;
}

int batch_submit(struct batch *b)
{
	static struct xqaccel_job_desc job[BATCH_JOBS];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < BATCH_JOBS; i++)
		batch_place(b, i, &job[i]);
	for (i = 0; i < BATCH_JOBS && !ret; i++)
		ret = submit_lane(b->fd, &job[i], i % LANES, 0);
	return ret;
}

int batch_check(struct batch *b, uint64_t i, int status)
{
	if (i >= BATCH_JOBS || b->ended[i]) {
		printf("# completion of no job\n");
		return 1;
	}
	b->ended[i] = true;
	if (!status && !memcmp(b->expected + i * BATCH_SLOT, b->buf.map + i * BATCH_SLOT,
			       b->g[i].total))
		return 0;
	printf("# job %u: status %d\n", (unsigned int)i, status);
	return 1;
}

int batch_finish(struct batch *b)
{
	unsigned int seen = 0;
	int wrong = 0;

	while (seen < BATCH_JOBS) {
		struct xqaccel_completion c;
		const int ret = wait_one(b->fd, &c, 20 * SECOND);

		if (ret) {
			printf("# after %u jobs: %s\n", seen, strerror(-ret));
			return wrong + BATCH_JOBS - seen;
		}
		wrong += batch_check(b, c.user_data, c.status);
		seen++;
	}
	return wrong;
}
