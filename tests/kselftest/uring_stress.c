// SPDX-License-Identifier: GPL-2.0
/*
 * uring_stress [-p PROCESSES] [-n ROUNDS] [-s SEED]: in each round of each process, by default 4
 * times 12, BATCH_JOBS random jobs, some by SUBMIT and some as commands of one of the kinds of
 * rings, alone or several in one, over all lanes at once. Each is compared bit for bit with three
 * loops.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "device.h"
#include "guest.h"
#include "ring.h"

#define LANES		8
#define MOST_OF_COMMAND	5

static const unsigned int kinds[] = {
	0,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_IOPOLL,
	IORING_SETUP_SQPOLL,
};

struct worker {
	struct batch batch;
	struct xqaccel_job_desc job[BATCH_JOBS];
	struct io_uring ring;
	unsigned int submitted;	/* by SUBMIT, in this round */
	unsigned int commands;	/* in this round; user_data has their first job and their length */
	unsigned int wrong;
	struct totals *totals;
};

/* Of all processes, in memory that they share. */
struct totals {
	_Atomic unsigned int by_submit, by_ring, commands;
};

/* Jobs first to first + count - 1, in one of the two ways. */
static int give(struct worker *w, unsigned int first, unsigned int count)
{
	const unsigned int lane = random_below(&w->batch.random, LANES);

	if (random_below(&w->batch.random, 2)) {
		w->submitted += count;
		return submit_jobs(w->batch.fd, &w->job[first], count, lane, 0, NULL, NULL);
	}
	if (!ring_jobs(&w->ring, w->batch.fd, &w->job[first], count, lane,
		       first | (uint64_t)count << 32))
		return -EBUSY;
	w->commands++;
	w->totals->by_ring += count;
	return ring_submit(&w->ring, 1);
}

static int take_command(struct worker *w)
{
	struct result r;
	uint32_t i, first;
	int ret;

	ret = ring_wait(&w->ring, &r, 60 * SECOND);
	if (ret)
		return ret;
	first = (uint32_t)r.user_data;
	for (i = first; i < first + (r.user_data >> 32); i++)
		w->wrong += batch_check(&w->batch, i, r.res);
	return 0;
}

static int take_completion(struct worker *w)
{
	struct xqaccel_completion c;
	const int ret = wait_one(w->batch.fd, &c, 60 * SECOND);

	if (!ret)
		w->wrong += batch_check(&w->batch, c.user_data, c.status);
	return ret;
}

/* The two kinds of completions in a random order, so that either waits for the other. */
static int round_finish(struct worker *w)
{
	int ret = 0;

	w->totals->by_submit += w->submitted;
	w->totals->commands += w->commands;
	while (!ret && (w->submitted || w->commands)) {
		if (w->submitted && (!w->commands || random_below(&w->batch.random, 2))) {
			w->submitted--;
			ret = take_completion(w);
		} else {
			w->commands--;
			ret = take_command(w);
		}
	}
	return ret;
}

static int one_round(struct worker *w)
{
	unsigned int i, count;
	int ret = 0;

	for (i = 0; i < BATCH_JOBS; i++)
		batch_place(&w->batch, i, &w->job[i]);
	for (i = 0; i < BATCH_JOBS && !ret; i += count) {
		count = 1 + random_below(&w->batch.random, MOST_OF_COMMAND);
		if (count > BATCH_JOBS - i)
			count = BATCH_JOBS - i;
		ret = give(w, i, count);
	}
	return ret ?: round_finish(w);
}

/* Exit status: whether something went wrong. */
static int work(unsigned int number, unsigned int rounds, uint64_t seed, struct totals *totals)
{
	static struct worker w;
	int ret;

	w.totals = totals;
	ret = batch_open(&w.batch, seed * 1000 + number + 1);
	if (!ret)
		ret = ring_open(&w.ring, BATCH_JOBS, kinds[number % ARRAY_SIZE(kinds)]);
	while (!ret && rounds--)
		ret = one_round(&w);
	if (ret)
		printf("# process %u: %s\n", number, strerror(-ret));
	fflush(stdout);
	return ret || w.wrong;
}

int main(int argc, char **argv)
{
	unsigned int processes = 4, rounds = 12, i, failed = 0;
	struct io_uring probe;
	struct totals *totals;
	uint64_t seed = 1;
	int option, status;

	while ((option = getopt(argc, argv, "p:n:s:")) != -1) {
		if (option == 'p')
			processes = strtoul(optarg, NULL, 0);
		else if (option == 'n')
			rounds = strtoul(optarg, NULL, 0);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	printf("TAP version 14\n1..2\n");
	if (ring_open(&probe, 1, 0)) {
		printf("ok 1 exact # SKIP no io_uring on this system\n"
		       "ok 2 nothing is left # SKIP no io_uring on this system\n");
		return 0;
	}
	io_uring_queue_exit(&probe);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (totals == MAP_FAILED)
		return 1;
	fflush(stdout);
	for (i = 0; i < processes; i++)
		if (!fork())
			_exit(work(i, rounds, seed, totals));
	for (i = 0; i < processes; i++)
		failed += wait(&status) < 0 || status;
	printf("# %u jobs by SUBMIT, %u in %u commands\n", totals->by_submit, totals->by_ring,
	       totals->commands);
	printf("%s 1 exact\n", failed || !totals->by_submit || !totals->by_ring ? "not ok" : "ok");
	failed += stat_settles("jobs", 0, 20000) != 0;
	failed += stat_settles("buffers", 0, 20000) != 0;
	printf("%s 2 nothing is left\n", failed ? "not ok" : "ok");
	return failed ? 1 : 0;
}
