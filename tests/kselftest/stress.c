// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 random jobs from 8 processes at once, each compared bit for bit with three loops.
 * Arguments: processes, jobs of each, seed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "gemm_case.h"
#include "guest.h"

#define SLOTS		12		/* jobs of a process in flight */
#define SLOT_BYTES	(256U << 10)
#define MAX_MN		7
#define MAX_K		80

struct slot {
	bool busy;
	struct gemm_case g;
	uint8_t *expected;
};

struct worker {
	int fd, number;
	struct random random;
	struct buffer buf;
	struct slot slot[SLOTS];
	struct xqaccel_info info;
	unsigned int wrong;
};

static int prepare(struct worker *w)
{
	unsigned int i;
	int ret;

	w->fd = device_open();
	if (w->fd < 0)
		return w->fd;
	ret = device_info(w->fd, &w->info);
	if (!ret)
		ret = buffer_create(w->fd, SLOTS * SLOT_BYTES, &w->buf);
	for (i = 0; i < SLOTS && !ret; i++) {
		w->slot[i].expected = malloc(SLOT_BYTES);
		ret = w->slot[i].expected ? 0 : -ENOMEM;
	}
	return ret;
}

static int start(struct worker *w, unsigned int at)
{
	struct slot *s = &w->slot[at];
	uint8_t *memory = w->buf.map + at * SLOT_BYTES;
	struct xqaccel_job job;
	int ret;

	do {
		gemm_random(&s->g, &w->random, MAX_MN, MAX_K);
		gemm_place(&s->g, &w->random);
	} while (s->g.total > SLOT_BYTES);
	random_bytes(&w->random, memory, s->g.total);
	memcpy(s->expected, memory, s->g.total);
	gemm_reference(&s->g, s->expected);
	gemm_job(&s->g, w->buf.handle, at * SLOT_BYTES, &job);
	job.user_data = at;
	ret = submit_lane(w->fd, &job, random_below(&w->random, w->info.lanes), 0);
	s->busy = !ret;
	return ret;
}

static void check(struct worker *w, const struct xqaccel_completion *c)
{
	struct slot *s = c->user_data < SLOTS ? &w->slot[c->user_data] : NULL;

	if (!s || !s->busy) {
		printf("# process %d: completion of no job\n", w->number);
		w->wrong++;
		return;
	}
	s->busy = false;
	if (c->status || memcmp(s->expected, w->buf.map + c->user_data * SLOT_BYTES, s->g.total)) {
		printf("# process %d: status %u, %u x %u, m %u n %u k %u batch %u group %u flags "
		       "%#x\n",
		       w->number, c->status, s->g.a_format, s->g.b_format, s->g.m, s->g.n, s->g.k,
		       s->g.batch, s->g.group, s->g.flags);
		w->wrong++;
	}
}

static int reap(struct worker *w, uint32_t min_complete, uint32_t *done)
{
	struct xqaccel_completion c[SLOTS];
	uint32_t i;
	const int ret = wait_jobs(w->fd, c, SLOTS, min_complete, 30 * SECOND, done, NULL);

	for (i = 0; !ret && i < *done; i++)
		check(w, &c[i]);
	return ret;
}

/* Number of wrong jobs, or 255 if something else failed. */
static int work(int number, unsigned int jobs, uint64_t seed)
{
	static struct worker w;
	unsigned int started = 0, ended = 0, at;
	uint32_t done;
	int ret;

	w.number = number;
	w.random.state = seed * 1000 + number;
	ret = prepare(&w);
	while (!ret && ended < jobs) {
		for (at = 0; at < SLOTS && started < jobs && !ret; at++) {
			if (w.slot[at].busy)
				continue;
			ret = start(&w, at);
			started++;
		}
		if (!ret)
			ret = reap(&w, 1, &done);
		ended += ret ? 0 : done;
	}
	if (ret)
		printf("# process %d: %s after %u jobs\n", number, strerror(-ret), ended);
	fflush(stdout);
	return ret ? 255 : w.wrong > 254 ? 254 : w.wrong;
}

int main(int argc, char **argv)
{
	const int processes = argc > 1 ? atoi(argv[1]) : 8;
	const unsigned int jobs = argc > 2 ? atoi(argv[2]) : 1250;
	const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	const int64_t began = now_ns();
	int i, status, failed = 0;

	printf("TAP version 14\n1..2\n");
	fflush(stdout);
	if (host_present())
		inject_nothing();
	for (i = 0; i < processes; i++)
		if (!fork())
			_exit(work(i, jobs, seed));
	while (wait(&status) > 0)
		failed += !!status;
	printf("# %u jobs of %d processes in %lld ms, seed %llu\n", jobs * processes, processes,
	       (long long)(now_ns() - began) / MS, (unsigned long long)seed);
	printf("%sok 1 all results are exact\n", failed ? "not " : "");
	status = stat_settles("clients", 0, 5000) || stat_settles("buffers", 0, 1000);
	printf("%sok 2 nothing is left behind\n", status ? "not " : "");
	return failed || status;
}
