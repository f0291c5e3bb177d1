// SPDX-License-Identifier: GPL-2.0
/* Which bytes a job covers: numbers worked out by hand, and the edges of 64 bits. */
#include <kunit/test.h>
#include <linux/types.h>

#include "xq_work.h"

static const struct xq_dims gemm = {
	.m = 3, .n = 5, .k = 33, .batch = 2,
	.a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S4,
};

static void row_bytes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_S8, 33), 33ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_U4, 33), 17ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_T2, 33), 9ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_B1, 33), 5ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_B1, 32), 4ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_S32, 3), 12ULL);
	KUNIT_EXPECT_EQ(test, xq_row_bytes(XQACCEL_FMT_S8, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, xq_format_bits(XQACCEL_FMT_NONE), 0U);
	KUNIT_EXPECT_EQ(test, xq_format_bits(255), 0U);
}

/* A tile is 16 rows of 256 bytes. */
static void tiles(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S8, 1, 1), 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S8, 16, 256), 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S8, 17, 256), 2 * 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S8, 16, 257), 2 * 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S4, 17, 513), 4 * 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_B1, 16, 2048), 4096ULL);
	KUNIT_EXPECT_EQ(test, xq_tiled_bytes(XQACCEL_FMT_S8, 0, 256), 0ULL);
}

static void extents(struct kunit *test)
{
	struct xq_dims d = gemm;
	struct xq_extent e;

	xq_extent(&d, XQACCEL_A, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 3U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 33ULL);
	KUNIT_EXPECT_EQ(test, e.align, 1U);
	KUNIT_EXPECT_TRUE(test, e.required && e.matrix);
	xq_extent(&d, XQACCEL_B, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 5U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 17ULL);
	xq_extent(&d, XQACCEL_C, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 3U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 20ULL);
	KUNIT_EXPECT_EQ(test, e.align, 4U);
	KUNIT_EXPECT_EQ(test, e.batch, 2U);
	xq_extent(&d, XQACCEL_A_ZP, &e);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 12ULL);
	KUNIT_EXPECT_FALSE(test, e.required || e.matrix);
	xq_extent(&d, XQACCEL_CODEBOOK, &e);
	KUNIT_EXPECT_FALSE(test, e.used);
	d.b_format = XQACCEL_FMT_C8;
	xq_extent(&d, XQACCEL_CODEBOOK, &e);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 256ULL);
	KUNIT_EXPECT_TRUE(test, e.used && e.required);
}

static void groups(struct kunit *test)
{
	struct xq_dims d = gemm;
	struct xq_extent e;

	d.group = 11;
	d.a_scale_format = d.b_scale_format = XQACCEL_FMT_S32;
	xq_extent(&d, XQACCEL_B_SCALE, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 5U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 12ULL);
	KUNIT_EXPECT_EQ(test, e.align, 4U);
	d.a_scale_format = d.b_scale_format = XQACCEL_FMT_NONE;
	d.flags = XQACCEL_JOB_GROUP_ACC;
	xq_extent(&d, XQACCEL_C, &e);
	KUNIT_EXPECT_EQ(test, e.planes, 3U);
}

static void span(struct kunit *test)
{
	struct xq_extent e = { .row_bytes = 20, .rows = 3, .planes = 2, .batch = 4 };
	u64 bytes;

	KUNIT_EXPECT_TRUE(test, xq_span(&e, 32, 1000, 100, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, 20ULL + 2 * 32 + 1 * 100 + 3 * 1000);
	/* An operand that repeats. */
	KUNIT_EXPECT_TRUE(test, xq_span(&e, 0, 0, 0, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, 20ULL);
	e.rows = 0;
	KUNIT_EXPECT_TRUE(test, xq_span(&e, ~0ULL, ~0ULL, ~0ULL, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, 0ULL);
}

/* Just inside of 64 bits, and just outside, by each of the strides. */
static void span_overflow(struct kunit *test)
{
	struct xq_extent e = { .row_bytes = 1, .rows = 2, .planes = 1, .batch = 1 };
	u64 bytes;

	KUNIT_EXPECT_TRUE(test, xq_span(&e, ~0ULL - 1, 0, 0, &bytes));
	KUNIT_EXPECT_EQ(test, bytes, ~0ULL);
	KUNIT_EXPECT_FALSE(test, xq_span(&e, ~0ULL, 0, 0, &bytes));
	e.rows = 3;
	KUNIT_EXPECT_FALSE(test, xq_span(&e, 1ULL << 63, 0, 0, &bytes));
	e.rows = 1;
	e.planes = 3;
	KUNIT_EXPECT_FALSE(test, xq_span(&e, 0, 0, 1ULL << 63, &bytes));
	e.planes = 1;
	e.batch = 3;
	KUNIT_EXPECT_FALSE(test, xq_span(&e, 0, 1ULL << 63, 0, &bytes));
	/* Each fits, and together they do not. */
	e.rows = e.planes = e.batch = 2;
	KUNIT_EXPECT_FALSE(test, xq_span(&e, 1ULL << 63, 1ULL << 63, 0, &bytes));
	KUNIT_EXPECT_FALSE(test, xq_span(&e, 0, 1ULL << 63, 1ULL << 63, &bytes));
}

static void disjoint_rows(struct kunit *test)
{
	struct xq_extent e = { .row_bytes = 20, .rows = 3, .planes = 1, .batch = 2 };

	KUNIT_EXPECT_TRUE(test, xq_rows_disjoint(&e, 20, 60, 0));
	KUNIT_EXPECT_FALSE(test, xq_rows_disjoint(&e, 19, 60, 0));
	KUNIT_EXPECT_FALSE(test, xq_rows_disjoint(&e, 20, 59, 0));
	KUNIT_EXPECT_FALSE(test, xq_rows_disjoint(&e, 20, 0, 0));
	/* Rows of the matrices of a batch in turns. */
	KUNIT_EXPECT_TRUE(test, xq_rows_disjoint(&e, 40, 20, 0));
	KUNIT_EXPECT_FALSE(test, xq_rows_disjoint(&e, 39, 20, 0));
	e.planes = 2;
	KUNIT_EXPECT_TRUE(test, xq_rows_disjoint(&e, 20, 120, 60));
	KUNIT_EXPECT_FALSE(test, xq_rows_disjoint(&e, 20, 119, 60));
	/* Strides of what there is only one of say nothing. */
	e.planes = e.batch = 1;
	KUNIT_EXPECT_TRUE(test, xq_rows_disjoint(&e, 20, 0, 0));
}

static void dims_valid(struct kunit *test)
{
	struct xq_dims d = gemm;

	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	d.m = d.n = d.k = 0;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	d = gemm;
	d.batch = 0;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d = gemm;
	d.m = XQ_MAX_DIM;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	d.m++;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d = gemm;
	d.flags = 1U << 31;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d = gemm;
	d.group = 10;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d.group = 11;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	d.a_scale_format = d.b_scale_format = XQACCEL_FMT_S8;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d = gemm;
	d.flags = XQACCEL_JOB_GROUP_ACC;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
}

static void real_groups(struct kunit *test)
{
	struct xq_dims d = gemm;
	struct xq_extent e;

	d.flags = XQACCEL_JOB_GROUP_REAL;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d.group = 11;
	d.b_scale_format = XQACCEL_FMT_U8;
	d.b_scale2_format = XQACCEL_FMT_F16;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d.b_supergroup = 22;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d.b_supergroup = 33;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	xq_extent(&d, XQACCEL_B_SCALE, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 5U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 3ULL);
	xq_extent(&d, XQACCEL_B_MIN, &e);
	KUNIT_EXPECT_FALSE(test, e.used);
	/* As B lies, 16 rows beside each other. */
	d.flags |= XQACCEL_JOB_B_TILED;
	xq_extent(&d, XQACCEL_B_SCALE2, &e);
	KUNIT_EXPECT_EQ(test, e.rows, 1U);
	KUNIT_EXPECT_EQ(test, e.row_bytes, 32ULL);
	KUNIT_EXPECT_EQ(test, e.align, 2U);
}

#define EXPECT_WITH(test, member, value, expected) \
	do { \
		struct xq_dims d_ = summed; \
		d_.member = (value); \
		KUNIT_EXPECT_EQ(test, xq_dims_valid(&d_), expected); \
	} while (0)

static void supergroup_sums(struct kunit *test)
{
	const struct xq_dims summed = {
		.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM,
		.m = 3, .n = 5, .k = 8192, .batch = 1, .group = 32,
		.a_supergroup = 256, .b_supergroup = 256,
		.a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_U2,
		.a_scale2_format = XQACCEL_FMT_F32, .b_scale_format = XQACCEL_FMT_U8,
		.b_scale2_format = XQACCEL_FMT_F16, .b_min_format = XQACCEL_FMT_S8,
		.b_min2_format = XQACCEL_FMT_BF16,
	};
	struct xq_dims d = summed;
	struct xq_extent e;

	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	xq_extent(&d, XQACCEL_A_SCALE, &e);
	KUNIT_EXPECT_FALSE(test, e.used);
	xq_extent(&d, XQACCEL_B_MIN2, &e);
	KUNIT_EXPECT_TRUE(test, e.required);
	d.b_min_format = d.b_min2_format = 0;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	xq_extent(&d, XQACCEL_B_MIN2, &e);
	KUNIT_EXPECT_FALSE(test, e.used || e.required);
	d.flags = XQACCEL_JOB_GROUP_REAL;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	xq_extent(&d, XQACCEL_B_SCALE, &e);
	KUNIT_EXPECT_TRUE(test, e.used && !e.required);
	EXPECT_WITH(test, flags, XQACCEL_JOB_SUPERGROUP_SUM, false);
	EXPECT_WITH(test, flags, summed.flags | XQACCEL_JOB_GROUP_ACC, false);
	EXPECT_WITH(test, group, 0, false);
	EXPECT_WITH(test, a_scale_format, XQACCEL_FMT_F32, false);
	EXPECT_WITH(test, a_scale2_format, XQACCEL_FMT_NONE, false);
	EXPECT_WITH(test, a_supergroup, 512, false);
	EXPECT_WITH(test, b_supergroup, 128, false);
	EXPECT_WITH(test, b_scale_format, XQACCEL_FMT_NONE, false);
	EXPECT_WITH(test, b_scale_format, XQACCEL_FMT_S8, true);
	EXPECT_WITH(test, b_scale_format, XQACCEL_FMT_F16, false);
	EXPECT_WITH(test, b_scale2_format, XQACCEL_FMT_NONE, false);
	EXPECT_WITH(test, b_min_format, XQACCEL_FMT_NONE, false);
	EXPECT_WITH(test, b_min_format, XQACCEL_FMT_F16, false);
	EXPECT_WITH(test, b_min2_format, XQACCEL_FMT_NONE, false);
	d = summed;
	d.a_supergroup = d.b_supergroup = 4096;
	KUNIT_EXPECT_TRUE(test, xq_dims_valid(&d));
	d.group = 16;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
	d.group = 64;
	d.a_supergroup = d.b_supergroup = 8192;
	KUNIT_EXPECT_FALSE(test, xq_dims_valid(&d));
}

/* 128 * 3 * 255 * 256 stays within int32, and 128 * 15 * 255 * 4096; 128 * 128 * 255 * 515 not. */
static void supergroup_overflow(struct kunit *test)
{
	struct xq_dims d = {
		.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM,
		.k = 1 << 24, .group = 16, .a_supergroup = 256, .b_supergroup = 256,
		.a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_U2,
		.b_scale_format = XQACCEL_FMT_U8, .b_min_format = XQACCEL_FMT_U8,
	};

	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 0, 0, true));
	d.flags |= XQACCEL_JOB_ACCUMULATE;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	d.b_format = XQACCEL_FMT_U4;
	d.b_supergroup = 4096;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	d.b_format = XQACCEL_FMT_S8;
	d.b_supergroup = 514;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	d.b_supergroup = 515;
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 0, 0, false));
	/* The sum of minima alone: 65791 * 255 * 128 stays, one more leaves. */
	d.b_format = XQACCEL_FMT_B1;
	d.b_scale_format = XQACCEL_FMT_S8;
	d.b_supergroup = 128;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 65791 - 128, 0, false));
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 65794 - 128, 0, false));
	d.b_min_format = XQACCEL_FMT_NONE;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 65794 - 128, 0, false));
}

/* 128 * 128 * K leaves int32 at K = 131072; U8 times S8 at 65794. */
static void overflow_flag(struct kunit *test)
{
	struct xq_dims d = gemm;

	d.b_format = XQACCEL_FMT_S8;
	d.k = 131071;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	d.k = 131072;
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 0, 0, false));
	d.a_format = XQACCEL_FMT_U8;
	d.k = 65793;
	KUNIT_EXPECT_FALSE(test, xq_may_overflow(&d, 0, 0, false));
	d.k = 65794;
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 0, 0, false));
	d.k = 1;
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, 0, 0, true));
	KUNIT_EXPECT_TRUE(test, xq_may_overflow(&d, -2147483648LL, 0, false));
}

/* By the dimensions, whatever the strides; more than fits is the largest number. */
static void units(struct kunit *test)
{
	struct xqaccel_work w = {
		.op = XQACCEL_OP_MEAN, .mean = { .outer = 8191, .count = 1U << 24, .inner = 1 },
	};

	KUNIT_EXPECT_EQ(test, xq_work_units(&w), 8191ULL << 24);
	KUNIT_EXPECT_EQ(test, xq_work_macs(&w), 0ULL);
	w.mean.outer = 1U << 24;
	w.mean.inner = 1U << 24;
	KUNIT_EXPECT_EQ(test, xq_work_units(&w), ~0ULL);
	w = (struct xqaccel_work){
		.op = XQACCEL_OP_POOL,
		.pool = { .batch = 2, .out_h = 3, .out_w = 5, .channels = 7, .kernel_h = 11,
			  .kernel_w = 13 },
	};
	KUNIT_EXPECT_EQ(test, xq_work_units(&w), 2ULL * 3 * 5 * 7 * 11 * 13);
	w = (struct xqaccel_work){
		.op = XQACCEL_OP_ELEMENTWISE, .elementwise = { .dim = { 2, 3, 4, 5, 6, 7 } },
	};
	KUNIT_EXPECT_EQ(test, xq_work_units(&w), 5040ULL);
	w = (struct xqaccel_work){
		.op = XQACCEL_OP_GEMM, .gemm = { .m = 3, .n = 5, .k = 7, .batch = 2 },
	};
	KUNIT_EXPECT_EQ(test, xq_work_units(&w), 210ULL);
	w.gemm.m = w.gemm.n = w.gemm.k = 1U << 24;
	KUNIT_EXPECT_EQ(test, xq_work_macs(&w), ~0ULL);
}

static struct kunit_case geometry_cases[] = {
	KUNIT_CASE(row_bytes),
	KUNIT_CASE(tiles),
	KUNIT_CASE(extents),
	KUNIT_CASE(groups),
	KUNIT_CASE(span),
	KUNIT_CASE(span_overflow),
	KUNIT_CASE(disjoint_rows),
	KUNIT_CASE(dims_valid),
	KUNIT_CASE(real_groups),
	KUNIT_CASE(supergroup_sums),
	KUNIT_CASE(supergroup_overflow),
	KUNIT_CASE(overflow_flag),
	KUNIT_CASE(units),
	{}
};

static struct kunit_suite geometry_suite = {
	.name = "xqaccel_geometry",
	.test_cases = geometry_cases,
};
kunit_test_suite(geometry_suite);
