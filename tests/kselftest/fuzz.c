// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz [-n CALLS] [-t THREADS] [-s SEED] [-u]: random calls from threads that share files, led
 * by the places of the driver that they reach, while the device fails, is unbound, and with -u
 * is reset and unplugged. That the driver survives is for the kernel to say; here it must
 * still compute, and nothing may be left.
 *
 * A program is a list of calls. In a round each thread runs one, at the same time; a program
 * that reaches a place nobody had reached is kept, and others are made from it. What is run
 * follows from the seed, when it runs does not.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "fuzz_call.h"
#include "guest.h"
#include "kcov.h"
#include "shared_memory.h"

#define MAX_THREADS	8
#define MAX_CALLS	24
#define MAX_CORPUS	1024
#define PLACES		(1U << 16)
#define HURRY_MS	100

struct program {
	unsigned int count;
	struct fuzz_call call[MAX_CALLS];
};

struct worker {
	pthread_t thread;
	struct program program;
	struct kcov kcov;
	_Atomic bool running;
};

static struct fuzz_world world;
static struct worker worker[MAX_THREADS];
static unsigned int threads = 4;
static pthread_barrier_t start_line, finish_line;
static _Atomic bool over;

static struct program corpus[MAX_CORPUS];
static unsigned int corpus_count;
static uint64_t seen[PLACES];	/* open addressing; 0: free */
static unsigned int places;

/* ---- threads ---------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	if (fuzz_thread_begin())
		abort();
	kcov_start(&w->kcov);
	for (;;) {
		pthread_barrier_wait(&start_line);
		if (over)
			break;
		kcov_reset(&w->kcov);
		for (i = 0; i < w->program.count; i++)
			fuzz_call_run(&world, &w->program.call[i]);
		w->running = false;
		pthread_barrier_wait(&finish_line);
	}
	fuzz_thread_end();
	return NULL;
}

/* A wait with a deadline far away ends by a signal. */
static void hurry(int64_t began)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		while (worker[i].running) {
			sleep_ms(1);
			if (now_ns() - began > HURRY_MS * MS)
				pthread_kill(worker[i].thread, SIGUSR1);
		}
	}
}

/* ---- what was reached --------------------------------------------------------------- */

static bool place_is_new(uint64_t pc)
{
	unsigned int at = (pc * 0x9e3779b97f4a7c15ULL) >> 48;

	while (seen[at] && seen[at] != pc)
		at = (at + 1) % PLACES;
	if (seen[at] || places > PLACES / 2)
		return false;
	seen[at] = pc;
	places++;
	return true;
}

static void collect(struct worker *w)
{
	const uint64_t count = kcov_count(&w->kcov);
	bool fresh = false;
	uint64_t i;

	for (i = 1; i <= count; i++)
		fresh |= place_is_new(w->kcov.area[i]);
	if (fresh && corpus_count < MAX_CORPUS)
		corpus[corpus_count++] = w->program;
}

static void next_program(struct program *p, struct random *r)
{
	unsigned int i, edits;

	if (!corpus_count || random_one_in(r, 8)) {
		p->count = 4 + random_below(r, MAX_CALLS - 4);
		for (i = 0; i < p->count; i++)
			fuzz_call_random(&p->call[i], r);
		return;
	}
	*p = corpus[random_below(r, corpus_count)];
	for (edits = 1 + random_below(r, 4); edits; edits--) {
		struct fuzz_call *c = &p->call[random_below(r, p->count)];

		if (random_one_in(r, 3))
			fuzz_call_random(c, r);
		else if (random_one_in(r, 3) && p->count < MAX_CALLS)
			p->call[p->count++] = *c;
		else
			fuzz_call_mutate(c, r);
	}
}

/* ---- what happens to the device -------------------------------------------------------- */

static char address[32];

static void rebind(void)
{
	driver_unbind(address);
	driver_bind(address);
}

static void reset_function(void)
{
	bus_file_write(address, "reset", "1");
}

static void replug(void)
{
	if (host_request(NULL, 0, "device_del"))
		return;
	node_goes(20000);
	/* The slot takes a moment until it is free. */
	while (host_request(NULL, 0, "device_add"))
		sleep_ms(100);
	node_appears(20000);
}

/* While the threads run. */
static void disturb(struct random *r, bool unplug)
{
	static const char *const faults[] = {
		"hang-jobs", "drop-interrupts", "duplicate-interrupts", "wrong-id", "wrong-phase",
		"dma-errors", "translation-faults", "refused-jobs",
	};

	if (random_one_in(r, 16))
		inject(faults[random_below(r, ARRAY_SIZE(faults))], 1);
	if (random_one_in(r, 400))
		rebind();
	if (unplug && random_one_in(r, 200))
		reset_function();
	if (unplug && random_one_in(r, 2000))
		replug();
}

/* ---- the whole ----------------------------------------------------------------------- */

static void close_all(void)
{
	unsigned int i;

	for (i = 0; i < FUZZ_FILES; i++) {
		const int fd = atomic_exchange(&world.file[i].fd, -1);

		if (fd >= 0)
			close(fd);
	}
	fuzz_dmabufs_close(&world);
}

static int begin(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < FUZZ_FILES; i++)
		world.file[i].fd = -1;
	for (i = 0; i < FUZZ_DMABUFS; i++)
		world.dmabuf[i] = -1;
	pthread_barrier_init(&start_line, NULL, threads + 1);
	pthread_barrier_init(&finish_line, NULL, threads + 1);
	for (i = 0; i < threads && !ret; i++) {
		kcov_open(&worker[i].kcov);
		ret = -pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	}
	return ret;
}

static void round_of(struct random *r, bool unplug)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		next_program(&worker[i].program, r);
		worker[i].running = true;
	}
	pthread_barrier_wait(&start_line);
	disturb(r, unplug);
	hurry(now_ns());
	pthread_barrier_wait(&finish_line);
	for (i = 0; i < threads; i++)
		collect(&worker[i]);
}

/* As a program finds it that comes after all this. */
static int device_works(void)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	int fd, ret;

	inject_nothing();
	rebind();
	if (!node_appears(20000))
		return -ENODEV;
	fd = device_open();
	if (fd < 0)
		return fd;
	ret = buffer_create(fd, 4096, &buf);
	if (!ret) {
		ret = small_run(fd, &buf, &job, &c);
		munmap(buf.map, buf.bytes);
	}
	close(fd);
	return ret;
}

/* Memory that was wrapped; that of a dma-buf follows when the kernel has put its file. */
static bool unpinned(int64_t before)
{
	const int64_t began = now_ns();

	while (pages_pinned() != before && !over_limit(began, 10 * SECOND))
		sleep_ms(10);
	return pages_pinned() == before;
}

int main(int argc, char **argv)
{
	uint64_t calls = 20000, seed = 1, rounds = 0;
	bool unplug = false;
	int option, works;
	struct random r;
	unsigned int i;
	int64_t pinned;
	bool left;

	while ((option = getopt(argc, argv, "n:t:s:u")) >= 0) {
		switch (option) {
		case 'n':
			calls = strtoull(optarg, NULL, 0);
			break;
		case 't':
			threads = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'u':
			unplug = true;
			break;
		default:
			return 2;
		}
	}
	if (threads < 1 || threads > MAX_THREADS)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 14\n1..3\n# seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	r.state = seed;
	pinned = pages_pinned();
	if (bus_address(address, sizeof(address)) || begin()) {
		printf("Bail out! no device, or no threads\n");
		return 1;
	}
	for (; world.calls < calls; rounds++) {
		round_of(&r, unplug);
		/* Faults end, and files too, so that each time begins somewhere else. */
		if (random_one_in(&r, 32))
			inject_nothing();
		if (random_one_in(&r, 64))
			close_all();
	}
	over = true;
	pthread_barrier_wait(&start_line);
	for (i = 0; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	close_all();
	printf("# %llu calls, %llu of them succeeded, %llu rounds of %u threads, ",
	       (unsigned long long)world.calls, (unsigned long long)world.accepted,
	       (unsigned long long)rounds, threads);
	printf("%u programs kept, %u places of the driver reached\n", corpus_count, places);
	if (worker[0].kcov.area)
		printf("%sok 1 places were reached\n",
		       places > 100 && corpus_count > 10 ? "" : "not ");
	else
		printf("ok 1 places were reached # SKIP the kernel has no KCOV\n");
	works = device_works();
	printf("%sok 2 the device still computes\n", works ? "not " : "");
	left = stat_settles("clients", 0, 20000) || stat_settles("buffers", 0, 5000) ||
	       stat_settles("jobs", 0, 5000) || stat_of("leaked_pages") || !unpinned(pinned);
	printf("%sok 3 nothing is left behind\n", left ? "not " : "");
	return works || left || (worker[0].kcov.area && places <= 100);
}
