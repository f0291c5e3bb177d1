// SPDX-License-Identifier: GPL-2.0
/* The rules that hold for every ioctl, INFO, and who may open the device how often. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "device.h"
#include "guest.h"
#include "harness.h"

FIXTURE(ioctl)
{
	int fd;
};

FIXTURE_SETUP(ioctl)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ioctl)
{
	close(self->fd);
}

TEST_F(ioctl, unknown_numbers)
{
	const unsigned long other = _IOWR(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_INFO,
					  struct xqaccel_info);
	struct xqaccel_info info = { .size = sizeof(info) };

	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO(XQACCEL_IOCTL_TYPE, 0x3f), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO(XQACCEL_IOCTL_TYPE, 0xff), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO('x', XQACCEL_CMD_INFO), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, other, &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, TCGETS, &info));
}

TEST_F(ioctl, info)
{
	struct xqaccel_info info;

	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ((unsigned int)sizeof(info), info.size);
	EXPECT_EQ(0U, info.flags);
	EXPECT_TRUE(info.abi & XQACCEL_ABI_BASE);
	EXPECT_LT(0U, info.queues);
	EXPECT_LT(0U, info.contexts);
	EXPECT_LT(0U, info.lanes);
	EXPECT_LT(0U, info.max_jobs);
	EXPECT_LT(0U, info.max_batch);
	EXPECT_LE(1U << 20, info.max_dim);
	EXPECT_LT(0ULL, info.clock_hz);
	EXPECT_LT(0ULL, info.max_buffer_bytes);
	EXPECT_LE(info.max_buffer_bytes, info.client_bytes);
	EXPECT_LT(0U, info.default_timeout_ms);
	EXPECT_LE(info.default_timeout_ms, info.max_timeout_ms);
	EXPECT_EQ('\0', info.isa[sizeof(info.isa) - 1]);
	EXPECT_NE('\0', info.driver[0]);
	EXPECT_LT(0U, info.pairs.count);
}

TEST_F(ioctl, pairs)
{
	struct {
		struct xqaccel_pair pair;
		uint64_t newer;
	} longer[4];
	struct xqaccel_info info;
	struct xqaccel_pair *pair;
	uint32_t count, i, s8 = 0;

	ASSERT_EQ(0, device_info(self->fd, &info));
	count = info.pairs.count;
	ASSERT_LT(4U, count);
	pair = calloc(count + 1, sizeof(*pair));
	ASSERT_TRUE(!!pair);
	memset(&pair[count], 0x55, sizeof(*pair));
	info.pairs = (struct xqaccel_array){ sizeof(*pair), count + 1, (uintptr_t)pair };
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
	EXPECT_EQ(count, info.pairs.count);
	EXPECT_EQ(0x55, pair[count].a_format);
	for (i = 0; i < count; i++) {
		EXPECT_EQ(XQACCEL_OP_GEMM, (int)pair[i].op);
		EXPECT_NE(XQACCEL_FMT_NONE, pair[i].a_format);
		EXPECT_NE(XQACCEL_FMT_NONE, pair[i].b_format);
		s8 += pair[i].a_format == XQACCEL_FMT_S8 && pair[i].b_format == XQACCEL_FMT_S8;
	}
	EXPECT_EQ(1U, s8);

	/* Less room than there are pairs, and elements of a newer program. */
	memset(longer, 0x55, sizeof(longer));
	info.pairs = (struct xqaccel_array){ sizeof(longer[0]), 3, (uintptr_t)longer };
	ASSERT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
	EXPECT_EQ(count, info.pairs.count);
	EXPECT_EQ(0, memcmp(&longer[2].pair, &pair[2], sizeof(*pair)));
	EXPECT_EQ(0ULL, longer[2].newer);
	EXPECT_EQ(0x55, longer[3].pair.a_format);

	info.pairs = (struct xqaccel_array){ 15, 1, (uintptr_t)pair };
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
	info.pairs = (struct xqaccel_array){ sizeof(*pair), 1, 8 };
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
	free(pair);
}

TEST_F(ioctl, info_flags)
{
	struct xqaccel_info info = { .size = sizeof(info), .flags = 1 };

	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
}

static const struct {
	unsigned long request;
	uint32_t size;
} calls[] = {
	{ XQACCEL_IOCTL_INFO, sizeof(struct xqaccel_info) },
	{ XQACCEL_IOCTL_CONTEXT_CREATE, sizeof(struct xqaccel_context_create) },
	{ XQACCEL_IOCTL_BUF_CREATE, sizeof(struct xqaccel_buf_create) },
	{ XQACCEL_IOCTL_BUF_DESTROY, sizeof(struct xqaccel_buf_destroy) },
	{ XQACCEL_IOCTL_SUBMIT, sizeof(struct xqaccel_submit) },
	{ XQACCEL_IOCTL_WAIT, sizeof(struct xqaccel_wait) },
	{ XQACCEL_IOCTL_CANCEL, sizeof(struct xqaccel_cancel) },
	{ XQACCEL_IOCTL_EVENTFD, sizeof(struct xqaccel_eventfd) },
};

enum { CALLS = ARRAY_SIZE(calls) };

TEST_F(ioctl, size_too_small)
{
	uint32_t arg[64] = { 0 };
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		arg[0] = 0;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, calls[i].request, arg));
		arg[0] = calls[i].size - 1;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, calls[i].request, arg));
	}
}

TEST_F(ioctl, unknown_tail)
{
	uint32_t arg[64] = { 0 };
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		memset(arg, 0, sizeof(arg));
		arg[0] = calls[i].size + 4;
		arg[calls[i].size / 4] = 1;
		EXPECT_EQ(-E2BIG, device_ioctl(self->fd, calls[i].request, arg));
		arg[0] = 1 << 20;
		EXPECT_EQ(-E2BIG, device_ioctl(self->fd, calls[i].request, arg));
	}
	/* A tail of zeros is a newer program that does not use what is new. */
	memset(arg, 0, sizeof(arg));
	arg[0] = calls[0].size + 8;
	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, arg));
}

TEST_F(ioctl, bad_pointers)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd), .jobs = { sizeof(struct xqaccel_job_desc), 1, 0 },
	};
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, calls[i].request, NULL));
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, calls[i].request, (void *)~0xfffUL));
	}
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	cmd.jobs.array = ~0ULL - 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
}

/* A copy of the structure in memory that can be read and not written. */
static void *read_only(struct __test_metadata *_metadata, const void *cmd, size_t bytes)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(page != MAP_FAILED);
	memcpy(page, cmd, bytes);
	ASSERT_EQ(0, mprotect(page, 4096, PROT_READ));
	return page;
}

/* What has no results is not written back: such a call can't fail after it was done. */
TEST_F(ioctl, structures_without_results_may_be_read_only)
{
	struct xqaccel_context_create context = { .size = sizeof(context) };
	struct xqaccel_buf_destroy destroy = { .size = sizeof(destroy) };
	struct xqaccel_cancel stop = { .size = sizeof(stop) };
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	struct buffer buf;

	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_CONTEXT_CREATE,
				  read_only(_metadata, &context, sizeof(context))));
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &buf));
	if (host_present()) {
		ASSERT_EQ(0, inject("hang-jobs", 1));
		small_job(&job, &buf);
		ASSERT_EQ(0, submit_jobs(self->fd, &job, 1, 0, 0, NULL, (uint64_t *)&stop.id));
		EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_CANCEL,
					  read_only(_metadata, &stop, sizeof(stop))));
		EXPECT_EQ(0, wait_one(self->fd, &c, 10 * SECOND));
		EXPECT_EQ(0, inject_nothing());
	}
	destroy.handle = buf.handle;
	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_DESTROY,
				  read_only(_metadata, &destroy, sizeof(destroy))));
}

TEST_F(ioctl, reserved_members)
{
	struct xqaccel_buf_create create = { .size = sizeof(create), .bytes = 4096, .reserved = 1 };
	struct xqaccel_submit submit = {
		.size = sizeof(submit),
		.jobs = { sizeof(struct xqaccel_job_desc), 1, 0 },
		.reserved = 1,
	};
	struct xqaccel_context_create context = { .size = sizeof(context), .reserved = 1 };

	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_CREATE, &create));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &submit));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_CONTEXT_CREATE, &context));
}

TEST_F(ioctl, unknown_flags)
{
	struct xqaccel_buf_create create = {
		.size = sizeof(create),
		.bytes = 4096,
		.flags = 1U << 31,
	};
	struct xqaccel_submit submit = {
		.size = sizeof(submit),
		.jobs = { sizeof(struct xqaccel_job_desc), 1, 0 },
		.flags = 1U << 31,
	};
	struct xqaccel_wait wait = {
		.size = sizeof(wait),
		.completions = { sizeof(struct xqaccel_completion), 1, 0 },
		.flags = 1U << 31,
	};
	struct xqaccel_context_create context = { .size = sizeof(context), .flags = 1 };
	struct xqaccel_cancel cancel = { .size = sizeof(cancel), .flags = 1 };

	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_CREATE, &create));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &submit));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &wait));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_CONTEXT_CREATE, &context));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_CANCEL, &cancel));
}

TEST_F(ioctl, read_write_and_seek_are_not_there)
{
	char byte = 0;

	EXPECT_EQ(-1, (int)read(self->fd, &byte, 1));
	EXPECT_EQ(-1, (int)write(self->fd, &byte, 1));
	EXPECT_EQ(-1, (int)lseek(self->fd, 0, SEEK_END));
}

TEST(no_permission)
{
	int status;
	pid_t pid;

	if (getuid())
		SKIP(return, "not root");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int ret;

		if (setgid(1000) || setuid(1000))
			_exit(2);
		ret = device_open();
		_exit(ret == -EACCES ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST(no_device)
{
	setenv("XQACCEL_DEVICE", "/dev/xqaccel63", 1);
	EXPECT_EQ(-ENOENT, device_open());
}

TEST(open_and_close_many_times)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		const int fd = device_open();

		ASSERT_LE(0, fd);
		close(fd);
	}
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
}

/* Each queue that is used has an interrupt, and the first one is for errors. */
TEST(queues_with_interrupts)
{
	struct xqaccel_info info;
	enum { ROUNDS = 20 };
	const int64_t lost = stat_of("lost_interrupts");
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;
	unsigned int vectors, round, i;
	struct buffer buf;
	char reply[64];
	int fd;

	if (host_request(reply, sizeof(reply), "qom-get vectors"))
		SKIP(return, "no host to ask for the device's vectors");
	vectors = strtoul(reply + strlen("ok "), NULL, 10);
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(vectors - 1, info.queues);
	ASSERT_EQ(0, buffer_create(fd, 4096, &buf));
	small_fill(&buf, 1, 1);
	small_job(&job, &buf);
	/* All lanes at once, with jobs that take a while, so that each queue has some. */
	ASSERT_EQ(0, inject("slow-ns", MS));
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < info.lanes; i++)
			ASSERT_EQ(0, submit_lane(fd, &job, i, 0));
		for (i = 0; i < info.lanes; i++) {
			ASSERT_EQ(0, wait_one(fd, &c, 10 * SECOND));
			ASSERT_EQ(XQACCEL_STATUS_OK, (int)c.status);
		}
	}
	ASSERT_EQ(0, inject("slow-ns", 0));
	/* On a busy host one comes late; a queue without a vector misses one in each round. */
	EXPECT_GT(ROUNDS / 2, stat_of("lost_interrupts") - lost);
	munmap(buf.map, buf.bytes);
	close(fd);
}

TEST_HARNESS_MAIN
