/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every allocation and every copy from and to user memory inside a call fails once: the fixture of
 * tests that do so, and their loop.
 */
#ifndef XQ_TEST_FAIL_NTH_H
#define XQ_TEST_FAIL_NTH_H

#include <errno.h>
#include <stdint.h>

#include "device.h"
#include "fault_injection.h"
#include "guest.h"
#include "harness.h"

#define MOST		5000

static const char *const books[] = { "clients", "buffers", "buffer_bytes", "jobs" };
#define BOOKS	ARRAY_SIZE(books)

FIXTURE(fail_nth) {
	int fd;
	struct buffer buf;
	char address[32];
	int64_t before[BOOKS];
	unsigned int n, refused, survived;
};

FIXTURE_SETUP(fail_nth)
{
	if (fail_prepare())
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, inject_nothing());
	ASSERT_EQ(0, bus_address(self->address, sizeof(self->address)));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, 4096, &self->buf));
	/* Opens what it reads the count through. */
	ASSERT_LE(0, fail_nth_happened());
}

FIXTURE_TEARDOWN(fail_nth)
{
	TH_LOG("%u places failed: %u refusals, %u done without", self->n - 1, self->refused,
	       self->survived);
	EXPECT_LT(1U, self->n);
	close(self->fd);
}

static inline void remember(FIXTURE_DATA(fail_nth) *self)
{
	unsigned int i;

	for (i = 0; i < BOOKS; i++)
		self->before[i] = stat_of(books[i]);
}

static inline void nothing_left(struct __test_metadata *_metadata, FIXTURE_DATA(fail_nth) *self)
{
	unsigned int i;

	for (i = 0; i < BOOKS; i++)
		ASSERT_EQ(self->before[i], stat_settles(books[i], self->before[i], 5000));
	EXPECT_EQ(0, stat_of("leaked_pages"));
}

/*
 * A file that the test opened besides its own has ended, so that the next try begins as this did.
 */
static inline void other_file_ended(struct __test_metadata *_metadata)
{
	EXPECT_EQ(1, stat_settles("clients", 1, 5000));
	EXPECT_EQ(1, stat_settles("buffers", 1, 5000));
	EXPECT_EQ(0, stat_settles("jobs", 0, 5000));
}

/* The number that the next descriptor will have. */
static inline int next_descriptor(void)
{
	const int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

static inline void still_works(struct __test_metadata *_metadata, int fd,
			       const struct buffer *buf)
{
	struct xqaccel_completion c;
	struct xqaccel_job_desc job;

	EXPECT_EQ(0, small_run(fd, buf, &job, &c));
}

/*
 * Around one try of a call: EACH_PLACE { ret = call; } then CHECKED(ret), which ends the loop
 * after the first try in which nothing failed.
 */
#define EACH_PLACE(self) \
	for ((self)->n = 1; (self)->n < MOST; (self)->n++)
#define TRY(self, expression) \
	({ \
		int ret_, happened_; \
		remember(self); \
		ASSERT_EQ(0, fail_nth((self)->n)); \
		ret_ = (expression); \
		happened_ = fail_nth_happened(); \
		ASSERT_LE(0, happened_); \
		(self)->refused += ret_ < 0; \
		(self)->survived += ret_ >= 0 && happened_; \
		if (!happened_) \
			EXPECT_LE(0, ret_); \
		if (ret_ < 0) \
			EXPECT_TRUE(ret_ == -ENOMEM || ret_ == -EFAULT); \
		done = !happened_; \
		ret_; \
	})

#endif
