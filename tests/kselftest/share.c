// SPDX-License-Identifier: GPL-2.0
/* Who gets how much of the device: by device time, per user, then per client; and priorities. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define STRANGER	1000
#define LANES		8
/* Jobs of each lane, submitted before the device ends the first: nobody is late with any. */
#define JOBS		128
/* Shares are taken while every lane has some that wait: until one has ended so many. */
#define JOBS_COUNTED	(JOBS * 3 / 4)
#define CLIENTS		6
#define HOLD_NS		(1000 * SECOND)
#define HOLD_MS		600000

/* A job on the device, in its ticks. */
struct span {
	uint64_t start, end;
};

enum load_state { STARTED, READY, FILLED, STOPPED };

/**
 * struct load - a process with one open file and jobs in all its lanes
 * @uid: whose it is
 * @side: of its jobs; each multiplies side x side x 4096
 * @priority: of its context
 * @span: its jobs that have ended, in the order of their lane
 * @ended: how many of each lane
 * @state: of enum load_state, or negative if something is wrong
 */
struct load {
	uid_t uid;
	uint32_t side;
	int32_t priority;
	pid_t pid;
	struct span span[LANES][JOBS];
	uint32_t ended[LANES];
	int state;
};

/**
 * struct shared - what all processes of a test see
 * @from: the device's time from which on jobs count
 */
struct shared {
	bool go, stop;
	uint64_t from;
	struct load load[CLIENTS];
};

FIXTURE(share)
{
	struct shared *shared;
	unsigned int count;
};

FIXTURE_SETUP(share)
{
	if (host_present())
		ASSERT_EQ(0, inject_nothing());
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->shared);
	if (!getuid())
		ASSERT_EQ(0, chmod(device_path(), 0666));
}

static void stop_loads(struct shared *shared)
{
	unsigned int i;

	__atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < CLIENTS; i++) {
		if (!shared->load[i].pid)
			continue;
		kill(shared->load[i].pid, SIGKILL);
		waitpid(shared->load[i].pid, NULL, 0);
		shared->load[i].pid = 0;
	}
}

FIXTURE_TEARDOWN(share)
{
	stop_loads(self->shared);
	if (!getuid())
		EXPECT_EQ(0, chmod(device_path(), 0600));
	if (host_present())
		EXPECT_EQ(0, inject_nothing());
	EXPECT_EQ(0, stat_settles("clients", 0, 100000));
	munmap(self->shared, sizeof(*self->shared));
}

/* Lanes share what they read, and each has a C of its own: their jobs run at the same time. */
static void square_job(struct xqaccel_job_desc *job, const struct buffer *buf, uint32_t side,
		       unsigned int lane)
{
	const uint32_t k = 4096;

	small_job(job, buf);
	job->work.gemm.m = side;
	job->work.gemm.n = side;
	job->work.gemm.k = k;
	job->operand[XQACCEL_A] = (struct xqaccel_operand){ buf->handle, 0, 0, k, 0, 0 };
	job->operand[XQACCEL_B] = (struct xqaccel_operand){ buf->handle, 0, 0, k, 0, 0 };
	job->operand[XQACCEL_C] = (struct xqaccel_operand){
		buf->handle, 0, (uint64_t)side * k + 4ULL * side * side * lane, 4 * side, 0, 0 };
}

static int prepare(struct load *load, struct xqaccel_job_desc *jobs)
{
	struct buffer buf;
	const int fd = device_open();
	unsigned int lane;
	int ret = fd < 0 ? fd : context_create(fd, load->priority);

	if (!ret)
		ret = buffer_create_unmapped(fd, 4096ULL * load->side + 4ULL * load->side *
					     load->side * LANES, &buf);
	for (lane = 0; lane < LANES && !ret; lane++)
		square_job(&jobs[lane], &buf, load->side, lane);
	return ret ? ret : fd;
}

static void set_state(struct load *load, int state)
{
	__atomic_store_n(&load->state, state, __ATOMIC_SEQ_CST);
}

static int state_of(const struct load *load)
{
	return __atomic_load_n(&load->state, __ATOMIC_SEQ_CST);
}

/* A negative one is that of who ended badly; nobody waits for a process that is gone. */
static int await_state(const struct load *load, int state)
{
	int now;

	while ((now = state_of(load)) >= 0 && now < state) {
		if (waitpid(load->pid, NULL, WNOHANG))
			return -ECHILD;
		sleep_ms(1);
	}
	return now < 0 ? now : 0;
}

static int fill_lanes(int fd, const struct xqaccel_job_desc *jobs)
{
	static struct xqaccel_job_desc same[JOBS];
	unsigned int lane, i;
	int ret = 0;

	for (lane = 0; lane < LANES && !ret; lane++) {
		uint32_t accepted = 0;

		for (i = 0; i < JOBS; i++)
			same[i] = jobs[lane];
		ret = submit_jobs(fd, same, JOBS, lane, HOLD_MS, &accepted, NULL);
		if (!ret && accepted != JOBS)
			ret = -EAGAIN;
	}
	return ret;
}

static void record(struct load *load, const struct xqaccel_completion *c)
{
	uint32_t *ended = &load->ended[c->lane];

	load->span[c->lane][*ended] = (struct span){ c->start, c->end };
	__atomic_store_n(ended, *ended + 1, __ATOMIC_SEQ_CST);
}

/* Until the test has seen enough, and then all that have ended by now. */
static void record_jobs(int fd, struct shared *shared, struct load *load)
{
	struct xqaccel_completion c[16];
	uint32_t done, pending = 1, i;
	bool stop = false;

	while (pending) {
		stop = __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST);
		if (wait_jobs(fd, c, 16, stop ? 0 : 1, stop ? 0 : -1, &done, &pending))
			return;
		for (i = 0; i < done; i++)
			record(load, &c[i]);
		if (stop && !done)
			return;
	}
}

static void run_load(struct shared *shared, struct load *load)
{
	struct xqaccel_job_desc jobs[LANES];
	int fd, ret;

	if (load->uid && (setgid(load->uid) || setuid(load->uid)))
		_exit(1);
	/* A test that takes too long is killed without a word to its processes. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = prepare(load, jobs);
	set_state(load, fd < 0 ? fd : READY);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	ret = fill_lanes(fd, jobs);
	set_state(load, ret ? ret : FILLED);
	record_jobs(fd, shared, load);
	set_state(load, STOPPED);
	pause();
}

/* Processes that have filled all their lanes. */
static int start_loads(struct shared *shared, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		struct load *load = &shared->load[i];
		const pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid) {
			run_load(shared, load);
			_exit(0);
		}
		/* The child has the same memory, so only one of them writes. */
		load->pid = pid;
		ret = await_state(load, READY);
	}
	__atomic_store_n(&shared->go, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < count && !ret; i++)
		ret = await_state(&shared->load[i], FILLED);
	return ret;
}

static uint32_t ended_of(const struct load *load, unsigned int lane)
{
	return __atomic_load_n(&load->ended[lane], __ATOMIC_SEQ_CST);
}

static uint32_t jobs_of(const struct load *load)
{
	unsigned int lane;
	uint32_t sum = 0;

	for (lane = 0; lane < LANES; lane++)
		sum += ended_of(load, lane);
	return sum;
}

static bool any_lane_done(const struct shared *shared, unsigned int count)
{
	unsigned int i, lane;

	for (i = 0; i < count; i++)
		for (lane = 0; lane < LANES; lane++)
			if (ended_of(&shared->load[i], lane) == JOBS)
				return true;
	return false;
}

/* Whether one gave up before it was told to stop. */
static bool any_ended(const struct shared *shared, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (state_of(&shared->load[i]) != FILLED)
			return true;
	return false;
}

/* The device's time, at the end of a job of nobody's. */
static int time_on_device(uint64_t *time)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	const int fd = device_open();
	struct buffer buf;
	int ret = fd < 0 ? fd : buffer_create(fd, 4096, &buf);

	if (!ret)
		ret = small_run(fd, &buf, &job, &c);
	if (!ret) {
		*time = c.end;
		munmap(buf.map, buf.bytes);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

/*
 * All of them have jobs in all lanes before anything counts: who submits slowly gets less of a
 * device, and that tells nothing of shares. A host holds the device up in the first job until then.
 */
static int run_loads(struct shared *shared, unsigned int count)
{
	const bool held = host_present();
	unsigned int i;
	int ret = held ? inject("slow-ns", HOLD_NS) : 0;

	if (!ret)
		ret = start_loads(shared, count);
	if (!ret)
		ret = held ? inject("slow-ns", 0) : time_on_device(&shared->from);
	if (ret)
		return ret;
	/* In this order: who has had all his jobs ends, too. */
	for (;;) {
		const bool ended = any_ended(shared, count);

		if (any_lane_done(shared, count))
			break;
		if (ended)
			return -EIO;
		sleep_ms(5);
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < count && !ret; i++)
		ret = await_state(&shared->load[i], STOPPED);
	return ret;
}

/* When the first lane of all had so few jobs left that it might have had none that waits. */
static uint64_t counted_until(const struct shared *shared)
{
	uint64_t until = UINT64_MAX;
	unsigned int i, lane;

	for (i = 0; i < CLIENTS; i++)
		for (lane = 0; lane < LANES; lane++) {
			const struct load *load = &shared->load[i];
			const uint64_t end = load->span[lane][JOBS_COUNTED - 1].end;

			if (load->ended[lane] >= JOBS_COUNTED && end < until)
				until = end;
		}
	return until;
}

/* Ticks of device time that its jobs had in between; and how many those were. */
static uint64_t device_between(const struct load *load, uint64_t from, uint64_t until,
			       uint32_t *jobs)
{
	unsigned int lane, i;
	uint64_t sum = 0;

	*jobs = 0;
	for (lane = 0; lane < LANES; lane++)
		for (i = 0; i < load->ended[lane]; i++) {
			const struct span *s = &load->span[lane][i];

			if (s->end <= from || s->start >= until)
				continue;
			sum += (s->end < until ? s->end : until) -
			       (s->start > from ? s->start : from);
			++*jobs;
		}
	return sum;
}

/* Percent of the device time of two. */
static int share_of(uint64_t one, uint64_t other)
{
	return (int)(one * 100 / (one + other));
}

/*
 * Fills in what each had while all had jobs that waited; false if there was no such time, because
 * jobs are over sooner than they are submitted.
 */
static bool count_loads(struct __test_metadata *_metadata, struct shared *shared,
			unsigned int count, uint64_t *device, uint32_t *jobs)
{
	const uint64_t until = counted_until(shared);
	unsigned int i;

	if (until <= shared->from)
		return false;
	for (i = 0; i < count; i++) {
		device[i] = device_between(&shared->load[i], shared->from, until, &jobs[i]);
		TH_LOG("client %u of user %u: %llu ms, %u jobs", i, shared->load[i].uid,
		       (unsigned long long)device[i] / 1000000, jobs[i]);
	}
	return true;
}

/* Long jobs against short ones: it is time that is shared, not jobs. */
TEST_F_TIMEOUT(share, by_device_time, 120)
{
	struct shared *s = self->shared;
	uint64_t device[2];
	uint32_t jobs[2];
	int share;

	s->load[0] = (struct load){ .side = 256 };
	s->load[1] = (struct load){ .side = 64 };
	ASSERT_EQ(0, run_loads(s, 2));
	if (!count_loads(_metadata, s, 2, device, jobs))
		SKIP(return, "jobs are over before all are submitted");
	share = share_of(device[0], device[1]);
	EXPECT_LE(45, share);
	EXPECT_GE(55, share);
	EXPECT_LT(jobs[0], jobs[1]);
}

/* A user with five files gets no more than one with one. */
TEST_F_TIMEOUT(share, more_files_buy_nothing, 120)
{
	struct shared *s = self->shared;
	uint64_t device[6], many = 0;
	uint32_t jobs[6];
	unsigned int i;
	int share;

	if (getuid())
		SKIP(return, "not root");
	for (i = 0; i < 6; i++)
		s->load[i] = (struct load){ .side = 96, .uid = i ? STRANGER : 0 };
	ASSERT_EQ(0, run_loads(s, 6));
	if (!count_loads(_metadata, s, 6, device, jobs))
		SKIP(return, "jobs are over before all are submitted");
	for (i = 1; i < 6; i++)
		many += device[i];
	share = share_of(device[0], many);
	EXPECT_LE(45, share);
	EXPECT_GE(55, share);
	/* And his clients have the same of what he gets. */
	for (i = 1; i < 6; i++) {
		EXPECT_LE(16, (int)(device[i] * 100 / many));
		EXPECT_GE(24, (int)(device[i] * 100 / many));
	}
}

/*
 * What is left for the low priority beside a normal one: what is in flight at the beginning, and
 * the queues that long jobs of one client leave, two of eight.
 */
TEST_F_TIMEOUT(share, priorities, 120)
{
	static const int32_t priority[][2] = {
		{ XQACCEL_PRIORITY_LOW, XQACCEL_PRIORITY_NORMAL },
		{ XQACCEL_PRIORITY_NORMAL, XQACCEL_PRIORITY_HIGH },
	};
	struct shared *s = self->shared;
	uint64_t device[2];
	uint32_t jobs[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (priority[i][1] == XQACCEL_PRIORITY_HIGH && getuid())
			continue;
		memset(s, 0, sizeof(*s));
		s->load[0] = (struct load){ .side = 96, .priority = priority[i][0] };
		s->load[1] = (struct load){ .side = 96, .priority = priority[i][1] };
		ASSERT_EQ(0, run_loads(s, 2));
		if (!count_loads(_metadata, s, 2, device, jobs))
			SKIP(return, "jobs are over before all are submitted");
		EXPECT_GE(30, share_of(device[0], device[1]));
		stop_loads(s);
	}
}

/* A client with long jobs in all its lanes: another's job starts at once. */
TEST_F_TIMEOUT(share, long_jobs_leave_a_queue, 120)
{
	struct shared *s = self->shared;
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	uint32_t before, meanwhile;
	int fd;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, buffer_create(fd, 4096, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	ASSERT_EQ(0, inject("slow-ns", 1000 * MS));
	s->load[0] = (struct load){ .side = 16 };
	ASSERT_EQ(0, start_loads(s, 1));
	while (jobs_of(&s->load[0]) < LANES)
		sleep_ms(5);
	before = jobs_of(&s->load[0]);
	ASSERT_EQ(0, submit(fd, &job));
	ASSERT_EQ(0, wait_one(fd, &c, 60 * SECOND));
	/* In its time the other's queues end one job each, not the four that they could hold. */
	meanwhile = jobs_of(&s->load[0]) - before;
	TH_LOG("%u jobs ended meanwhile", meanwhile);
	EXPECT_GE(2U * LANES, meanwhile);
	munmap(buf.map, buf.bytes);
	close(fd);
}

#define LONG_NS		(100 * MS)

/*
 * Short jobs first, so that the lanes are taken for short ones, and then long ones in all of them.
 */
TEST_F_TIMEOUT(share, long_jobs_behind_short_ones, 120)
{
	struct load load = { .side = 768 };
	struct xqaccel_job_desc jobs[LANES], small, job;
	struct xqaccel_completion c[LANES];
	struct buffer buf, own;
	char address[32];
	uint32_t done;
	unsigned int i, round;
	int other, fd;

	/* To submit them takes so long then that some end before the other's is submitted. */
	if (!bus_address(address, sizeof(address)) && dma_noncoherent(address))
		SKIP(return, "to clean caches takes longer than the jobs");
	other = device_open();
	fd = prepare(&load, jobs);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, buffer_create_unmapped(fd, 4096, &own));
	ASSERT_EQ(0, buffer_create(other, 4096, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	small_job(&small, &own);
	for (i = 0; i < LANES; i++) {
		for (round = 0; round < 20; round++) {
			ASSERT_EQ(0, submit_lane(fd, &small, i, 0));
			ASSERT_EQ(0, wait_one(fd, c, 30 * SECOND));
		}
	}
	/* Whatever a device makes of the product: longer than it takes to submit them all. */
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", LONG_NS));
	for (round = 0; round < 4; round++)
		for (i = 0; i < LANES; i++)
			ASSERT_EQ(0, submit_lane(fd, &jobs[i], i, 0));
	ASSERT_EQ(0, submit(other, &job));
	ASSERT_EQ(0, wait_one(other, c, 60 * SECOND));
	ASSERT_EQ(0, wait_jobs(fd, c, LANES, 0, 0, &done, NULL));
	if (host_present())
		ASSERT_EQ(0, inject("slow-ns", 0));
	TH_LOG("%u long jobs ended before", done);
	EXPECT_GT((uint32_t)LANES, done);
	munmap(buf.map, buf.bytes);
	close(other);
	close(fd);
}

TEST_HARNESS_MAIN
