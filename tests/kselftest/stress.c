// SPDX-License-Identifier: GPL-2.0
/*
 * stress [-p PROCESSES] [-n JOBS] [-s SEED] [-f | -l] [-m TIMES] [-a PER_10000]: so many random
 * jobs of each process, by default 8 times 1,250, all at once and each compared bit for bit with
 * three loops. With -f the device fails meanwhile, in every way that it recovers from: a job may
 * then be cut short, but one that ended well is right. With -l it is lost again and again, too,
 * and comes back; whoever has it open opens it again. Each kind must happen so many TIMES (by
 * default once), for which jobs go on past their number. With -a so many of ten thousand
 * allocations of the driver fail: a call may then be refused, and is tried again.
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
#include "device_faults.h"
#include "fault_injection.h"
#include "gemm_case.h"
#include "guest.h"

#define SLOTS		12		/* jobs of a process in flight */
#define SLOT_BYTES	(256U << 10)
/* Memory is kept for good whose device stopped answering before its DMA was stopped. */
#define LOSS_SLOT_BYTES	(64U << 10)
#define MAX_MN		7
#define MAX_K		80
#define FAULT_TIMEOUT_MS 100	/* where a job that hangs is one of many */

struct options {
	unsigned int processes, jobs, per_10000;
	unsigned int times;	/* of each kind of fault */
	uint64_t seed;
	enum faults faults;
};

struct slot {
	bool busy;
	struct gemm_case g;
	uint8_t *expected;
};

struct worker {
	int fd, number;
	uint32_t slot_bytes;
	struct random random;
	struct buffer buf;
	struct slot slot[SLOTS];
	struct xqaccel_info info;
	unsigned int wrong;
	enum faults faults;
	bool refusals;
};

/* Of all processes, in memory that they share. */
struct totals {
	_Atomic uint64_t exact, cut_short, refused, opened_again;
	_Atomic bool faults_wanted;
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

static int open_device(struct worker *w)
{
	int ret;

	w->buf.map = NULL;
	w->fd = device_open();
	if (w->fd < 0)
		return w->fd;
	ret = device_info(w->fd, &w->info);
	return ret ? ret : buffer_create(w->fd, SLOTS * w->slot_bytes, &w->buf);
}

static void close_device(struct worker *w)
{
	if (w->buf.map && w->buf.map != MAP_FAILED)
		munmap(w->buf.map, w->buf.bytes);
	if (w->fd >= 0)
		close(w->fd);
}

static bool lost(const struct worker *w, int ret)
{
	return w->faults == FAULTS_THAT_LOSE_IT &&
	       (ret == -ENODEV || ret == -ENXIO || ret == -ENOENT);
}

/* What was under way is cut short; returns how many jobs, or -errno. */
static int open_again(struct worker *w)
{
	const int64_t began = now_ns();
	unsigned int i;
	int ended = 0, ret;

	for (i = 0; i < SLOTS; i++) {
		ended += w->slot[i].busy;
		w->slot[i].busy = false;
	}
	totals->cut_short += ended;
	totals->opened_again++;
	do {
		close_device(w);
		sleep_ms(10);
		ret = open_device(w);
	} while (lost(w, ret) && !over_limit(began, 60 * SECOND));
	return ret ? ret : ended;
}

static int prepare(struct worker *w)
{
	unsigned int i;
	int ret = open_device(w);

	for (i = 0; i < SLOTS && !ret; i++) {
		w->slot[i].expected = malloc(w->slot_bytes);
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
	uint8_t *memory = w->buf.map + at * w->slot_bytes;
	struct xqaccel_job_desc job;
	uint32_t lane;
	int ret;

	do {
		gemm_random(&s->g, &w->random, MAX_MN, MAX_K);
		gemm_place(&s->g, &w->random);
	} while (s->g.total > w->slot_bytes);
	random_bytes(&w->random, memory, s->g.total);
	memcpy(s->expected, memory, s->g.total);
	gemm_reference(&s->g, s->expected);
	gemm_job(&s->g, w->buf.handle, at * w->slot_bytes, &job);
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
	if (c->status ||
	    memcmp(s->expected, w->buf.map + c->user_data * w->slot_bytes, s->g.total)) {
		printf("# process %d: status %u, %u x %u, m %u n %u k %u batch %u group %u flags %#x\n",
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

/* Starts a job in each free slot and takes what has ended; how many, or -errno. */
static int turn(struct worker *w)
{
	unsigned int at;
	uint32_t done;
	int ret = 0;

	for (at = 0; at < SLOTS && !ret; at++) {
		if (w->slot[at].busy)
			continue;
		ret = w->refusals ? come_and_go(w) : 0;
		if (!ret)
			ret = start(w, at);
	}
	if (!ret)
		ret = reap(w, 1, &done);
	if (!ret)
		return done;
	return lost(w, ret) ? open_again(w) : ret;
}

/* Number of wrong jobs, or 255 if something else failed. */
static int work(int number, const struct options *o)
{
	static struct worker w;
	unsigned int ended = 0;
	int ret;

	w.number = number;
	w.faults = o->faults;
	w.slot_bytes = o->faults == FAULTS_THAT_LOSE_IT ? LOSS_SLOT_BYTES : SLOT_BYTES;
	w.refusals = o->per_10000;
	w.random.state = o->seed * 1000 + number;
	ret = prepare(&w);
	/* A large buffer is a thousand allocations, of which one always fails. */
	if (!ret && w.refusals)
		ret = fail_this_process();
	while (ret >= 0 && (ended < o->jobs || totals->faults_wanted)) {
		ret = turn(&w);
		ended += ret < 0 ? 0 : ret;
	}
	if (ret < 0)
		printf("# process %d: %s after %u jobs\n", number, strerror(-ret), ended);
	fflush(stdout);
	return ret < 0 ? 255 : w.wrong > 254 ? 254 : w.wrong;
}

static int parse(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options){ .processes = 8, .jobs = 1250, .seed = 1, .times = 1 };
	while ((option = getopt(argc, argv, "p:n:s:flm:a:")) >= 0) {
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
			o->faults = FAULTS_IT_RECOVERS_FROM;
			break;
		case 'l':
			o->faults = FAULTS_THAT_LOSE_IT;
			break;
		case 'm':
			o->times = atoi(optarg);
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

	totals->faults_wanted = o->faults;
	for (i = 0; i < o->processes; i++) {
		const pid_t pid = fork();

		if (!pid)
			_exit(work(i, o));
		running += pid > 0;
		failed += pid < 0;
	}
	while (running) {
		const pid_t pid = waitpid(-1, &status, o->faults ? WNOHANG : 0);

		if (pid > 0) {
			running--;
			failed += !!status;
		} else if (o->faults) {
			device_faults_next();
			totals->faults_wanted = device_faults_fewest() < o->times && !failed;
		}
	}
	return failed;
}

static void report(const struct options *o, int64_t began)
{
	printf("# %llu jobs of %u processes exact, %llu cut short, %llu calls refused, device opened again %llu times, in %lld ms, seed %llu\n",
	       (unsigned long long)totals->exact, o->processes,
	       (unsigned long long)totals->cut_short, (unsigned long long)totals->refused,
	       (unsigned long long)totals->opened_again,
	       (long long)(now_ns() - began) / MS, (unsigned long long)o->seed);
	if (o->faults)
		device_faults_report();
}

/* Whether what was asked for has happened, without which this would be a test of nothing. */
static bool faults_met(const struct options *o)
{
	if (o->faults && (device_faults_fewest() < o->times || !totals->cut_short))
		return false;
	return !o->per_10000 || totals->refused;
}

static void fail_no_more(const struct options *o)
{
	if (o->per_10000)
		fail_driver(0);
	if (host_present())
		inject_nothing();
}

int main(int argc, char **argv)
{
	const int64_t began = now_ns();
	struct options o;
	unsigned int failed;
	bool left, met;

	if (parse(argc, argv, &o))
		return 2;
	if (o.per_10000 && fail_prepare()) {
		printf("TAP version 14\n1..0 # SKIP the kernel has no fault injection\n");
		return 4;
	}
	if (o.faults && device_faults_begin(o.faults, 2 * FAULT_TIMEOUT_MS * MS)) {
		printf("TAP version 14\n1..0 # SKIP no host to make the device fail\n");
		return 4;
	}
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (totals == MAP_FAILED)
		return 1;
	printf("TAP version 14\n1..3\n");
	fflush(stdout);
	fail_no_more(&o);
	if (o.per_10000 && fail_driver(o.per_10000)) {
		printf("Bail out! allocations of the driver can't be made to fail\n");
		return 1;
	}
	failed = run(&o);
	fail_no_more(&o);
	report(&o, began);
	printf("%sok 1 all results are exact\n", failed ? "not " : "");
	left = stat_settles("clients", 0, 20000) || stat_settles("buffers", 0, 5000) ||
	       stat_settles("jobs", 0, 5000) || stat_of("leaked_pages");
	printf("%sok 2 nothing is left behind\n", left ? "not " : "");
	met = faults_met(&o);
	if (!o.faults && !o.per_10000)
		printf("ok 3 faults were met # SKIP none asked for\n");
	else
		printf("%sok 3 faults were met\n", met ? "" : "not ");
	return failed || left || !met;
}
