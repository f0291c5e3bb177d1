// SPDX-License-Identifier: GPL-2.0
/* Every pair of formats and every feature of a job, bit for bit against three loops. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "gemm_case.h"
#include "harness.h"

#define MEMORY	(4U << 20)

FIXTURE(gemm)
{
	int fd;
	struct buffer buf;
	struct random random;
	uint8_t *expected;
	struct xqaccel_completion completion;
};

FIXTURE_SETUP(gemm)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, buffer_create(self->fd, MEMORY, &self->buf));
	self->expected = malloc(MEMORY);
	ASSERT_TRUE(!!self->expected);
	self->random.state = 1;
}

FIXTURE_TEARDOWN(gemm)
{
	free(self->expected);
	close(self->fd);
}

/* Runs a case over random memory; 0, or what was wrong. All memory is compared, not only C. */
static const char *run_case(FIXTURE_DATA(gemm) *self, struct gemm_case *g)
{
	struct xqaccel_job_desc job;
	int ret;

	gemm_place(g, &self->random);
	if (g->total > MEMORY)
		return "the test's buffer is too small";
	random_bytes(&self->random, self->buf.map, g->total);
	memcpy(self->expected, self->buf.map, g->total);
	gemm_reference(g, self->expected);
	gemm_job(g, self->buf.handle, 0, &job);
	job.user_data = random_next(&self->random);

	ret = submit(self->fd, &job);
	if (ret)
		return strerror(-ret);
	ret = wait_one(self->fd, &self->completion, 20 * SECOND);
	if (ret)
		return strerror(-ret);
	if (self->completion.user_data != job.user_data)
		return "user_data";
	if (self->completion.status != XQACCEL_STATUS_OK)
		return "status";
	return memcmp(self->expected, self->buf.map, g->total) ? "wrong result" : NULL;
}

#define EXPECT_EXACT(g)                                                                            \
	do {                                                                                       \
		const char *wrong_ = run_case(self, g);                                            \
		if (wrong_)                                                                        \
			TH_LOG("%s: formats %u x %u, m %u n %u k %u batch %u group %u flags %#x "  \
			       "scales %u status %u",                                              \
			       wrong_, (g)->a_format, (g)->b_format, (g)->m, (g)->n, (g)->k,       \
			       (g)->batch, (g)->group, (g)->flags, (g)->scale_format,              \
			       self->completion.status);                                           \
		EXPECT_FALSE(!!wrong_);                                                            \
	} while (0)

static struct gemm_case plain(const struct format_pair *pair, uint32_t m, uint32_t n, uint32_t k)
{
	return (struct gemm_case){
		.m = m, .n = n, .k = k, .batch = 1, .a_format = pair->a, .b_format = pair->b,
	};
}

TEST_F(gemm, every_pair)
{
	static const uint32_t shapes[][3] = {
		{ 1, 1, 1 }, { 3, 5, 7 }, { 16, 16, 64 }, { 17, 33, 129 }, { 2, 3, 1000 },
	};
	unsigned int i, j;

	for (i = 0; i < format_pair_count; i++) {
		for (j = 0; j < ARRAY_SIZE(shapes); j++) {
			struct gemm_case g = plain(&format_pairs[i], shapes[j][0], shapes[j][1],
						   shapes[j][2]);

			EXPECT_EXACT(&g);
		}
	}
}

TEST_F(gemm, every_pair_tiled)
{
	unsigned int i;

	for (i = 0; i < format_pair_count; i++) {
		struct gemm_case g = plain(&format_pairs[i], 9, 37, 777);

		g.flags = XQACCEL_JOB_B_TILED;
		EXPECT_EXACT(&g);
	}
}

TEST_F(gemm, every_pair_with_zero_points)
{
	unsigned int i;

	for (i = 0; i < format_pair_count; i++) {
		struct gemm_case g = plain(&format_pairs[i], 5, 6, 100);

		g.a_zp = -7;
		g.b_zp = 3;
		EXPECT_EXACT(&g);
		g.a_zp_rows = true;
		EXPECT_EXACT(&g);
		g.b_zp_rows = true;
		EXPECT_EXACT(&g);
	}
}

TEST_F(gemm, every_pair_grouped)
{
	unsigned int i;

	for (i = 0; i < format_pair_count; i++) {
		struct gemm_case g = plain(&format_pairs[i], 4, 7, 96);

		g.group = 32;
		g.flags = XQACCEL_JOB_GROUP_ACC;
		EXPECT_EXACT(&g);
		g.flags = 0;
		g.scale_format = XQACCEL_FMT_U8;
		EXPECT_EXACT(&g);
		g.scale_format = XQACCEL_FMT_S32;
		EXPECT_EXACT(&g);
	}
}

TEST_F(gemm, accumulate)
{
	unsigned int i;

	for (i = 0; i < format_pair_count; i++) {
		struct gemm_case g = plain(&format_pairs[i], 6, 10, 50);

		g.flags = XQACCEL_JOB_ACCUMULATE;
		EXPECT_EXACT(&g);
	}
}

TEST_F(gemm, empty)
{
	static const uint32_t shapes[][3] = { { 0, 5, 7 }, { 5, 0, 7 }, { 5, 7, 0 }, { 0, 0, 0 } };
	unsigned int j;

	for (j = 0; j < ARRAY_SIZE(shapes); j++) {
		struct gemm_case g = plain(&format_pairs[0], shapes[j][0], shapes[j][1],
					   shapes[j][2]);

		/* With K = 0 C becomes 0, or stays with ACCUMULATE. */
		EXPECT_EXACT(&g);
		g.flags = XQACCEL_JOB_ACCUMULATE;
		EXPECT_EXACT(&g);
	}
}

TEST_F_TIMEOUT(gemm, random_jobs, 90)
{
	unsigned int i;

	for (i = 0; i < 600; i++) {
		struct gemm_case g;

		gemm_random(&g, &self->random, 12, 300);
		EXPECT_EXACT(&g);
	}
}

TEST_F(gemm, completion_tells_work)
{
	struct gemm_case g = plain(&format_pairs[0], 10, 20, 30);

	g.batch = 2;
	EXPECT_EXACT(&g);
	EXPECT_EQ(2ULL * 10 * 20 * 30, self->completion.macs);
	EXPECT_LE(self->completion.start, self->completion.end);
	EXPECT_LT(0ULL, self->completion.bytes);
	EXPECT_EQ(0U, self->completion.flags);
	EXPECT_EQ(0U, self->completion.lane);
}

TEST_F(gemm, overflow_is_told)
{
	struct gemm_case g = plain(&format_pairs[0], 1, 1, 140000);

	/* 140,000 x 128 x 128 is more than 2^31. */
	EXPECT_EXACT(&g);
	EXPECT_EQ(XQACCEL_COMP_OVERFLOW, self->completion.flags);
}

TEST_F(gemm, repeated_rows)
{
	struct gemm_case g = plain(&format_pairs[0], 8, 8, 64);
	struct xqaccel_job_desc job;
	unsigned int i;

	gemm_place(&g, &self->random);
	g.operand[XQACCEL_A].stride = 0;
	g.operand[XQACCEL_B].stride = 3;
	random_bytes(&self->random, self->buf.map, g.total);
	memcpy(self->expected, self->buf.map, g.total);
	gemm_reference(&g, self->expected);
	gemm_job(&g, self->buf.handle, 0, &job);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, submit(self->fd, &job));
		ASSERT_EQ(0, wait_one(self->fd, &self->completion, 20 * SECOND));
		EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->completion.status);
		EXPECT_EQ(0, memcmp(self->expected, self->buf.map, g.total));
	}
}

TEST_F(gemm, operands_in_buffers_of_their_own)
{
	struct gemm_case g = plain(&format_pairs[2], 20, 30, 500);
	struct buffer part[3];
	struct xqaccel_job_desc job;
	unsigned int i;

	gemm_place(&g, &self->random);
	random_bytes(&self->random, self->buf.map, g.total);
	memcpy(self->expected, self->buf.map, g.total);
	gemm_reference(&g, self->expected);
	gemm_job(&g, self->buf.handle, 0, &job);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, buffer_create(self->fd, g.total, &part[i]));
		memcpy(part[i].map, self->buf.map, g.total);
		job.operand[i].handle = part[i].handle;
	}
	ASSERT_EQ(0, submit(self->fd, &job));
	ASSERT_EQ(0, wait_one(self->fd, &self->completion, 20 * SECOND));
	EXPECT_EQ(XQACCEL_STATUS_OK, (int)self->completion.status);
	EXPECT_EQ(0, memcmp(self->expected, part[XQACCEL_C].map, g.total));
	/* The inputs are as they were. */
	EXPECT_EQ(0, memcmp(self->buf.map, part[XQACCEL_A].map, g.total));
}

TEST_HARNESS_MAIN
