// SPDX-License-Identifier: GPL-2.0
/* Who gets how much of the device: by device time, per user, then per client; and priorities. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

#define STRANGER	1000
#define LANES		8
/* Jobs that wait in each lane: a client that comes late to refill them must not leave a gap. */
#define DEPTH		32
#define CLIENTS		6

/**
 * struct load - a process with one open file that keeps all its lanes full
 * @uid: whose it is
 * @side: of its jobs; each multiplies side x side x 4096
 * @priority: of its context
 * @device: ticks of device time that its jobs had
 * @jobs: that have ended
 * @ready: 1 when it has begun, negative if something is wrong
 */
struct load {
	uid_t uid;
	uint32_t side;
	int32_t priority;
	pid_t pid;
	uint64_t device;
	uint32_t jobs;
	int ready;
};

struct shared {
	bool go, stop;
	struct load load[CLIENTS];
};

FIXTURE(share)
{
	struct shared *shared;
	unsigned int count;
};

FIXTURE_SETUP(share)
{
	char address[32];

	/* Nobody keeps lanes full then: an emulated processor cleans more slowly than jobs run. */
	if (!bus_address(address, sizeof(address)) && dma_noncoherent(address))
		SKIP(return, "to clean caches takes longer than the jobs");
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

static void count(struct load *load, const struct xqaccel_completion *c, bool stop)
{
	if (stop)
		return;
	__atomic_fetch_add(&load->device, c->end - c->start, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&load->jobs, 1, __ATOMIC_SEQ_CST);
}

static void run_load(struct shared *shared, struct load *load)
{
	struct xqaccel_job_desc jobs[LANES];
	struct xqaccel_completion c[16];
	uint32_t done, i;
	int fd;

	if (load->uid && (setgid(load->uid) || setuid(load->uid)))
		_exit(1);
	fd = prepare(load, jobs);
	__atomic_store_n(&load->ready, fd < 0 ? fd : 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	for (i = 0; i < LANES * DEPTH; i++)
		if (submit_lane(fd, &jobs[i % LANES], i % LANES, 0))
			_exit(1);
	while (!wait_jobs(fd, c, 16, 1, -1, &done, NULL)) {
		const bool stop = __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST);

		for (i = 0; i < done; i++) {
			count(load, &c[i], stop);
			if (submit_lane(fd, &jobs[c[i].lane], c[i].lane, 0))
				_exit(1);
		}
	}
}

static int start_loads(struct shared *shared, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
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
		while (!__atomic_load_n(&load->ready, __ATOMIC_SEQ_CST))
			sleep_ms(1);
		if (load->ready < 0)
			return load->ready;
	}
	__atomic_store_n(&shared->go, true, __ATOMIC_SEQ_CST);
	return 0;
}

static uint64_t device_of(const struct load *load)
{
	return __atomic_load_n(&load->device, __ATOMIC_SEQ_CST);
}

static uint32_t jobs_of(const struct load *load)
{
	return __atomic_load_n(&load->jobs, __ATOMIC_SEQ_CST);
}

/* Until all of them have had so much device time together. */
static void run_until(struct shared *shared, unsigned int count, int64_t ns)
{
	uint64_t sum = 0;
	unsigned int i;

	while (sum < (uint64_t)ns) {
		sleep_ms(5);
		for (i = 0, sum = 0; i < count; i++)
			sum += device_of(&shared->load[i]);
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
}

/* Percent of the device time of two. */
static int share_of(uint64_t one, uint64_t other)
{
	return (int)(one * 100 / (one + other));
}

static void log_loads(struct shared *shared, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		TH_LOG("client %u of user %u: %llu ms, %u jobs", i, shared->load[i].uid,
		       (unsigned long long)device_of(&shared->load[i]) / 1000000,
		       jobs_of(&shared->load[i]));
}

/* Long jobs against short ones: it is time that is shared, not jobs. */
TEST_F_TIMEOUT(share, by_device_time, 120)
{
	struct shared *s = self->shared;
	int share;

	s->load[0] = (struct load){ .side = 256 };
	s->load[1] = (struct load){ .side = 64 };
	ASSERT_EQ(0, start_loads(s, 2));
	run_until(s, 2, 8 * SECOND);
	log_loads(s, 2);
	share = share_of(device_of(&s->load[0]), device_of(&s->load[1]));
	EXPECT_LE(45, share);
	EXPECT_GE(55, share);
	EXPECT_LT(jobs_of(&s->load[0]), jobs_of(&s->load[1]));
}

/* A user with five files gets no more than one with one. */
TEST_F_TIMEOUT(share, more_files_buy_nothing, 120)
{
	struct shared *s = self->shared;
	uint64_t many = 0;
	unsigned int i;
	int share;

	if (getuid())
		SKIP(return, "not root");
	for (i = 0; i < 6; i++)
		s->load[i] = (struct load){ .side = 96, .uid = i ? STRANGER : 0 };
	ASSERT_EQ(0, start_loads(s, 6));
	run_until(s, 6, 8 * SECOND);
	log_loads(s, 6);
	for (i = 1; i < 6; i++)
		many += device_of(&s->load[i]);
	share = share_of(device_of(&s->load[0]), many);
	EXPECT_LE(45, share);
	EXPECT_GE(55, share);
	/* And his clients have the same of what he gets. */
	for (i = 1; i < 6; i++) {
		EXPECT_LE(16, (int)(device_of(&s->load[i]) * 100 / many));
		EXPECT_GE(24, (int)(device_of(&s->load[i]) * 100 / many));
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
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (priority[i][1] == XQACCEL_PRIORITY_HIGH && getuid())
			continue;
		memset(s, 0, sizeof(*s));
		s->load[0] = (struct load){ .side = 96, .priority = priority[i][0] };
		s->load[1] = (struct load){ .side = 96, .priority = priority[i][1] };
		ASSERT_EQ(0, start_loads(s, 2));
		run_until(s, 2, 5 * SECOND);
		log_loads(s, 2);
		EXPECT_GE(30, share_of(device_of(&s->load[0]), device_of(&s->load[1])));
		stop_loads(s);
	}
}

/* A client with long jobs in all its lanes: another's job starts at once. */
TEST_F_TIMEOUT(share, long_jobs_leave_a_queue, 120)
{
	struct shared *s = self->shared;
	const int fd = device_open();
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;
	uint32_t before, meanwhile;

	if (!host_present())
		SKIP(return, "no host to make the device slow");
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

/*
 * Short jobs first, so that the lanes are taken for short ones, and then long ones in all of them.
 */
TEST_F_TIMEOUT(share, long_jobs_behind_short_ones, 120)
{
	struct load load = { .side = 768 };
	struct xqaccel_job_desc jobs[LANES], small, job;
	struct xqaccel_completion c[LANES];
	const int other = device_open(), fd = prepare(&load, jobs);
	struct buffer buf, own;
	uint32_t done;
	unsigned int i, round;

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
	for (round = 0; round < 4; round++)
		for (i = 0; i < LANES; i++)
			ASSERT_EQ(0, submit_lane(fd, &jobs[i], i, 0));
	ASSERT_EQ(0, submit(other, &job));
	ASSERT_EQ(0, wait_one(other, c, 60 * SECOND));
	ASSERT_EQ(0, wait_jobs(fd, c, LANES, 0, 0, &done, NULL));
	TH_LOG("%u long jobs ended before", done);
	EXPECT_GT((uint32_t)LANES, done);
	munmap(buf.map, buf.bytes);
	close(other);
	close(fd);
}

TEST_HARNESS_MAIN
