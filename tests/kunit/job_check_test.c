// SPDX-License-Identifier: GPL-2.0
/* What is refused before any buffer is looked up, each by one member of an acceptable job. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/types.h>

#include "device.h"
#include "job.h"

struct given {
	struct xqaccel_caps caps;
	struct xqaccel_job_desc job;
};

static int given_job(struct kunit *test)
{
	struct given *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	if (!g)
		return -ENOMEM;
	test->priv = g;
	g->caps.max_dim = 65536;
	g->caps.features = XQACCEL_FEATURE_GROUP_ACC | XQACCEL_FEATURE_GROUP_SCALE |
			   XQACCEL_FEATURE_A_ZP_ROWS;
	g->caps.pairs[XQACCEL_FMT_S8] = BIT(XQACCEL_FMT_S8) | BIT(XQACCEL_FMT_C4);
	g->caps.tiled = BIT(XQACCEL_FMT_S8);
	g->job = (struct xqaccel_job_desc){
		.work = {
			.op = XQACCEL_OP_GEMM,
			.gemm = {
				.m = 4, .n = 4, .k = 16, .batch = 1,
				.a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8,
			},
		},
		.operand = {
			[XQACCEL_A] = { .handle = 1, .stride = 16 },
			[XQACCEL_B] = { .handle = 1, .offset = 64, .stride = 16 },
			[XQACCEL_C] = { .handle = 1, .offset = 128, .stride = 16 },
		},
	};
	return 0;
}

static int check(struct kunit *test)
{
	static const struct xqaccel_operand none;
	struct xqaccel_reach reach[XQ_OPERANDS];
	struct given *g = test->priv;
	const int ret = xqaccel_job_check(&g->caps, &g->job, XQ_OPERANDS, reach);
	unsigned int given = XQ_OPERANDS;

	/* As many as there are say as much, and what is behind them is not looked at. */
	while (given && !memcmp(&g->job.operand[given - 1], &none, sizeof(none)))
		given--;
	KUNIT_EXPECT_EQ(test, xqaccel_job_check(&g->caps, &g->job, given, NULL) ?: ret, ret);
	return ret;
}

/* The job with one member set, and as it was before. */
#define EXPECT_WITH(test, member, value, expected) \
	do { \
		struct given *g_ = (test)->priv; \
		const struct xqaccel_job_desc saved_ = g_->job; \
		g_->job.member = (value); \
		KUNIT_EXPECT_EQ(test, check(test), expected); \
		g_->job = saved_; \
	} while (0)

static void accepted(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, check(test), 0);
	EXPECT_WITH(test, work.gemm.m, 0, 0);
	EXPECT_WITH(test, work.gemm.k, 0, 0);
	EXPECT_WITH(test, user_data, ~0ULL, 0);
	EXPECT_WITH(test, work.flags, XQACCEL_JOB_ACCUMULATE, 0);
	EXPECT_WITH(test, operand[XQACCEL_A].offset, 3, 0);
	EXPECT_WITH(test, operand[XQACCEL_A].stride, 0, 0);
}

static void not_supported(struct kunit *test)
{
	struct given *g = test->priv;

	EXPECT_WITH(test, work.op, 0, -EOPNOTSUPP);
	EXPECT_WITH(test, work.op, XQACCEL_OP_CONV, -EOPNOTSUPP);
	EXPECT_WITH(test, work.op, 77, -EOPNOTSUPP);
	EXPECT_WITH(test, work.epilogue.kind, XQACCEL_EPILOGUE_FLOAT, -EOPNOTSUPP);
	EXPECT_WITH(test, work.flags, 1U << 31, -EOPNOTSUPP);
	EXPECT_WITH(test, work.gemm.a_format, 255, -EOPNOTSUPP);
	EXPECT_WITH(test, work.gemm.b_format, XQACCEL_FMT_U8, -EOPNOTSUPP);
	EXPECT_WITH(test, work.gemm.a_scale_format, 200, -EOPNOTSUPP);
	g->caps.tiled = 0;
	EXPECT_WITH(test, work.flags, XQACCEL_JOB_B_TILED, -EOPNOTSUPP);
	g->caps.features = 0;
	EXPECT_WITH(test, work.flags, XQACCEL_JOB_GROUP_ACC, -EOPNOTSUPP);
	EXPECT_WITH(test, work.gemm.a_scale_format, XQACCEL_FMT_U8, -EOPNOTSUPP);
	EXPECT_WITH(test, operand[XQACCEL_A_ZP].handle, 1, -EOPNOTSUPP);
}

static void contradictions(struct kunit *test)
{
	EXPECT_WITH(test, work.gemm.a_format, XQACCEL_FMT_NONE, -EINVAL);
	EXPECT_WITH(test, work.words[47], 1, -EINVAL);
	EXPECT_WITH(test, work.epilogue.format, 1, -EINVAL);
	EXPECT_WITH(test, operand[22].handle, 1, -EINVAL);
	EXPECT_WITH(test, operand[8].offset, 1, -EINVAL);
	EXPECT_WITH(test, work.gemm.batch, 0, -EINVAL);
	EXPECT_WITH(test, work.gemm.m, 65537, -EINVAL);
	EXPECT_WITH(test, work.gemm.n, 0xffffffff, -EINVAL);
	EXPECT_WITH(test, work.gemm.batch, 65537, -EINVAL);
	EXPECT_WITH(test, work.gemm.group, 5, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_C].plane_stride, 4, -EINVAL);
	EXPECT_WITH(test, work.gemm.a_scale_format, XQACCEL_FMT_S32, -EINVAL);
	/* An operand that formats or flags do not use, or that is missing. */
	EXPECT_WITH(test, operand[XQACCEL_CODEBOOK].handle, 1, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_A_SCALE].handle, 1, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_C].handle, 0, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B_ZP].offset, 4, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_A].reserved, 1, -EINVAL);
}

static void alignment(struct kunit *test)
{
	struct given *g = test->priv;

	EXPECT_WITH(test, operand[XQACCEL_C].offset, 126, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_C].stride, 18, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_C].batch_stride, 1, -EINVAL);
	g->job.work.flags = XQACCEL_JOB_B_TILED;
	g->job.operand[XQACCEL_B] = (struct xqaccel_operand){ .handle = 1, .offset = 4096 };
	KUNIT_EXPECT_EQ(test, check(test), 0);
	EXPECT_WITH(test, operand[XQACCEL_B].offset, 2048, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B].stride, 4096, -EINVAL);
}

static void codebook(struct kunit *test)
{
	struct given *g = test->priv;

	g->job.work.gemm.b_format = XQACCEL_FMT_C4;
	KUNIT_EXPECT_EQ(test, check(test), -EINVAL);
	g->job.operand[XQACCEL_CODEBOOK].handle = 1;
	KUNIT_EXPECT_EQ(test, check(test), 0);
	EXPECT_WITH(test, operand[XQACCEL_CODEBOOK].stride, 16, -EINVAL);
}

static void supergroup_sums(struct kunit *test)
{
	struct given *g = test->priv;
	struct xqaccel_gemm *w = &g->job.work.gemm;

	g->caps.features |= XQACCEL_FEATURE_GROUP_REAL;
	g->job.work.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM;
	w->group = 4;
	w->a_supergroup = 8;
	w->b_supergroup = 8;
	w->a_scale2_format = XQACCEL_FMT_F32;
	w->b_scale_format = XQACCEL_FMT_U8;
	w->b_scale2_format = XQACCEL_FMT_F16;
	w->b_min_format = XQACCEL_FMT_U8;
	w->b_min2_format = XQACCEL_FMT_F16;
	g->job.operand[XQACCEL_A_SCALE2] = (struct xqaccel_operand){ .handle = 1, .stride = 8 };
	g->job.operand[XQACCEL_B_SCALE] = (struct xqaccel_operand){ .handle = 1, .stride = 4 };
	g->job.operand[XQACCEL_B_SCALE2] = (struct xqaccel_operand){ .handle = 1, .stride = 4 };
	g->job.operand[XQACCEL_B_MIN] = (struct xqaccel_operand){ .handle = 1, .stride = 4 };
	g->job.operand[XQACCEL_B_MIN2] = (struct xqaccel_operand){ .handle = 1, .stride = 4 };
	KUNIT_EXPECT_EQ(test, check(test), -EOPNOTSUPP);
	g->caps.features |= XQACCEL_FEATURE_SUPERGROUP_SUM;
	KUNIT_EXPECT_EQ(test, check(test), 0);
	/* Each of them has to be there, and A's first level not. */
	EXPECT_WITH(test, operand[XQACCEL_A_SCALE2].handle, 0, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B_SCALE2].handle, 0, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B_SCALE], (struct xqaccel_operand){}, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B_MIN], (struct xqaccel_operand){}, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_B_MIN2], (struct xqaccel_operand){}, -EINVAL);
	EXPECT_WITH(test, operand[XQACCEL_A_SCALE].handle, 1, -EINVAL);
	EXPECT_WITH(test, work.flags, XQACCEL_JOB_SUPERGROUP_SUM, -EINVAL);
	EXPECT_WITH(test, work.gemm.a_scale_format, XQACCEL_FMT_U8, -EINVAL);
	EXPECT_WITH(test, work.gemm.a_supergroup, 16, -EINVAL);
	EXPECT_WITH(test, work.gemm.b_scale_format, XQACCEL_FMT_F16, -EINVAL);
	EXPECT_WITH(test, work.gemm.b_min2_format, XQACCEL_FMT_NONE, -EINVAL);
}

/* All words the same and not zero, so each kind of the operation is among them. */
static void operands_of(struct kunit *test, u32 op, u32 flags, u32 epilogue, u32 word)
{
	struct xqaccel_work work = { .op = op, .flags = flags };
	struct xq_extent e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(work.words); i++)
		work.words[i] = word;
	work.epilogue.kind = epilogue;
	/* Work was checked when it is asked for its operands. */
	if (op == XQACCEL_OP_GEMM && !(flags & XQACCEL_JOB_GROUP_REAL)) {
		work.gemm.a_scale2_format = 0;
		work.gemm.b_scale2_format = 0;
		work.gemm.b_min_format = 0;
		work.gemm.b_min2_format = 0;
	}
	for (i = 0; i < XQ_OPERANDS; i++) {
		xq_work_extent(&work, i, &e);
		if (!(xq_work_operands(&work) & BIT(i)))
			KUNIT_EXPECT_FALSE(test, e.used || e.required || e.written);
		if (!(xq_work_may_need(&work) & BIT(i)))
			KUNIT_EXPECT_FALSE(test, e.required);
	}
}

/* What an operation is said not to have at all it has in no case. */
static void operands(struct kunit *test)
{
	u32 op, kind, word;

	for (op = XQACCEL_OP_GEMM; op <= XQACCEL_OP_COPY; op++) {
		/* Only products and convolutions have an epilogue. */
		const u32 kinds = op <= XQACCEL_OP_CONV ? XQACCEL_EPILOGUE_FLOAT : 0;

		for (kind = 0; kind <= kinds; kind++) {
			for (word = 1; word <= XQACCEL_FMT_F32; word++) {
				operands_of(test, op, 0, kind, word);
				operands_of(test, op, XQACCEL_JOB_B_TILED, kind, word);
				if (op == XQACCEL_OP_GEMM)
					operands_of(test, op, XQACCEL_JOB_GROUP_REAL, kind, word);
				if (op == XQACCEL_OP_GEMM)
					operands_of(test, op, XQACCEL_JOB_GROUP_REAL |
						    XQACCEL_JOB_SUPERGROUP_SUM, kind, word);
			}
		}
	}
}

static struct kunit_case job_check_cases[] = {
	KUNIT_CASE(accepted),
	KUNIT_CASE(not_supported),
	KUNIT_CASE(contradictions),
	KUNIT_CASE(alignment),
	KUNIT_CASE(codebook),
	KUNIT_CASE(supergroup_sums),
	KUNIT_CASE(operands),
	{}
};

static struct kunit_suite job_check_suite = {
	.name = "xqaccel_job_check",
	.init = given_job,
	.test_cases = job_check_cases,
};
kunit_test_suite(job_check_suite);
