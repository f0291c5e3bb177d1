// SPDX-License-Identifier: GPL-2.0
/* The rules that hold for every ioctl, INFO, and who may open the device how often. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

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
	struct xqaccel_info info = { .size = sizeof(info) };

	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO(XQACCEL_IOCTL_TYPE, 0x05), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO(XQACCEL_IOCTL_TYPE, 0xff), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IO('x', XQACCEL_CMD_INFO), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, _IOWR(XQACCEL_IOCTL_TYPE, XQACCEL_CMD_INFO,
							 struct xqaccel_info), &info));
	EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, TCGETS, &info));
}

TEST_F(ioctl, info)
{
	struct xqaccel_info info;
	unsigned int i;

	ASSERT_EQ(0, device_info(self->fd, &info));
	EXPECT_EQ((unsigned int)sizeof(info), info.size);
	EXPECT_EQ(0U, info.flags);
	EXPECT_EQ(XQACCEL_ABI_MAJOR, (int)info.abi_major);
	EXPECT_EQ(XQACCEL_ABI_MINOR, (int)info.abi_minor);
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
	EXPECT_EQ(0U, info.reserved);
	EXPECT_EQ('\0', info.isa[sizeof(info.isa) - 1]);
	EXPECT_NE('\0', info.driver[0]);
	EXPECT_TRUE(info.pairs[XQACCEL_FMT_S8] & 1U << XQACCEL_FMT_S8);
	EXPECT_EQ(0U, info.pairs[XQACCEL_FMT_NONE]);
	for (i = XQACCEL_FMT_COUNT; i < 16; i++)
		EXPECT_EQ(0U, info.pairs[i]);
}

TEST_F(ioctl, info_flags)
{
	struct xqaccel_info info = { .size = sizeof(info), .flags = 1 };

	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, &info));
}

static const unsigned long requests[] = {
	XQACCEL_IOCTL_INFO,   XQACCEL_IOCTL_BUF_CREATE, XQACCEL_IOCTL_BUF_DESTROY,
	XQACCEL_IOCTL_SUBMIT, XQACCEL_IOCTL_WAIT,
};
static const uint32_t sizes[] = {
	sizeof(struct xqaccel_info),	    sizeof(struct xqaccel_buf_create),
	sizeof(struct xqaccel_buf_destroy), sizeof(struct xqaccel_submit),
	sizeof(struct xqaccel_wait),
};

TEST_F(ioctl, size_too_small)
{
	uint32_t arg[64] = { 0 };
	unsigned int i;

	for (i = 0; i < 5; i++) {
		arg[0] = 0;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, requests[i], arg));
		arg[0] = sizes[i] - 1;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, requests[i], arg));
	}
}

TEST_F(ioctl, unknown_tail)
{
	uint32_t arg[64] = { 0 };
	unsigned int i;

	for (i = 0; i < 5; i++) {
		memset(arg, 0, sizeof(arg));
		arg[0] = sizes[i] + 4;
		arg[sizes[i] / 4] = 1;
		EXPECT_EQ(-E2BIG, device_ioctl(self->fd, requests[i], arg));
		arg[0] = 1 << 20;
		EXPECT_EQ(-E2BIG, device_ioctl(self->fd, requests[i], arg));
	}
	/* A tail of zeros is a newer program that does not use what is new. */
	memset(arg, 0, sizeof(arg));
	arg[0] = sizes[0] + 8;
	EXPECT_EQ(0, device_ioctl(self->fd, XQACCEL_IOCTL_INFO, arg));
}

TEST_F(ioctl, bad_pointers)
{
	struct xqaccel_submit cmd = {
		.size = sizeof(cmd), .job_stride = sizeof(struct xqaccel_job), .count = 1,
	};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, requests[i], NULL));
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, requests[i], (void *)~0xfffUL));
	}
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
	cmd.jobs = ~0ULL - 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &cmd));
}

TEST_F(ioctl, reserved_members)
{
	struct xqaccel_buf_create create = { .size = sizeof(create), .bytes = 4096, .reserved = 1 };
	struct xqaccel_submit submit = {
		.size = sizeof(submit),
		.job_stride = sizeof(struct xqaccel_job),
		.count = 1,
		.reserved = 1,
	};
	struct xqaccel_wait wait = {
		.size = sizeof(wait),
		.stride = sizeof(struct xqaccel_completion),
		.count = 1,
		.reserved = 1,
	};

	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_CREATE, &create));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &submit));
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &wait));
}

TEST_F(ioctl, unknown_flags)
{
	struct xqaccel_buf_create create = { .size = sizeof(create), .bytes = 4096, .flags = 1 };
	struct xqaccel_submit submit = {
		.size = sizeof(submit),
		.job_stride = sizeof(struct xqaccel_job),
		.count = 1,
		.flags = 1,
	};
	struct xqaccel_wait wait = {
		.size = sizeof(wait),
		.stride = sizeof(struct xqaccel_completion),
		.count = 1,
		.flags = 1,
	};

	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_BUF_CREATE, &create));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_SUBMIT, &submit));
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, XQACCEL_IOCTL_WAIT, &wait));
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

TEST_TIMEOUT(contexts_exhausted, 60)
{
	struct xqaccel_info info;
	int *fd, first, ret = 0;
	unsigned int i, opened;

	first = device_open();
	ASSERT_LE(0, first);
	ASSERT_EQ(0, device_info(first, &info));
	fd = calloc(info.contexts, sizeof(*fd));
	ASSERT_TRUE(fd);
	for (opened = 1; opened < info.contexts; opened++) {
		fd[opened] = device_open();
		ASSERT_LE(0, fd[opened]);
	}
	EXPECT_EQ(-EBUSY, device_open());
	EXPECT_EQ(-EBUSY, device_open());
	/* One that is closed can be opened again at once. */
	for (i = 0; i < 20; i++) {
		close(fd[1]);
		fd[1] = device_open();
		ret |= fd[1] < 0;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-EBUSY, device_open());
	for (i = 1; i < opened; i++)
		close(fd[i]);
	close(first);
	EXPECT_EQ(0, stat_settles("clients", 0, 5000));
	free(fd);
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

TEST_HARNESS_MAIN
