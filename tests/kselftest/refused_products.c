// SPDX-License-Identifier: GPL-2.0
/* Products, plain, in groups and with epilogues, and convolutions, and what is refused of them. */
#include "refusal.h"

/* s8 x s8 to int32. */
static void product(struct xqaccel_job_desc *job, uint32_t m, uint32_t n, uint32_t k)
{
	job->work.op = XQACCEL_OP_GEMM;
	job->work.gemm = (struct xqaccel_gemm){
		.m = m, .n = n, .k = k, .batch = 1,
		.a_format = XQACCEL_FMT_S8, .b_format = XQACCEL_FMT_S8,
	};
	refusal_operand(job, XQACCEL_A, REFUSAL_A, k);
	refusal_operand(job, XQACCEL_B, REFUSAL_B, k);
	refusal_operand(job, XQACCEL_C, REFUSAL_OUTPUT, 4 * n);
}

/* ---- without anything -------------------------------------------------------- */

static void plain(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
}

static const struct refusal plain_refusals[] = {
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_ACC),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_REAL),
	WITH(EINVAL, work.flags, XQACCEL_JOB_SUPERGROUP_SUM),
	WITH(EOPNOTSUPP, work.flags, 1U << 5),
	WITH(EINVAL, work.gemm.m, TOO_LARGE),
	WITH(EINVAL, work.gemm.n, TOO_LARGE),
	WITH(EINVAL, work.gemm.k, TOO_LARGE),
	WITH(EINVAL, work.gemm.batch, TOO_LARGE),
	WITH(EINVAL, work.gemm.batch, 0),
	WITH(ERANGE, work.gemm.m, 1 << 20),
	WITH(ERANGE, work.gemm.n, 1 << 20),
	WITH(ERANGE, work.gemm.k, 1 << 20),
	WITH(EINVAL, work.gemm.group, 3),
	WITH(EINVAL, work.gemm.a_format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.gemm.a_format, XQACCEL_FMT_F32),
	WITH(EOPNOTSUPP, work.gemm.a_format, XQACCEL_FMT_E8M0 + 1),
	WITH(EOPNOTSUPP, work.gemm.a_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.gemm.b_format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.gemm.b_format, XQACCEL_FMT_S32),
	WITH(EOPNOTSUPP, work.gemm.b_format, XQACCEL_FMT_E8M0 + 1),
	WITH(EOPNOTSUPP, work.gemm.b_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_U8),
	WITH(EOPNOTSUPP, work.gemm.a_scale_format, 256 + XQACCEL_FMT_U8),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_U8),
	WITH(EOPNOTSUPP, work.gemm.b_scale_format, 256 + XQACCEL_FMT_U8),
	WITH(EINVAL, work.gemm.a_scale2_format, XQACCEL_FMT_F16),
	WITH(EOPNOTSUPP, work.gemm.a_scale2_format, 256),
	WITH(EINVAL, work.gemm.b_scale2_format, XQACCEL_FMT_F16),
	WITH(EOPNOTSUPP, work.gemm.b_scale2_format, 256),
	WITH(EINVAL, work.gemm.b_min_format, XQACCEL_FMT_U8),
	WITH(EOPNOTSUPP, work.gemm.b_min_format, 256),
	WITH(EINVAL, work.gemm.b_min2_format, XQACCEL_FMT_F16),
	WITH(EOPNOTSUPP, work.gemm.b_min2_format, 256),
	WITH(EINVAL, work.gemm.a_supergroup, 64),
	WITH(EINVAL, work.gemm.b_supergroup, 64),
	ANY(work.gemm.a_zp),
	ANY(work.gemm.b_zp),
	WITH(EINVAL, operand[XQACCEL_C].offset, REFUSAL_OUTPUT + 2),
	WITH(EINVAL, operand[XQACCEL_C].stride, 66),
	WITH(EINVAL, operand[XQACCEL_C].stride, 60),
	WITH(EINVAL, operand[XQACCEL_C].batch_stride, 2),
	WITH(EINVAL, operand[XQACCEL_C].plane_stride, 1024),
	WITH(EINVAL, operand[XQACCEL_A].plane_stride, 1024),
	WITH(EINVAL, operand[XQACCEL_B].plane_stride, 1024),
	WITH(EOVERFLOW, operand[XQACCEL_A].offset, UINT64_MAX),
	WITH(EOVERFLOW, operand[XQACCEL_A].stride, UINT64_MAX),
	WITH(EOVERFLOW, operand[XQACCEL_B].stride, UINT64_MAX),
	WITH(EOVERFLOW, operand[XQACCEL_C].stride, 1ULL << 63),
	WITHOUT(A), WITHOUT(B), WITHOUT(C),
	BESIDES(A_SCALE), BESIDES(B_SCALE), BESIDES(CODEBOOK), BESIDES(A_SCALE2),
	BESIDES(B_SCALE2), BESIDES(B_MIN), BESIDES(B_MIN2), BESIDES(EPILOGUE_BIAS),
	BESIDES(EPILOGUE_FLOAT_BIAS),
};

static void tiled(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.flags = XQACCEL_JOB_B_TILED;
	refusal_operand(job, XQACCEL_B, REFUSAL_B, 0);
}

static const struct refusal tiled_refusals[] = {
	WITH(EINVAL, operand[XQACCEL_B].offset, REFUSAL_B + 2048),
	WITH(EINVAL, operand[XQACCEL_B].stride, 4096),
	WITH(EINVAL, operand[XQACCEL_B].batch_stride, 64),
	WITH(EINVAL, operand[XQACCEL_B].plane_stride, 4096),
	WITH(ERANGE, work.gemm.n, 16 * 32),
};

/* All that a plain product may have besides. */
static void furnished(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.gemm.b_format = XQACCEL_FMT_C4;
	refusal_operand(job, XQACCEL_B, REFUSAL_B, 32);
	refusal_operand(job, XQACCEL_A_ZP, REFUSAL_PARAMETER(0), 0);
	refusal_operand(job, XQACCEL_B_ZP, REFUSAL_PARAMETER(1), 0);
	refusal_operand(job, XQACCEL_CODEBOOK, REFUSAL_PARAMETER(2), 0);
}

static const struct refusal furnished_refusals[] = {
	WITH(EINVAL, operand[XQACCEL_A_ZP].offset, REFUSAL_PARAMETER(0) + 2),
	WITH(EINVAL, operand[XQACCEL_A_ZP].stride, 64),
	WITH(EINVAL, operand[XQACCEL_A_ZP].plane_stride, 64),
	WITH(EINVAL, operand[XQACCEL_A_ZP].batch_stride, 1),
	WITH(EINVAL, operand[XQACCEL_B_ZP].offset, REFUSAL_PARAMETER(1) + 2),
	WITH(EINVAL, operand[XQACCEL_B_ZP].stride, 64),
	WITH(EINVAL, operand[XQACCEL_B_ZP].plane_stride, 64),
	WITH(EINVAL, operand[XQACCEL_B_ZP].batch_stride, 1),
	WITH(EINVAL, operand[XQACCEL_CODEBOOK].stride, 16),
	WITH(EINVAL, operand[XQACCEL_CODEBOOK].plane_stride, 16),
	/* What is read as parameters is an input, too. */
	WITH(EINVAL, operand[XQACCEL_C].offset, REFUSAL_PARAMETER(1) + 60),
	WITH(EINVAL, operand[XQACCEL_C].offset, REFUSAL_PARAMETER(2) + 12),
	WITHOUT(CODEBOOK),
};

static const struct refused_job products[] = {
	REFUSED_JOB("product", 0, plain),
	REFUSED_JOB("product, tiled", 0, tiled),
	REFUSED_JOB("product with zero points and codebook", XQACCEL_FEATURE_A_ZP_ROWS, furnished),
};
const struct refused_jobs refused_products = REFUSED_JOBS(products);

/* ---- in groups --------------------------------------------------------------- */

static void accumulators(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.flags = XQACCEL_JOB_GROUP_ACC;
	job->work.gemm.group = 32;
	job->operand[XQACCEL_C].plane_stride = 4 * 4 * 16;
}

static const struct refusal accumulators_refusals[] = {
	WITH(EINVAL, work.gemm.group, 0),
	WITH(EINVAL, work.gemm.group, 48),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_U8),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_ACC | XQACCEL_JOB_GROUP_REAL),
	WITH(EINVAL, operand[XQACCEL_C].plane_stride, 0),
	WITH(EINVAL, operand[XQACCEL_C].plane_stride, 4 * 4 * 16 - 4),
	WITH(EINVAL, operand[XQACCEL_C].plane_stride, 4 * 4 * 16 + 2),
	WITH(ERANGE, operand[XQACCEL_C].plane_stride, REFUSAL_BYTES),
	WITH(ERANGE, operand[XQACCEL_C].plane_stride, 1ULL << 62),
	WITH_TWO(EOVERFLOW, work.gemm.group, 1, operand[XQACCEL_C].plane_stride, 1ULL << 61),
};

static void integer_scales(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.gemm.group = 32;
	job->work.gemm.a_scale_format = XQACCEL_FMT_U8;
	job->work.gemm.b_scale_format = XQACCEL_FMT_S32;
	refusal_operand(job, XQACCEL_A_SCALE, REFUSAL_PARAMETER(0), 2);
	refusal_operand(job, XQACCEL_B_SCALE, REFUSAL_PARAMETER(1), 8);
}

static const struct refusal integer_scales_refusals[] = {
	WITH(EINVAL, work.gemm.group, 0),
	WITH(EINVAL, work.gemm.group, 7),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_ACC),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_REAL),
	WITH(EINVAL, work.flags, XQACCEL_JOB_SUPERGROUP_SUM),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_S8),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_S16),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_F32),
	WITH(EINVAL, operand[XQACCEL_B_SCALE].offset, REFUSAL_PARAMETER(1) + 2),
	WITH(EINVAL, operand[XQACCEL_B_SCALE].stride, 6),
	WITH(EINVAL, operand[XQACCEL_B_SCALE].batch_stride, 2),
	WITH(EINVAL, operand[XQACCEL_B_SCALE].plane_stride, 8),
	WITH(EINVAL, operand[XQACCEL_A_SCALE].plane_stride, 8),
	WITH(EOVERFLOW, operand[XQACCEL_A_SCALE].stride, UINT64_MAX),
	WITH(ERANGE, operand[XQACCEL_A_SCALE].stride, REFUSAL_BYTES),
};

/* Of all that such a group can have all but a second level of A. */
static void real_scales(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.flags = XQACCEL_JOB_GROUP_REAL;
	job->work.gemm.group = 16;
	job->work.gemm.a_scale_format = XQACCEL_FMT_F16;
	job->work.gemm.b_scale_format = XQACCEL_FMT_U8;
	job->work.gemm.b_supergroup = 32;
	job->work.gemm.b_scale2_format = XQACCEL_FMT_F16;
	job->work.gemm.b_min_format = XQACCEL_FMT_U8;
	job->work.gemm.b_min2_format = XQACCEL_FMT_F32;
	refusal_operand(job, XQACCEL_A_SCALE, REFUSAL_PARAMETER(0), 8);
	refusal_operand(job, XQACCEL_B_SCALE, REFUSAL_PARAMETER(1), 4);
	refusal_operand(job, XQACCEL_B_SCALE2, REFUSAL_PARAMETER(2), 4);
	refusal_operand(job, XQACCEL_B_MIN, REFUSAL_PARAMETER(3), 4);
	refusal_operand(job, XQACCEL_B_MIN2, REFUSAL_PARAMETER(4), 8);
}

static const struct refusal real_scales_refusals[] = {
	WITH(EINVAL, work.gemm.group, 0),
	WITH(EINVAL, work.gemm.group, 5),
	WITH(EINVAL, work.flags, 0),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_GROUP_ACC),
	WITH(EINVAL, work.flags, XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.a_scale2_format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.gemm.a_supergroup, 32),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_S4),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_scale2_format, XQACCEL_FMT_U8),
	WITH(EINVAL, work.gemm.b_scale2_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_min_format, XQACCEL_FMT_U16),
	WITH(EINVAL, work.gemm.b_min_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_min2_format, XQACCEL_FMT_S8),
	WITH(EINVAL, work.gemm.b_min2_format, XQACCEL_FMT_NONE),
	/* None, no whole groups, and not a divisor of K. */
	WITH(EINVAL, work.gemm.b_supergroup, 0),
	WITH(EINVAL, work.gemm.b_supergroup, 8),
	WITH(EINVAL, work.gemm.b_supergroup, 48),
	WITH(EINVAL, operand[XQACCEL_A_SCALE].offset, REFUSAL_PARAMETER(0) + 1),
	WITH(EINVAL, operand[XQACCEL_A_SCALE].stride, 9),
	WITH(EINVAL, operand[XQACCEL_B_SCALE2].offset, REFUSAL_PARAMETER(2) + 1),
	WITH(EINVAL, operand[XQACCEL_B_SCALE2].stride, 5),
	WITH(EINVAL, operand[XQACCEL_B_MIN2].offset, REFUSAL_PARAMETER(4) + 2),
	WITH(EINVAL, operand[XQACCEL_B_MIN2].stride, 10),
	WITH(EINVAL, operand[XQACCEL_B_MIN].plane_stride, 16),
	WITH(ERANGE, operand[XQACCEL_B_MIN].stride, REFUSAL_BYTES),
	WITH(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_REQUANT),
	WITH(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_THRESHOLDS),
	BESIDES(A_SCALE2), BESIDES(CODEBOOK), BESIDES(EPILOGUE_BIAS),
};

/* Its sums are real, so that it has no accumulator for the integer bias. */
static void real_epilogue(struct xqaccel_job_desc *job)
{
	real_scales(job);
	job->work.epilogue.kind = XQACCEL_EPILOGUE_FLOAT;
	job->work.epilogue.format = XQACCEL_FMT_F32;
	refusal_operand(job, XQACCEL_EPILOGUE_FLOAT_BIAS, REFUSAL_PARAMETER(5), 0);
}

static const struct refusal real_epilogue_refusals[] = {
	WITH_TWO(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_REQUANT, work.epilogue.format,
		 XQACCEL_FMT_S8),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_FLOAT_BIAS].offset, REFUSAL_PARAMETER(5) + 2),
	BESIDES(EPILOGUE_BIAS),
};

static void largest_group(struct xqaccel_job_desc *job)
{
	product(job, 1, 1, 2 * XQACCEL_MAX_GROUP_REAL);
	job->work.flags = XQACCEL_JOB_GROUP_REAL;
	job->work.gemm.group = XQACCEL_MAX_GROUP_REAL;
}

static const struct refusal largest_group_refusals[] = {
	WITH(EINVAL, work.gemm.group, 2 * XQACCEL_MAX_GROUP_REAL),
};

static void supergroups(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 512);
	job->work.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM;
	job->work.gemm.group = 2;
	job->work.gemm.a_supergroup = 2 * XQACCEL_MAX_GROUPS_SUMMED;
	job->work.gemm.b_supergroup = 2 * XQACCEL_MAX_GROUPS_SUMMED;
	job->work.gemm.a_scale2_format = XQACCEL_FMT_F32;
	job->work.gemm.b_scale_format = XQACCEL_FMT_U8;
	job->work.gemm.b_scale2_format = XQACCEL_FMT_F16;
	job->work.gemm.b_min_format = XQACCEL_FMT_S8;
	job->work.gemm.b_min2_format = XQACCEL_FMT_F16;
	refusal_operand(job, XQACCEL_A_SCALE2, REFUSAL_PARAMETER(0), 8);
	refusal_operand(job, XQACCEL_B_SCALE, REFUSAL_PARAMETER(2), 256);
	refusal_operand(job, XQACCEL_B_SCALE2, REFUSAL_PARAMETER(1), 4);
	refusal_operand(job, XQACCEL_B_MIN, REFUSAL_PARAMETER(4), 256);
	refusal_operand(job, XQACCEL_B_MIN2, REFUSAL_PARAMETER(6), 4);
}

static const struct refusal supergroups_refusals[] = {
	WITH(EINVAL, work.flags, XQACCEL_JOB_SUPERGROUP_SUM),
	WITH(EINVAL, work.gemm.group, 0),
	WITH(EINVAL, work.gemm.group, 1),
	WITH(EINVAL, work.gemm.a_supergroup, 512),
	WITH(EINVAL, work.gemm.b_supergroup, 512),
	WITH_TWO(EINVAL, work.gemm.a_supergroup, 512, work.gemm.b_supergroup, 512),
	WITH(EINVAL, work.gemm.a_scale_format, XQACCEL_FMT_U8),
	WITH(EINVAL, work.gemm.a_scale2_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.gemm.b_scale_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_scale2_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_min_format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.gemm.b_min_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.gemm.b_min2_format, XQACCEL_FMT_NONE),
	WITHOUT(A_SCALE2), WITHOUT(B_SCALE), WITHOUT(B_SCALE2), WITHOUT(B_MIN), WITHOUT(B_MIN2),
	BESIDES(A_SCALE),
};

static void largest_supergroup(struct xqaccel_job_desc *job)
{
	product(job, 1, 1, 2 * XQACCEL_MAX_GROUP_REAL);
	job->work.flags = XQACCEL_JOB_GROUP_REAL | XQACCEL_JOB_SUPERGROUP_SUM;
	job->work.gemm.group = XQACCEL_MAX_GROUP_REAL / 2;
	job->work.gemm.a_supergroup = XQACCEL_MAX_GROUP_REAL;
	job->work.gemm.b_supergroup = XQACCEL_MAX_GROUP_REAL;
	job->work.gemm.a_scale2_format = XQACCEL_FMT_F32;
	job->work.gemm.b_scale_format = XQACCEL_FMT_U8;
	job->work.gemm.b_scale2_format = XQACCEL_FMT_F16;
	refusal_operand(job, XQACCEL_A_SCALE2, REFUSAL_PARAMETER(0), 8);
	refusal_operand(job, XQACCEL_B_SCALE, REFUSAL_PARAMETER(1), 4);
	refusal_operand(job, XQACCEL_B_SCALE2, REFUSAL_PARAMETER(2), 4);
}

static const struct refusal largest_supergroup_refusals[] = {
	WITH_TWO(EINVAL, work.gemm.a_supergroup, 2 * XQACCEL_MAX_GROUP_REAL, work.gemm.b_supergroup,
		 2 * XQACCEL_MAX_GROUP_REAL),
};

#define REAL		XQACCEL_FEATURE_GROUP_REAL
#define SUMMED		(REAL | XQACCEL_FEATURE_SUPERGROUP_SUM)

static const struct refused_job groups[] = {
	REFUSED_JOB("an accumulator for each group", XQACCEL_FEATURE_GROUP_ACC, accumulators),
	REFUSED_JOB("integer scales", XQACCEL_FEATURE_GROUP_SCALE, integer_scales),
	REFUSED_JOB("real scales", REAL, real_scales),
	REFUSED_JOB("real scales, epilogue", REAL | XQACCEL_FEATURE_EPILOGUE, real_epilogue),
	REFUSED_JOB("largest group", REAL, largest_group),
	REFUSED_JOB("sums of supergroups", SUMMED, supergroups),
	REFUSED_JOB("largest supergroup", SUMMED, largest_supergroup),
};
const struct refused_jobs refused_groups = REFUSED_JOBS(groups);

/* ---- epilogues ------------------------------------------------------------------ */

static void requantized(struct xqaccel_job_desc *job, uint32_t profile)
{
	product(job, 4, 16, 64);
	job->work.epilogue = (struct xqaccel_epilogue){
		.kind = XQACCEL_EPILOGUE_REQUANT, .profile = profile, .format = XQACCEL_FMT_S8,
		.channels = 1, .act_min = -128, .act_max = 127,
	};
	job->operand[XQACCEL_C].stride = 16;
	refusal_operand(job, XQACCEL_EPILOGUE_BIAS, REFUSAL_PARAMETER(0), 0);
}

static void by_tflite(struct xqaccel_job_desc *job)
{
	requantized(job, XQACCEL_PROFILE_TFLITE);
	refusal_operand(job, XQACCEL_EPILOGUE_MULTIPLIER, REFUSAL_PARAMETER(1), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_SHIFT, REFUSAL_PARAMETER(2), 0);
}

static const struct refusal by_tflite_refusals[] = {
	WITH(EOPNOTSUPP, work.epilogue.kind, XQACCEL_EPILOGUE_FLOAT + 1),
	WITH(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_NONE),
	WITH(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_THRESHOLDS),
	WITH(EINVAL, work.epilogue.kind, XQACCEL_EPILOGUE_FLOAT),
	WITH(EOPNOTSUPP, work.epilogue.profile, XQACCEL_PROFILE_FLOOR_SHIFT + 1),
	WITH(EOPNOTSUPP, work.epilogue.profile, 256 + XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.epilogue.profile, XQACCEL_PROFILE_ONNX),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_F32),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_C8),
	WITH(EOPNOTSUPP, work.epilogue.format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_S8),
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_S4),
	WITH(EOPNOTSUPP, work.epilogue.index_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.epilogue.channels, 2),
	WITH(EINVAL, work.epilogue.thresholds, 1),
	WITH(EINVAL, work.epilogue.act_min, 128),
	WITH(EINVAL, work.epilogue.act_max, -129),
	WITH(EINVAL, work.epilogue.reserved, 1),
	ANY(work.epilogue.zero_point),
	WITH(EINVAL, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH_TWO(EINVAL, work.flags, XQACCEL_JOB_GROUP_ACC, work.gemm.group, 64),
	WITH_TWO(EINVAL, work.flags, XQACCEL_JOB_GROUP_REAL, work.gemm.group, 64),
	WITH(EINVAL, operand[XQACCEL_C].stride, 15),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_BIAS].offset, REFUSAL_PARAMETER(0) + 1),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_BIAS].stride, 64),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_BIAS].plane_stride, 64),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_MULTIPLIER].offset, REFUSAL_PARAMETER(1) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_MULTIPLIER].stride, 64),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_MULTIPLIER].plane_stride, 64),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_SHIFT].offset, REFUSAL_PARAMETER(2) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_SHIFT].stride, 64),
	WITH(EINVAL, operand[XQACCEL_C].offset, REFUSAL_PARAMETER(0) + 63),
	WITHOUT(EPILOGUE_MULTIPLIER), WITHOUT(EPILOGUE_SHIFT),
	BESIDES(EPILOGUE_ADD), BESIDES(EPILOGUE_SCALE), BESIDES(EPILOGUE_TABLE),
	BESIDES(EPILOGUE_THRESHOLD), BESIDES(EPILOGUE_DECREASES), BESIDES(EPILOGUE_ROW_SCALE),
	BESIDES(EPILOGUE_COLUMN_SCALE), BESIDES(EPILOGUE_FLOAT_BIAS), BESIDES(A_SCALE2),
};

static void by_floor_shift(struct xqaccel_job_desc *job)
{
	requantized(job, XQACCEL_PROFILE_FLOOR_SHIFT);
	refusal_operand(job, XQACCEL_EPILOGUE_MULTIPLIER, REFUSAL_PARAMETER(1), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_SHIFT, REFUSAL_PARAMETER(2), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_ADD, REFUSAL_PARAMETER(3), 0);
}

static const struct refusal by_floor_shift_refusals[] = {
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_ADD].offset, REFUSAL_PARAMETER(3) + 4),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_ADD].stride, 64),
	WITH(ERANGE, operand[XQACCEL_EPILOGUE_ADD].offset, REFUSAL_BYTES - 120),
	WITHOUT(EPILOGUE_MULTIPLIER), WITHOUT(EPILOGUE_SHIFT),
	BESIDES(EPILOGUE_SCALE),
};

static void by_table(struct xqaccel_job_desc *job)
{
	requantized(job, XQACCEL_PROFILE_ONNX);
	job->work.epilogue.format = XQACCEL_FMT_U4;
	job->work.epilogue.index_format = XQACCEL_FMT_U8;
	job->work.epilogue.act_min = 0;
	job->work.epilogue.act_max = 255;
	job->operand[XQACCEL_C].stride = 8;
	refusal_operand(job, XQACCEL_EPILOGUE_SCALE, REFUSAL_PARAMETER(1), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_TABLE, REFUSAL_PARAMETER(2), 0);
}

static const struct refusal by_table_refusals[] = {
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_S16),
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_C8),
	WITH_TWO(EINVAL, work.epilogue.format, XQACCEL_FMT_S16, operand[XQACCEL_C].stride, 32),
	WITH(EINVAL, work.epilogue.profile, XQACCEL_PROFILE_TFLITE_SINGLE),
	WITH(EINVAL, work.epilogue.act_min, 256),
	WITH(EINVAL, work.epilogue.act_max, -1),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_SCALE].offset, REFUSAL_PARAMETER(1) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_TABLE].stride, 1),
	WITH(ERANGE, operand[XQACCEL_EPILOGUE_TABLE].offset, REFUSAL_BYTES - 255),
	WITHOUT(EPILOGUE_SCALE), WITHOUT(EPILOGUE_TABLE),
	BESIDES(EPILOGUE_MULTIPLIER), BESIDES(EPILOGUE_SHIFT), BESIDES(EPILOGUE_ADD),
};

static void by_thresholds(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.epilogue = (struct xqaccel_epilogue){
		.kind = XQACCEL_EPILOGUE_THRESHOLDS, .format = XQACCEL_FMT_U2, .thresholds = 3,
		.act_max = 3,
	};
	job->operand[XQACCEL_C].stride = 4;
	refusal_operand(job, XQACCEL_EPILOGUE_THRESHOLD, REFUSAL_PARAMETER(0), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_DECREASES, REFUSAL_PARAMETER(1), 0);
}

static const struct refusal by_thresholds_refusals[] = {
	WITH(EINVAL, work.epilogue.thresholds, 0),
	WITH(EINVAL, work.epilogue.thresholds, 256),
	WITH(EINVAL, work.epilogue.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.epilogue.channels, 1),
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_U8),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_F32),
	WITH(EINVAL, work.epilogue.act_min, 4),
	WITH(EINVAL, work.epilogue.act_max, -1),
	ANY(work.epilogue.zero_point),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_THRESHOLD].offset, REFUSAL_PARAMETER(0) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_THRESHOLD].stride, 12),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_DECREASES].stride, 1),
	WITH(ERANGE, operand[XQACCEL_EPILOGUE_THRESHOLD].offset, REFUSAL_BYTES - 3 * 64 + 4),
	WITHOUT(EPILOGUE_THRESHOLD),
	BESIDES(EPILOGUE_MULTIPLIER), BESIDES(EPILOGUE_SCALE), BESIDES(EPILOGUE_TABLE),
	BESIDES(EPILOGUE_FLOAT_BIAS),
};

static void to_float(struct xqaccel_job_desc *job)
{
	product(job, 4, 16, 64);
	job->work.epilogue.kind = XQACCEL_EPILOGUE_FLOAT;
	job->work.epilogue.format = XQACCEL_FMT_F32;
	refusal_operand(job, XQACCEL_EPILOGUE_BIAS, REFUSAL_PARAMETER(0), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_ROW_SCALE, REFUSAL_PARAMETER(1), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_COLUMN_SCALE, REFUSAL_PARAMETER(2), 0);
	refusal_operand(job, XQACCEL_EPILOGUE_FLOAT_BIAS, REFUSAL_PARAMETER(3), 0);
}

static const struct refusal to_float_refusals[] = {
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_S8),
	WITH(EINVAL, work.epilogue.format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.epilogue.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.epilogue.channels, 1),
	WITH(EINVAL, work.epilogue.thresholds, 1),
	WITH(EINVAL, work.epilogue.index_format, XQACCEL_FMT_U8),
	WITH(EINVAL, work.epilogue.zero_point, 1),
	WITH(EINVAL, work.epilogue.act_min, 1),
	WITH(EINVAL, work.epilogue.act_max, 1),
	WITH(EINVAL, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EINVAL, operand[XQACCEL_C].offset, REFUSAL_OUTPUT + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_ROW_SCALE].offset, REFUSAL_PARAMETER(1) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_ROW_SCALE].stride, 4),
	WITH(ERANGE, operand[XQACCEL_EPILOGUE_ROW_SCALE].offset, REFUSAL_BYTES - 12),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_COLUMN_SCALE].offset, REFUSAL_PARAMETER(2) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_COLUMN_SCALE].stride, 4),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_FLOAT_BIAS].offset, REFUSAL_PARAMETER(3) + 2),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_FLOAT_BIAS].stride, 4),
	BESIDES(EPILOGUE_MULTIPLIER), BESIDES(EPILOGUE_SHIFT), BESIDES(EPILOGUE_ADD),
	BESIDES(EPILOGUE_SCALE), BESIDES(EPILOGUE_TABLE), BESIDES(EPILOGUE_THRESHOLD),
	BESIDES(EPILOGUE_DECREASES),
};

#define EPILOGUE(name, describe) REFUSED_JOB(name, XQACCEL_FEATURE_EPILOGUE, describe)

static const struct refused_job epilogues[] = {
	EPILOGUE("requantization by TFLite", by_tflite),
	EPILOGUE("requantization by floor shift", by_floor_shift),
	EPILOGUE("requantization by ONNX, table", by_table),
	EPILOGUE("thresholds", by_thresholds),
	EPILOGUE("to float32", to_float),
};
const struct refused_jobs refused_epilogues = REFUSED_JOBS(epilogues);

/* ---- convolutions ------------------------------------------------------------------ */

static void convolution(struct xqaccel_job_desc *job)
{
	job->work.op = XQACCEL_OP_CONV;
	job->work.conv = (struct xqaccel_conv){
		.batch = 2, .in_h = 5, .in_w = 6, .in_c = 4, .out_h = 4, .out_w = 5, .out_c = 6,
		.kernel_h = 3, .kernel_w = 2, .groups = 2, .stride_h = 1, .stride_w = 1,
		.dilation_h = 1, .dilation_w = 1, .pad_top = 1, .x_format = XQACCEL_FMT_S8,
		.w_format = XQACCEL_FMT_S8, .x_zp = -3,
	};
	refusal_operand(job, XQACCEL_X, REFUSAL_A, 4);
	job->operand[XQACCEL_X].plane_stride = 24;
	job->operand[XQACCEL_X].batch_stride = 120;
	refusal_operand(job, XQACCEL_W, REFUSAL_B, 12);
	refusal_operand(job, XQACCEL_Y, REFUSAL_OUTPUT, 24);
	job->operand[XQACCEL_Y].plane_stride = 120;
	job->operand[XQACCEL_Y].batch_stride = 480;
}

static const struct refusal convolution_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_GROUP_ACC),
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_GROUP_REAL),
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_SUPERGROUP_SUM),
	WITH(EINVAL, work.conv.batch, TOO_LARGE),
	WITH(EINVAL, work.conv.in_h, TOO_LARGE),
	WITH(EINVAL, work.conv.in_w, TOO_LARGE),
	WITH(EINVAL, work.conv.in_c, TOO_LARGE),
	WITH(EINVAL, work.conv.in_c, 5),
	WITH(EINVAL, work.conv.out_h, TOO_LARGE),
	WITH(EINVAL, work.conv.out_w, TOO_LARGE),
	WITH(EINVAL, work.conv.out_c, TOO_LARGE),
	WITH(EINVAL, work.conv.out_c, 7),
	WITH(EINVAL, work.conv.kernel_h, 0),
	WITH(EINVAL, work.conv.kernel_h, TOO_LARGE),
	WITH(EINVAL, work.conv.kernel_w, 0),
	WITH(EINVAL, work.conv.kernel_w, TOO_LARGE),
	WITH(EINVAL, work.conv.groups, 0),
	WITH(EINVAL, work.conv.groups, 4),
	WITH(EINVAL, work.conv.stride_h, 0),
	WITH(EINVAL, work.conv.stride_h, TOO_LARGE),
	WITH(EINVAL, work.conv.stride_w, 0),
	WITH(EINVAL, work.conv.stride_w, TOO_LARGE),
	WITH(EINVAL, work.conv.dilation_h, 0),
	WITH(EINVAL, work.conv.dilation_h, TOO_LARGE),
	WITH(EINVAL, work.conv.dilation_w, 0),
	WITH(EINVAL, work.conv.dilation_w, TOO_LARGE),
	WITH(EINVAL, work.conv.pad_top, TOO_LARGE),
	WITH(EINVAL, work.conv.pad_left, TOO_LARGE),
	WITH(EINVAL, work.conv.transposed, 2),
	WITH(EINVAL, work.conv.x_format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.conv.x_format, XQACCEL_FMT_F32),
	WITH(EOPNOTSUPP, work.conv.x_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.conv.w_format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.conv.w_format, XQACCEL_FMT_S32),
	WITH(EOPNOTSUPP, work.conv.w_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.conv.x_zp, 128),
	WITH(EINVAL, work.conv.x_zp, -129),
	WITH(EINVAL, work.conv.reserved, 1),
	ANY(work.conv.w_zp),
	/* Products of sizes: pixels of X and of Y, elements of a kernel. */
	WITH_TWO(EINVAL, work.conv.in_h, 1 << 13, work.conv.in_w, 1 << 13),
	WITH_TWO(EINVAL, work.conv.out_h, 1 << 13, work.conv.out_w, 1 << 13),
	WITH_TWO(EINVAL, work.conv.batch, 1 << 23, work.conv.in_h, 1 << 12),
	WITH_TWO(EINVAL, work.conv.kernel_h, 1 << 13, work.conv.kernel_w, 1 << 13),
	WITH(ERANGE, work.conv.in_h, 1 << 16),
	WITH(ERANGE, work.conv.out_h, 1 << 16),
	WITH(ERANGE, work.conv.out_c, 1 << 16),
	WITH(EINVAL, operand[XQACCEL_Y].offset, REFUSAL_OUTPUT + 2),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 20),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, 116),
	WITH(EINVAL, operand[XQACCEL_Y].batch_stride, 476),
	WITH(EINVAL, operand[XQACCEL_W].plane_stride, 4096),
	WITH(EOVERFLOW, operand[XQACCEL_X].plane_stride, UINT64_MAX),
	WITHOUT(X), WITHOUT(W), WITHOUT(Y),
	BESIDES(A_ZP), BESIDES(A_SCALE), BESIDES(B_SCALE), BESIDES(CODEBOOK), BESIDES(A_SCALE2),
	BESIDES(EPILOGUE_BIAS),
};

static void tiled_convolution(struct xqaccel_job_desc *job)
{
	convolution(job);
	job->work.flags = XQACCEL_JOB_B_TILED;
	refusal_operand(job, XQACCEL_W, REFUSAL_B, 0);
	job->operand[XQACCEL_W].batch_stride = 4096;
	refusal_operand(job, XQACCEL_W_ZP, REFUSAL_PARAMETER(0), 0);
}

static const struct refusal tiled_convolution_refusals[] = {
	WITH(EINVAL, operand[XQACCEL_W].offset, REFUSAL_B + 64),
	WITH(EINVAL, operand[XQACCEL_W].stride, 4096),
	WITH(EINVAL, operand[XQACCEL_W].batch_stride, 64),
	WITH(EINVAL, operand[XQACCEL_W_ZP].offset, REFUSAL_PARAMETER(0) + 2),
	WITH(EINVAL, operand[XQACCEL_W_ZP].stride, 4),
};

static void requantized_convolution(struct xqaccel_job_desc *job)
{
	convolution(job);
	job->work.epilogue = (struct xqaccel_epilogue){
		.kind = XQACCEL_EPILOGUE_REQUANT, .format = XQACCEL_FMT_S16, .act_min = -32768,
		.act_max = 32767,
	};
	refusal_operand(job, XQACCEL_EPILOGUE_SCALE, REFUSAL_PARAMETER(0), 0);
}

static const struct refusal requantized_convolution_refusals[] = {
	WITH(EINVAL, operand[XQACCEL_Y].offset, REFUSAL_OUTPUT + 1),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 25),
	WITH(EINVAL, operand[XQACCEL_EPILOGUE_SCALE].offset, REFUSAL_PARAMETER(0) + 2),
	WITH(EINVAL, work.epilogue.act_min, 32768),
	WITHOUT(EPILOGUE_SCALE),
	BESIDES(EPILOGUE_MULTIPLIER), BESIDES(EPILOGUE_ROW_SCALE), BESIDES(B_MIN2),
};

static const struct refused_job convolutions[] = {
	REFUSED_JOB("convolution", XQACCEL_FEATURE_CONV, convolution),
	REFUSED_JOB("convolution, tiled", XQACCEL_FEATURE_CONV, tiled_convolution),
	REFUSED_JOB("convolution, requantized", XQACCEL_FEATURE_CONV | XQACCEL_FEATURE_EPILOGUE,
		    requantized_convolution),
};
const struct refused_jobs refused_convolutions = REFUSED_JOBS(convolutions);
