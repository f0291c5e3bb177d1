// SPDX-License-Identifier: GPL-2.0
/*
 * stress [-p PROCESSES] [-n JOBS] [-s SEED] [-f] [-a PER_10000]: so many random jobs of each
 * process, by default 8 times 1,250, all at once and each compared bit for bit with three
 * loops. With -f the device fails meanwhile, in every way that it can: a job may then be cut
 * short, but one that ended well is right. With -a so many of ten thousand allocations of the
 * driver fail: a call may then be refused, and is tried again.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "fault_injection.h"
#include "gemm_case.h"
#include "guest.h"

#define SLOTS		12		/* jobs of a process in flight */
#define SLOT_BYTES	(256U << 10)
#define MAX_MN		7
#define MAX_K		80
#define FAULT_TIMEOUT_MS 100	/* where a job that hangs is one of many */
#define FAULT_PAUSE_MS	20

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
	bool faults, refusals;
};

/* Of all processes, in memory that they share. */
struct totals {
	_Atomic uint64_t exact, cut_short, refused;
};

static struct totals *totals;

/* Whether the call shall be made again. */
static bool refused(const struct worker *w, int ret)
{
	if (!w->refusals || (ret != -ENOMEM && ret != -EFAULT))
		return false;
	totals->refused++;
	return true;
}

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

/* A small client with a buffer comes and goes; where it is refused, nothing is left of it. */
static int come_and_go(struct worker *w)
{
	struct buffer buf = { .map = NULL };
	const int fd = device_open();
	int ret;

	if (fd < 0)
		return refused(w, fd) ? 0 : fd;
	ret = buffer_create(fd, 8192, &buf);
	if (!ret)
		munmap(buf.map, buf.bytes);
	if (!ret || refused(w, ret))
		ret = 0;
	close(fd);
	return ret;
}

static int start(struct worker *w, unsigned int at)
{
	struct slot *s = &w->slot[at];
	uint8_t *memory = w->buf.map + at * SLOT_BYTES;
	struct xqaccel_job_desc job;
	uint32_t lane;
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
	lane = random_below(&w->random, w->info.lanes);
	do {
		ret = submit_lane(w->fd, &job, lane, w->faults ? FAULT_TIMEOUT_MS : 0);
	} while (refused(w, ret));
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
	if (w->faults && c->status) {
		totals->cut_short++;
		return;
	}
	totals->exact++;
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
	int ret;

	do {
		ret = wait_jobs(w->fd, c, SLOTS, min_complete, 30 * SECOND, done, NULL);
	} while (refused(w, ret));
	for (i = 0; !ret && i < *done; i++)
		check(w, &c[i]);
	return ret;
}

/* Number of wrong jobs, or 255 if something else failed. */
static int work(int number, unsigned int jobs, uint64_t seed, bool faults, bool refusals)
{
	static struct worker w;
	unsigned int started = 0, ended = 0, at;
	uint32_t done;
	int ret;

	w.number = number;
	w.faults = faults;
	w.refusals = refusals;
	w.random.state = seed * 1000 + number;
	ret = prepare(&w);
	/* A large buffer is a thousand allocations, of which one always fails. */
	if (!ret && refusals)
		ret = fail_this_process();
	while (!ret && ended < jobs) {
		for (at = 0; at < SLOTS && started < jobs && !ret; at++) {
			if (w.slot[at].busy)
				continue;
			ret = refusals ? come_and_go(&w) : 0;
			if (!ret)
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


/* Every kind of fault in turn, until told to end; how many of each. */
static const struct fault {
	const char *name;
	uint64_t value;
	bool lasts;		/* until it is set to 0 */
} faults[] = {
	{ "hang-jobs", 1, false }, { "drop-interrupts", 1, false },
	{ "duplicate-interrupts", 1, false }, { "wrong-id", 1, false },
	{ "wrong-phase", 1, false }, { "dma-errors", 1, false },
	{ "slow-ns", 2 * FAULT_TIMEOUT_MS * MS, true },
};

#define FAULTS	(sizeof(faults) / sizeof(faults[0]))

static unsigned int injected;

static void inject_next(void)
{
	const struct fault *f = &faults[injected % FAULTS];

	if (!inject(f->name, f->value))
		injected++;
	sleep_ms(FAULT_PAUSE_MS);
	if (f->lasts)
		inject(f->name, 0);
}

struct options {
	unsigned int processes, jobs, per_10000;
	uint64_t seed;
	bool faults;
};

static int parse(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options){ .processes = 8, .jobs = 1250, .seed = 1 };
	while ((option = getopt(argc, argv, "p:n:s:fa:")) >= 0) {
		switch (option) {
		case 'p':
			o->processes = atoi(optarg);
			break;
		case 'n':
			o->jobs = atoi(optarg);
			break;
		case 's':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			o->faults = true;
			break;
		case 'a':
			o->per_10000 = atoi(optarg);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

/* Number of processes in which something was wrong. */
static unsigned int run(const struct options *o)
{
	unsigned int i, running = 0, failed = 0;
	int status;

	for (i = 0; i < o->processes; i++) {
		const pid_t pid = fork();

		if (!pid)
			_exit(work(i, o->jobs, o->seed, o->faults, o->per_10000));
		running += pid > 0;
		failed += pid < 0;
	}
	while (running) {
		const pid_t pid = waitpid(-1, &status, o->faults ? WNOHANG : 0);

		if (pid > 0) {
			running--;
			failed += !!status;
		} else if (o->faults) {
			inject_next();
		}
	}
	return failed;
}

static void report(const struct options *o, int64_t began)
{
	unsigned int i;

	printf("# %llu jobs of %u processes exact, %llu cut short, %llu calls refused, in %lld ms, "
	       "seed %llu\n",
	       (unsigned long long)totals->exact, o->processes,
	       (unsigned long long)totals->cut_short, (unsigned long long)totals->refused,
	       (long long)(now_ns() - began) / MS, (unsigned long long)o->seed);
	for (i = 0; i < FAULTS && o->faults; i++)
		printf("# %s: %zu times\n", faults[i].name, injected / FAULTS + (i < injected % FAULTS));
}

int main(int argc, char **argv)
{
	const int64_t began = now_ns();
	struct options o;
	unsigned int failed;
	int left;

	if (parse(argc, argv, &o))
		return 2;
	if (o.per_10000 && fail_prepare()) {
		printf("TAP version 14\n1..0 # SKIP the kernel has no fault injection\n");
		return 4;
	}
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (totals == MAP_FAILED)
		return 1;
	printf("TAP version 14\n1..3\n");
	fflush(stdout);
	if (host_present())
		inject_nothing();
	if (o.per_10000 && fail_driver(o.per_10000)) {
		printf("Bail out! allocations of the driver can't be made to fail\n");
		return 1;
	}
	failed = run(&o);
	if (o.per_10000)
		fail_driver(0);
	if (host_present())
		inject_nothing();
	report(&o, began);
	printf("%sok 1 all results are exact\n", failed ? "not " : "");
	left = stat_settles("clients", 0, 20000) || stat_settles("buffers", 0, 5000) ||
	       stat_settles("jobs", 0, 5000) || stat_of("leaked_pages");
	printf("%sok 2 nothing is left behind\n", left ? "not " : "");
	/* That nothing failed would be a test of nothing. */
	if (!o.faults && !o.per_10000)
		printf("ok 3 faults were met # SKIP none asked for\n");
	else
		printf("%sok 3 faults were met\n",
		       (!o.faults || totals->cut_short) && (!o.per_10000 || totals->refused) ?
		       "" : "not ");
	return failed || left || (o.faults && !totals->cut_short) ||
	       (o.per_10000 && !totals->refused);
}
