// SPDX-License-Identifier: GPL-2.0
/* Operations besides products and convolutions, and what is refused of them. */
#include "refusal.h"

/* ---- pools -------------------------------------------------------------------- */

static void pool(struct xqaccel_job_desc *job)
{
	job->work.op = XQACCEL_OP_POOL;
	job->work.pool = (struct xqaccel_pool){
		.kind = XQACCEL_POOL_AVERAGE, .format = XQACCEL_FMT_S8, .batch = 2, .in_h = 5,
		.in_w = 6, .channels = 4, .out_h = 3, .out_w = 2, .kernel_h = 2, .kernel_w = 3,
		.stride_h = 2, .stride_w = 3, .pad_top = 1, .act_min = -128, .act_max = 127,
	};
	refusal_operand(job, XQACCEL_X, REFUSAL_A, 4);
	job->operand[XQACCEL_X].plane_stride = 24;
	job->operand[XQACCEL_X].batch_stride = 120;
	refusal_operand(job, XQACCEL_Y, REFUSAL_OUTPUT, 4);
	job->operand[XQACCEL_Y].plane_stride = 8;
	job->operand[XQACCEL_Y].batch_stride = 24;
}

static const struct refusal pool_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_B_TILED),
	WITH(EOPNOTSUPP, work.pool.kind, XQACCEL_POOL_AVERAGE + 1),
	WITH(EOPNOTSUPP, work.pool.kind, 256 + XQACCEL_POOL_MAX),
	WITH(EINVAL, work.pool.format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.pool.format, XQACCEL_FMT_S4),
	WITH(EOPNOTSUPP, work.pool.format, XQACCEL_FMT_F32),
	WITH(EOPNOTSUPP, work.pool.format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.pool.batch, TOO_LARGE),
	WITH(EINVAL, work.pool.in_h, TOO_LARGE),
	WITH(EINVAL, work.pool.in_w, TOO_LARGE),
	WITH(EINVAL, work.pool.channels, TOO_LARGE),
	WITH(EINVAL, work.pool.out_h, TOO_LARGE),
	WITH(EINVAL, work.pool.out_w, TOO_LARGE),
	WITH(EINVAL, work.pool.kernel_h, 0),
	WITH(EINVAL, work.pool.kernel_h, TOO_LARGE),
	WITH(EINVAL, work.pool.kernel_w, 0),
	WITH(EINVAL, work.pool.kernel_w, TOO_LARGE),
	WITH(EINVAL, work.pool.stride_h, 0),
	WITH(EINVAL, work.pool.stride_h, TOO_LARGE),
	WITH(EINVAL, work.pool.stride_w, 0),
	WITH(EINVAL, work.pool.stride_w, TOO_LARGE),
	WITH(EINVAL, work.pool.pad_top, TOO_LARGE),
	WITH(EINVAL, work.pool.pad_left, TOO_LARGE),
	WITH(EINVAL, work.pool.act_min, 128),
	WITH(EINVAL, work.pool.act_max, -129),
	/* Products of sizes: a window, pixels of X and of Y. */
	WITH_TWO(EINVAL, work.pool.kernel_h, 1 << 12, work.pool.kernel_w, (1 << 11) + 1),
	WITH_TWO(EINVAL, work.pool.in_h, 1 << 13, work.pool.in_w, 1 << 13),
	WITH_TWO(EINVAL, work.pool.out_h, 1 << 13, work.pool.out_w, 1 << 13),
	WITH_TWO(EINVAL, work.pool.batch, 1 << 23, work.pool.in_h, 1 << 12),
	WITH(ERANGE, work.pool.in_h, 1 << 16),
	WITH(ERANGE, work.pool.in_w, 1 << 16),
	WITH(ERANGE, work.pool.channels, 1 << 20),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 3),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, 7),
	WITH(EINVAL, operand[XQACCEL_Y].batch_stride, 23),
	WITH(EOVERFLOW, operand[XQACCEL_X].batch_stride, UINT64_MAX),
	WITHOUT(X), WITHOUT(Y), BESIDES(W), BESIDES(A_ZP), BESIDES(A_SCALE),
};

static const struct refused_job pools[] = {
	REFUSED_JOB("pool", XQACCEL_FEATURE_POOL, pool),
};
const struct refused_jobs refused_pools = REFUSED_JOBS(pools);

/* ---- sums and products --------------------------------------------------------- */

/* Bytes of an index of the dimensions 0 to 4 of tensors of 3 x 2 x 2 x 2 x 2 x 4. */
#define STRIDE(i)	(4U << (4 - (i)))

static void tensor_operand(struct xqaccel_job_desc *job, unsigned int i, uint64_t offset)
{
	refusal_operand(job, i, offset, STRIDE(4));
	job->operand[i].plane_stride = STRIDE(3);
	job->operand[i].batch_stride = STRIDE(2);
}

static void elementwise(struct xqaccel_job_desc *job, uint32_t kind, uint32_t profile)
{
	struct xqaccel_elementwise *e = &job->work.elementwise;

	job->work.op = XQACCEL_OP_ELEMENTWISE;
	*e = (struct xqaccel_elementwise){
		.kind = kind, .format = XQACCEL_FMT_S8, .dim = { 3, 2, 2, 2, 2, 4 },
		.outer_stride = { { .low = STRIDE(0) }, { .low = STRIDE(1) } },
		.a.format = XQACCEL_FMT_S8, .b.format = XQACCEL_FMT_S8,
		.y = { .profile = profile, .act_min = -128, .act_max = 127 },
	};
	e->a.outer_stride[0] = e->outer_stride[0];
	e->a.outer_stride[1] = e->outer_stride[1];
	e->b.outer_stride[0] = e->outer_stride[0];
	e->b.outer_stride[1] = e->outer_stride[1];
	tensor_operand(job, XQACCEL_A, REFUSAL_A);
	tensor_operand(job, XQACCEL_B, REFUSAL_B);
	tensor_operand(job, XQACCEL_Y, REFUSAL_OUTPUT);
}

#define HALF	(1 << 30)

static void sum(struct xqaccel_job_desc *job)
{
	elementwise(job, XQACCEL_ELEMENTWISE_ADD, XQACCEL_PROFILE_TFLITE);
	job->work.elementwise.left_shift = 20;
	job->work.elementwise.a.multiplier = HALF;
	job->work.elementwise.b.multiplier = HALF;
	job->work.elementwise.y.multiplier = HALF;
	job->work.elementwise.y.shift = -19;
}

#define INPUT(x) \
	WITH(EINVAL, work.elementwise.x.format, XQACCEL_FMT_NONE), \
	WITH(EOPNOTSUPP, work.elementwise.x.format, XQACCEL_FMT_S16), \
	WITH(EOPNOTSUPP, work.elementwise.x.format, 256 + XQACCEL_FMT_S8), \
	WITH(EINVAL, work.elementwise.x.zero_point, 32001), \
	WITH(EINVAL, work.elementwise.x.zero_point, -32001), \
	WITH(EINVAL, work.elementwise.x.repeat, 2), \
	WITH(ERANGE, work.elementwise.x.outer_stride[0].low, REFUSAL_BYTES), \
	WITH(ERANGE, work.elementwise.x.outer_stride[0].high, 1), \
	WITH(EOVERFLOW, work.elementwise.x.outer_stride[0].high, 0xffffffff), \
	WITH(ERANGE, work.elementwise.x.outer_stride[1].low, REFUSAL_BYTES), \
	WITH(ERANGE, work.elementwise.x.outer_stride[1].high, 1)

static const struct refusal sum_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_B_TILED),
	WITH(EOPNOTSUPP, work.elementwise.kind, XQACCEL_ELEMENTWISE_MUL + 1),
	WITH(EOPNOTSUPP, work.elementwise.kind, 256 + XQACCEL_ELEMENTWISE_ADD),
	WITH(EINVAL, work.elementwise.kind, XQACCEL_ELEMENTWISE_MUL),
	WITH(EINVAL, work.elementwise.format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.elementwise.format, XQACCEL_FMT_S4),
	WITH(EOPNOTSUPP, work.elementwise.format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.elementwise.left_shift, 24),
	WITH(EINVAL, work.elementwise.left_shift, 0xffffffff),
	WITH_TWO(EINVAL, work.elementwise.left_shift, 18, work.elementwise.a.zero_point, 32000),
	WITH_TWO(EINVAL, work.elementwise.left_shift, 18, work.elementwise.b.zero_point, -32000),
	WITH(EINVAL, work.elementwise.dim[0], TOO_LARGE),
	WITH(EINVAL, work.elementwise.dim[1], TOO_LARGE),
	WITH(EINVAL, work.elementwise.dim[2], TOO_LARGE),
	WITH(EINVAL, work.elementwise.dim[3], TOO_LARGE),
	WITH(EINVAL, work.elementwise.dim[4], TOO_LARGE),
	WITH(EINVAL, work.elementwise.dim[5], TOO_LARGE),
	WITH(ERANGE, work.elementwise.dim[0], 1 << 20),
	/* More than 2^40 elements, also where there are none. */
	WITH_TWO(EINVAL, work.elementwise.dim[0], 1 << 23, work.elementwise.dim[1], 1 << 23),
	WITH_TWO(EINVAL, work.elementwise.dim[4], 1 << 23, work.elementwise.dim[5], 1 << 23),
	WITH(EINVAL, work.elementwise.outer_stride[0].low, 0),
	WITH(EINVAL, work.elementwise.outer_stride[0].low, STRIDE(0) - 1),
	WITH(ERANGE, work.elementwise.outer_stride[0].high, 1),
	WITH(EOVERFLOW, work.elementwise.outer_stride[0].high, 0xffffffff),
	WITH(EINVAL, work.elementwise.outer_stride[1].low, STRIDE(1) - 1),
	WITH(ERANGE, work.elementwise.outer_stride[1].high, 1),
	INPUT(a),
	WITH(EINVAL, work.elementwise.a.scale, 1),
	WITH(EINVAL, work.elementwise.a.add.low, 1),
	WITH(EINVAL, work.elementwise.a.add.high, 1),
	ANY(work.elementwise.a.multiplier),
	ANY(work.elementwise.a.shift),
	INPUT(b),
	WITH(EINVAL, work.elementwise.b.scale, 1),
	WITH(EINVAL, work.elementwise.b.add.low, 1),
	WITH(EINVAL, work.elementwise.b.add.high, 1),
	ANY(work.elementwise.b.multiplier),
	ANY(work.elementwise.b.shift),
	WITH(EOPNOTSUPP, work.elementwise.y.profile, XQACCEL_PROFILE_FLOOR_SHIFT + 1),
	WITH(EINVAL, work.elementwise.y.profile, XQACCEL_PROFILE_ONNX),
	WITH(EINVAL, work.elementwise.y.scale, 1),
	WITH(EINVAL, work.elementwise.y.add.low, 1),
	WITH(EINVAL, work.elementwise.y.add.high, 1),
	WITH(EINVAL, work.elementwise.y.act_min, 128),
	WITH(EINVAL, work.elementwise.y.act_max, -129),
	ANY(work.elementwise.y.multiplier),
	ANY(work.elementwise.y.shift),
	ANY(work.elementwise.y.zero_point),
	WITH(EINVAL, operand[XQACCEL_Y].stride, STRIDE(4) - 1),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, STRIDE(3) - 1),
	WITH(EINVAL, operand[XQACCEL_Y].batch_stride, STRIDE(2) - 1),
	WITH(EOVERFLOW, operand[XQACCEL_A].stride, UINT64_MAX),
	WITHOUT(A), WITHOUT(B), WITHOUT(Y), BESIDES(A_ZP), BESIDES(B_ZP), BESIDES(A_SCALE),
};

/* Its inputs are requantized, and their sum is only bounded. */
static void sum_by_floor_shift(struct xqaccel_job_desc *job)
{
	elementwise(job, XQACCEL_ELEMENTWISE_ADD, XQACCEL_PROFILE_FLOOR_SHIFT);
	job->work.elementwise.a.multiplier = 1;
	job->work.elementwise.b.multiplier = 1;
}

static const struct refusal sum_by_floor_shift_refusals[] = {
	WITH(EINVAL, work.elementwise.left_shift, 1),
	WITH(EINVAL, work.elementwise.y.multiplier, 1),
	WITH(EINVAL, work.elementwise.y.shift, 1),
	WITH(EINVAL, work.elementwise.y.scale, 1),
	WITH(EINVAL, work.elementwise.y.add.low, 1),
	WITH(EINVAL, work.elementwise.y.add.high, 1),
	WITH(EINVAL, work.elementwise.y.zero_point, 1),
	WITH(EINVAL, work.elementwise.y.act_min, 128),
	WITH(EINVAL, work.elementwise.a.scale, 1),
	WITH(EINVAL, work.elementwise.b.scale, 1),
	ANY(work.elementwise.a.add.low),
	ANY(work.elementwise.b.add.high),
};

#define ONE_F32	0x3f800000

static void sum_by_onnx(struct xqaccel_job_desc *job)
{
	elementwise(job, XQACCEL_ELEMENTWISE_ADD, XQACCEL_PROFILE_ONNX);
	job->work.elementwise.a.scale = ONE_F32;
	job->work.elementwise.b.scale = ONE_F32;
	job->work.elementwise.y.scale = ONE_F32;
}

static const struct refusal sum_by_onnx_refusals[] = {
	WITH(EINVAL, work.elementwise.left_shift, 1),
	WITH(EINVAL, work.elementwise.a.multiplier, 1),
	WITH(EINVAL, work.elementwise.a.shift, 1),
	WITH(EINVAL, work.elementwise.a.add.low, 1),
	WITH(EINVAL, work.elementwise.b.multiplier, 1),
	WITH(EINVAL, work.elementwise.b.shift, 1),
	WITH(EINVAL, work.elementwise.b.add.high, 1),
	WITH(EINVAL, work.elementwise.y.multiplier, 1),
	WITH(EINVAL, work.elementwise.y.shift, 1),
	WITH(EINVAL, work.elementwise.y.add.low, 1),
	WITH(EINVAL, work.elementwise.y.zero_point, 32001),
	WITH(EINVAL, work.elementwise.y.zero_point, -32001),
	/* Not finite, negative, zero: each has a meaning. */
	ANY(work.elementwise.a.scale),
	ANY(work.elementwise.b.scale),
	ANY(work.elementwise.y.scale),
};

static void multiplication(struct xqaccel_job_desc *job)
{
	elementwise(job, XQACCEL_ELEMENTWISE_MUL, XQACCEL_PROFILE_TFLITE_SINGLE);
	job->work.elementwise.y.multiplier = HALF;
	job->work.elementwise.b.repeat = 1;
}

static const struct refusal multiplication_refusals[] = {
	WITH(EINVAL, work.elementwise.left_shift, 1),
	WITH(EINVAL, work.elementwise.a.multiplier, 1),
	WITH(EINVAL, work.elementwise.a.shift, 1),
	WITH(EINVAL, work.elementwise.a.scale, 1),
	WITH(EINVAL, work.elementwise.a.add.low, 1),
	WITH(EINVAL, work.elementwise.a.add.high, 1),
	WITH(EINVAL, work.elementwise.b.multiplier, 1),
	WITH(EINVAL, work.elementwise.b.shift, 1),
	WITH(EINVAL, work.elementwise.b.scale, 1),
	WITH(EINVAL, work.elementwise.b.add.low, 1),
	WITH(EINVAL, work.elementwise.b.add.high, 1),
	WITH(EINVAL, work.elementwise.b.repeat, 3),
	WITH(EINVAL, work.elementwise.y.profile, XQACCEL_PROFILE_ONNX),
	WITH(EINVAL, work.elementwise.y.scale, 1),
	WITH(EINVAL, work.elementwise.y.add.high, 1),
	WITH(EINVAL, work.elementwise.y.act_max, -129),
};

#define ELEMENTWISE(name, describe) REFUSED_JOB(name, XQACCEL_FEATURE_ELEMENTWISE, describe)

static const struct refused_job elementwise_jobs[] = {
	ELEMENTWISE("sum by TFLite", sum),
	ELEMENTWISE("sum by floor shift", sum_by_floor_shift),
	ELEMENTWISE("sum by ONNX", sum_by_onnx),
	ELEMENTWISE("product of elements", multiplication),
};
const struct refused_jobs refused_elementwise = REFUSED_JOBS(elementwise_jobs);

/* ---- softmax --------------------------------------------------------------------- */

static void softmax(struct xqaccel_job_desc *job)
{
	job->work.op = XQACCEL_OP_SOFTMAX;
	job->work.softmax = (struct xqaccel_softmax){
		.rows = 3, .columns = 10, .multiplier = HALF, .shift = 20, .diff_min = -100,
	};
	refusal_operand(job, XQACCEL_X, REFUSAL_A, 16);
	refusal_operand(job, XQACCEL_Y, REFUSAL_OUTPUT, 16);
}

static const struct refusal softmax_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EINVAL, work.softmax.rows, TOO_LARGE),
	WITH(EINVAL, work.softmax.columns, TOO_LARGE),
	WITH(EINVAL, work.softmax.multiplier, -1),
	WITH(EINVAL, work.softmax.shift, -1),
	WITH(EINVAL, work.softmax.shift, 32),
	WITH(EINVAL, work.softmax.diff_min, 1),
	WITH(ERANGE, work.softmax.rows, 1 << 20),
	WITH(ERANGE, work.softmax.columns, 1 << 20),
	WITH(EINVAL, operand[XQACCEL_X].plane_stride, 16),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, 16),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 9),
	WITH(EOVERFLOW, operand[XQACCEL_X].stride, UINT64_MAX),
	WITHOUT(X), WITHOUT(Y), BESIDES(W), BESIDES(A_ZP), BESIDES(A_SCALE),
};

static const struct refused_job softmax_jobs[] = {
	REFUSED_JOB("softmax", XQACCEL_FEATURE_SOFTMAX, softmax),
};
const struct refused_jobs refused_softmax = REFUSED_JOBS(softmax_jobs);

/* ---- means ------------------------------------------------------------------------ */

static void mean(struct xqaccel_job_desc *job)
{
	job->work.op = XQACCEL_OP_MEAN;
	job->work.mean = (struct xqaccel_mean){
		.format = XQACCEL_FMT_S8, .y_format = XQACCEL_FMT_U8, .outer = 3, .count = 5,
		.inner = 7, .y = { .profile = XQACCEL_PROFILE_FLOOR_SHIFT, .multiplier = 13,
				   .shift = 6, .act_max = 255 },
	};
	refusal_operand(job, XQACCEL_X, REFUSAL_A, 8);
	job->operand[XQACCEL_X].batch_stride = 40;
	refusal_operand(job, XQACCEL_Y, REFUSAL_OUTPUT, 8);
}

static const struct refusal mean_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EINVAL, work.mean.format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.mean.format, XQACCEL_FMT_S16),
	WITH(EOPNOTSUPP, work.mean.format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.mean.y_format, XQACCEL_FMT_NONE),
	WITH(EOPNOTSUPP, work.mean.y_format, XQACCEL_FMT_S16),
	WITH(EOPNOTSUPP, work.mean.y_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.mean.outer, TOO_LARGE),
	WITH(EINVAL, work.mean.count, TOO_LARGE),
	WITH(EINVAL, work.mean.inner, TOO_LARGE),
	WITH(ERANGE, work.mean.outer, 1 << 20),
	WITH(ERANGE, work.mean.count, 1 << 20),
	WITH(ERANGE, work.mean.inner, 1 << 20),
	ANY(work.mean.zero_point),
	WITH(EOPNOTSUPP, work.mean.y.profile, XQACCEL_PROFILE_FLOOR_SHIFT + 1),
	WITH(EINVAL, work.mean.y.profile, XQACCEL_PROFILE_ONNX),
	WITH(EINVAL, work.mean.y.scale, 1),
	ANY(work.mean.y.multiplier),
	ANY(work.mean.y.shift),
	ANY(work.mean.y.add.low),
	ANY(work.mean.y.add.high),
	ANY(work.mean.y.zero_point),
	WITH(EINVAL, work.mean.y.act_min, 256),
	WITH(EINVAL, work.mean.y.act_max, -1),
	WITH(EINVAL, operand[XQACCEL_X].plane_stride, 16),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, 16),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 6),
	WITH(EOVERFLOW, operand[XQACCEL_X].batch_stride, UINT64_MAX),
	WITHOUT(X), WITHOUT(Y), BESIDES(W), BESIDES(A_ZP), BESIDES(A_SCALE),
};

static void mean_by_tflite(struct xqaccel_job_desc *job)
{
	mean(job);
	job->work.mean.y.profile = XQACCEL_PROFILE_TFLITE;
}

static const struct refusal mean_by_tflite_refusals[] = {
	WITH(EINVAL, work.mean.y.add.low, 1),
	WITH(EINVAL, work.mean.y.add.high, 1),
	WITH(EINVAL, work.mean.y.scale, 1),
};

static const struct refused_job mean_jobs[] = {
	REFUSED_JOB("mean", XQACCEL_FEATURE_MEAN, mean),
	REFUSED_JOB("mean by TFLite", XQACCEL_FEATURE_MEAN, mean_by_tflite),
};
const struct refused_jobs refused_means = REFUSED_JOBS(mean_jobs);

/* ---- copies ------------------------------------------------------------------------ */

/* Of 3 x 2 x 2 x 2 x 2 x 4 elements of so many bytes, which Y has without gaps. */
static void copy(struct xqaccel_job_desc *job, uint32_t kind, uint32_t x_format, uint32_t x_bytes,
		 uint32_t y_format, uint32_t y_bytes)
{
	struct xqaccel_copy *c = &job->work.copy;
	unsigned int i;

	job->work.op = XQACCEL_OP_COPY;
	*c = (struct xqaccel_copy){
		.kind = kind, .x_format = x_format, .y_format = y_format,
		.dim = { 3, 2, 2, 2, 2, 4 }, .x_inner_stride.low = x_bytes,
		.y_inner_stride.low = y_bytes,
	};
	tensor_operand(job, XQACCEL_X, REFUSAL_A);
	tensor_operand(job, XQACCEL_Y, REFUSAL_OUTPUT);
	for (i = 0; i < 2; i++) {
		c->x_outer_stride[i].low = x_bytes * STRIDE(i);
		c->y_outer_stride[i].low = y_bytes * STRIDE(i);
	}
	job->operand[XQACCEL_X].stride *= x_bytes;
	job->operand[XQACCEL_X].plane_stride *= x_bytes;
	job->operand[XQACCEL_X].batch_stride *= x_bytes;
	job->operand[XQACCEL_Y].stride *= y_bytes;
	job->operand[XQACCEL_Y].plane_stride *= y_bytes;
	job->operand[XQACCEL_Y].batch_stride *= y_bytes;
}

static void requantizing(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_REQUANT, XQACCEL_FMT_S16, 2, XQACCEL_FMT_S8, 1);
	job->work.copy.y = (struct xqaccel_requant){
		.profile = XQACCEL_PROFILE_TFLITE, .multiplier = HALF, .shift = -7,
		.act_min = -128, .act_max = 127,
	};
}

static const struct refusal requantizing_refusals[] = {
	WITH(EOPNOTSUPP, work.flags, XQACCEL_JOB_ACCUMULATE),
	WITH(EOPNOTSUPP, work.copy.kind, XQACCEL_COPY_DEQUANTIZE + 1),
	WITH(EOPNOTSUPP, work.copy.kind, 256 + XQACCEL_COPY_REQUANT),
	WITH(EINVAL, work.copy.kind, XQACCEL_COPY_NONE),
	WITH(EINVAL, work.copy.kind, XQACCEL_COPY_QUANTIZE),
	WITH(EINVAL, work.copy.kind, XQACCEL_COPY_DYNAMIC),
	WITH(EINVAL, work.copy.kind, XQACCEL_COPY_DEQUANTIZE),
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_F16),
	WITH(EOPNOTSUPP, work.copy.x_format, 256 + XQACCEL_FMT_S16),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_NONE),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_B1),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_C8),
	WITH(EOPNOTSUPP, work.copy.y_format, 256 + XQACCEL_FMT_S8),
	WITH(EINVAL, work.copy.dim[0], TOO_LARGE),
	WITH(EINVAL, work.copy.dim[1], TOO_LARGE),
	WITH(EINVAL, work.copy.dim[2], TOO_LARGE),
	WITH(EINVAL, work.copy.dim[3], TOO_LARGE),
	WITH(EINVAL, work.copy.dim[4], TOO_LARGE),
	WITH(EINVAL, work.copy.dim[5], TOO_LARGE),
	WITH_TWO(EINVAL, work.copy.dim[0], 1 << 23, work.copy.dim[5], 1 << 23),
	WITH(ERANGE, work.copy.dim[5], 1 << 20),
	WITH(EINVAL, work.copy.x_inner_stride.low, 1),
	WITH(ERANGE, work.copy.x_inner_stride.low, REFUSAL_BYTES),
	WITH(ERANGE, work.copy.x_inner_stride.high, 1),
	WITH(EOVERFLOW, work.copy.x_inner_stride.high, 0xffffffff),
	WITH(EINVAL, work.copy.y_inner_stride.low, 0),
	WITH(EINVAL, work.copy.y_inner_stride.low, 2),
	WITH(ERANGE, work.copy.y_inner_stride.high, 1),
	WITH(EINVAL, work.copy.x_outer_stride[0].low, 129),
	WITH(ERANGE, work.copy.x_outer_stride[0].high, 1),
	WITH(EINVAL, work.copy.x_outer_stride[1].low, 65),
	WITH(ERANGE, work.copy.x_outer_stride[1].high, 1),
	WITH(EINVAL, work.copy.y_outer_stride[0].low, 0),
	WITH(ERANGE, work.copy.y_outer_stride[0].high, 1),
	WITH(EINVAL, work.copy.y_outer_stride[1].low, STRIDE(1) - 1),
	WITH(ERANGE, work.copy.y_outer_stride[1].high, 1),
	ANY(work.copy.zero_point),
	WITH(EOPNOTSUPP, work.copy.y.profile, XQACCEL_PROFILE_FLOOR_SHIFT + 1),
	WITH(EINVAL, work.copy.y.profile, XQACCEL_PROFILE_ONNX),
	ANY(work.copy.y.multiplier),
	ANY(work.copy.y.shift),
	WITH(EINVAL, work.copy.y.scale, 1),
	WITH(EINVAL, work.copy.y.add.low, 1),
	WITH(EINVAL, work.copy.y.add.high, 1),
	ANY(work.copy.y.zero_point),
	WITH(EINVAL, work.copy.y.act_min, 128),
	WITH(EINVAL, work.copy.y.act_max, -129),
	WITH(EINVAL, operand[XQACCEL_X].offset, 1),
	WITH(EINVAL, operand[XQACCEL_X].stride, 9),
	WITH(EINVAL, operand[XQACCEL_X].plane_stride, 17),
	WITH(EINVAL, operand[XQACCEL_X].batch_stride, 33),
	WITH(EINVAL, operand[XQACCEL_Y].stride, STRIDE(4) - 1),
	WITH(EINVAL, operand[XQACCEL_Y].plane_stride, STRIDE(3) - 1),
	WITH(EINVAL, operand[XQACCEL_Y].batch_stride, STRIDE(2) - 1),
	WITHOUT(X), WITHOUT(Y), BESIDES(W), BESIDES(A_ZP), BESIDES(A_SCALE),
};

static void moving(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_NONE, XQACCEL_FMT_S8, 1, XQACCEL_FMT_U8, 1);
}

static const struct refusal moving_refusals[] = {
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_S16),
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_S4),
	WITH(EINVAL, work.copy.zero_point, 1),
	WITH(EINVAL, work.copy.y.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.copy.y.multiplier, 1),
	WITH(EINVAL, work.copy.y.shift, 1),
	WITH(EINVAL, work.copy.y.scale, 1),
	WITH(EINVAL, work.copy.y.add.low, 1),
	WITH(EINVAL, work.copy.y.add.high, 1),
	WITH(EINVAL, work.copy.y.zero_point, 1),
	WITH(EINVAL, work.copy.y.act_min, -1),
	WITH(EINVAL, work.copy.y.act_max, 1),
};

/* Rows of less than 8 bits an element are packed. */
static void moving_packed(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_NONE, XQACCEL_FMT_S4, 1, XQACCEL_FMT_U4, 1);
	job->work.copy.x_inner_stride.low = 0;
	job->work.copy.y_inner_stride.low = 0;
}

static const struct refusal moving_packed_refusals[] = {
	WITH(EINVAL, work.copy.x_inner_stride.low, 1),
	WITH(EINVAL, work.copy.x_inner_stride.high, 1),
	WITH(EINVAL, work.copy.y_inner_stride.low, 1),
	WITH(EINVAL, work.copy.y_inner_stride.high, 1),
	WITH(EINVAL, operand[XQACCEL_Y].stride, 1),
};

static void quantizing(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_QUANTIZE, XQACCEL_FMT_F32, 4, XQACCEL_FMT_S8, 1);
	job->work.copy.y.scale = ONE_F32;
	job->work.copy.y.act_min = -128;
	job->work.copy.y.act_max = 127;
}

static const struct refusal quantizing_refusals[] = {
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_F16),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_F32),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_B1),
	WITH(EINVAL, work.copy.zero_point, 1),
	WITH(EINVAL, work.copy.y.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.copy.y.multiplier, 1),
	WITH(EINVAL, work.copy.y.shift, 1),
	WITH(EINVAL, work.copy.y.add.low, 1),
	WITH(EINVAL, work.copy.y.add.high, 1),
	WITH(EINVAL, work.copy.y.zero_point, 32001),
	WITH(EINVAL, work.copy.y.zero_point, -32001),
	WITH(EINVAL, work.copy.y.act_min, 128),
	WITH(EINVAL, work.copy.y.act_max, -129),
	ANY(work.copy.y.scale),
	WITH(EINVAL, work.copy.x_inner_stride.low, 6),
	WITH(EINVAL, work.copy.x_outer_stride[1].low, 258),
};

static void quantizing_rows(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_DYNAMIC, XQACCEL_FMT_F32, 4, XQACCEL_FMT_U8, 1);
	job->work.copy.y.act_max = 255;
	refusal_operand(job, XQACCEL_Y_SCALE, REFUSAL_OUTPUT + 0x1000, 0);
	refusal_operand(job, XQACCEL_Y_ZP, REFUSAL_OUTPUT + 0x2000, 0);
}

static const struct refusal quantizing_rows_refusals[] = {
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.copy.zero_point, 1),
	WITH(EINVAL, work.copy.y.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.copy.y.multiplier, 1),
	WITH(EINVAL, work.copy.y.scale, ONE_F32),
	WITH(EINVAL, work.copy.y.zero_point, 1),
	WITH(EINVAL, work.copy.y.act_min, 256),
	WITH(EINVAL, work.copy.y.act_max, -1),
	/* What is written besides is an output, too. */
	WITH(EINVAL, operand[XQACCEL_Y_SCALE].offset, REFUSAL_OUTPUT),
	WITH(EINVAL, operand[XQACCEL_Y_ZP].offset, REFUSAL_A),
	WITH(EINVAL, operand[XQACCEL_Y_ZP].offset, REFUSAL_OUTPUT + 0x1000),
	WITH(EINVAL, operand[XQACCEL_Y_SCALE].offset, REFUSAL_OUTPUT + 0x1002),
	WITH(EINVAL, operand[XQACCEL_Y_SCALE].stride, 4),
	WITH(EINVAL, operand[XQACCEL_Y_ZP].stride, 4),
	WITH(ERANGE, operand[XQACCEL_Y_ZP].offset, REFUSAL_BYTES - 4 * 48 + 4),
};

static void dequantizing(struct xqaccel_job_desc *job)
{
	copy(job, XQACCEL_COPY_DEQUANTIZE, XQACCEL_FMT_S8, 1, XQACCEL_FMT_F32, 4);
	job->work.copy.y.scale = ONE_F32;
}

static const struct refusal dequantizing_refusals[] = {
	WITH(EINVAL, work.copy.x_format, XQACCEL_FMT_C8),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_S32),
	WITH(EINVAL, work.copy.y_format, XQACCEL_FMT_F16),
	ANY(work.copy.zero_point),
	ANY(work.copy.y.scale),
	WITH(EINVAL, work.copy.y.profile, XQACCEL_PROFILE_TFLITE),
	WITH(EINVAL, work.copy.y.shift, 1),
	WITH(EINVAL, work.copy.y.zero_point, 1),
	WITH(EINVAL, work.copy.y.act_min, -1),
	WITH(EINVAL, work.copy.y.act_max, 1),
	WITH(EINVAL, operand[XQACCEL_Y].offset, REFUSAL_OUTPUT + 2),
	BESIDES(Y_SCALE), BESIDES(Y_ZP),
};

#define COPY(name, describe) REFUSED_JOB(name, XQACCEL_FEATURE_COPY, describe)

static const struct refused_job copies[] = {
	COPY("copy, requantized", requantizing),
	COPY("copy", moving),
	COPY("copy of packed rows", moving_packed),
	COPY("copy, quantized", quantizing),
	COPY("copy, quantized by row", quantizing_rows),
	COPY("copy, dequantized", dequantizing),
};
const struct refused_jobs refused_copies = REFUSED_JOBS(copies);
