// SPDX-License-Identifier: GPL-2.0
/* Convolutions through the driver, bit for bit against naive loops, and what of them is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "gemm_case.h"
#include "harness.h"

#define MEMORY		(1U << 20)
#define X_AT		0
#define W_AT		(MEMORY / 4)
#define Y_AT		(MEMORY / 2)

FIXTURE(conv)
{
	int fd;
	struct xqaccel_info info;
	struct buffer buf;
	struct random random;
	struct xqaccel_job_desc job;
	struct xqaccel_completion c;
};

/* The smallest that has everything. */
static void describe(struct xqaccel_job_desc *job, uint32_t handle)
{
	*job = (struct xqaccel_job_desc){
		.work = {
			.op = XQACCEL_OP_CONV,
			.conv = {
				.batch = 2, .in_h = 5, .in_w = 6, .in_c = 4, .out_h = 4, .out_w = 5,
				.out_c = 6, .kernel_h = 3, .kernel_w = 2, .groups = 2,
				.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
				.pad_top = 1, .x_format = XQACCEL_FMT_S8,
				.w_format = XQACCEL_FMT_S8, .x_zp = -3, .w_zp = 2,
			},
		},
		.operand = {
			[XQACCEL_X] = { .handle = handle, .offset = X_AT, .stride = 4,
					.plane_stride = 24, .batch_stride = 120 },
			[XQACCEL_W] = { .handle = handle, .offset = W_AT, .stride = 12 },
			[XQACCEL_Y] = { .handle = handle, .offset = Y_AT, .stride = 24,
					.plane_stride = 120, .batch_stride = 480 },
		},
	};
}

FIXTURE_SETUP(conv)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_info(self->fd, &self->info));
	if (!(self->info.features & XQACCEL_FEATURE_CONV))
		SKIP(return, "the device has no convolutions");
	ASSERT_EQ(0, buffer_create(self->fd, MEMORY, &self->buf));
	self->random.state = 1;
	describe(&self->job, self->buf.handle);
}

FIXTURE_TEARDOWN(conv)
{
	close(self->fd);
}

/* One output, from the description in the header alone. */
static int32_t output(const int8_t *x, const int8_t *w, const struct xqaccel_conv *c, uint32_t n,
		      uint32_t p, uint32_t q, uint32_t o)
{
	const uint32_t channels = c->in_c / c->groups;
	const uint32_t first = o / (c->out_c / c->groups) * channels;
	uint32_t r, s, i, sum = 0;

	for (r = 0; r < c->kernel_h; r++) {
		for (s = 0; s < c->kernel_w; s++) {
			const int64_t row = (int64_t)p * c->stride_h + r * c->dilation_h -
					    c->pad_top;
			const int64_t column = (int64_t)q * c->stride_w + s * c->dilation_w -
					       c->pad_left;

			if (row < 0 || row >= c->in_h || column < 0 || column >= c->in_w)
				continue;
			for (i = 0; i < channels; i++) {
				const int8_t xe = x[((n * c->in_h + row) * c->in_w + column) *
						    c->in_c + first + i];
				const int8_t we = w[((o * c->kernel_h + r) * c->kernel_w + s) *
						    channels + i];

				sum += (uint32_t)((xe - c->x_zp) * (we - c->w_zp));
			}
		}
	}
	return (int32_t)sum;
}

static int differences(const struct buffer *buf, const struct xqaccel_conv *c)
{
	const int32_t *y = (const int32_t *)(buf->map + Y_AT);
	const int8_t *x = (const int8_t *)buf->map + X_AT, *w = (const int8_t *)buf->map + W_AT;
	uint32_t n, p, q, o;
	int wrong = 0;

	for (n = 0; n < c->batch; n++)
		for (p = 0; p < c->out_h; p++)
			for (q = 0; q < c->out_w; q++)
				for (o = 0; o < c->out_c; o++)
					wrong += *y++ != output(x, w, c, n, p, q, o);
	return wrong;
}

static void random_shape(struct random *random, struct xqaccel_job_desc *job)
{
	struct xqaccel_conv *c = &job->work.conv;

	c->groups = 1 + random_below(random, 3);
	c->in_c = c->groups * (1 + random_below(random, 9));
	c->out_c = c->groups * (1 + random_below(random, 9));
	c->batch = 1 + random_below(random, 3);
	c->in_h = 1 + random_below(random, 9);
	c->in_w = 1 + random_below(random, 9);
	c->out_h = random_below(random, 10);
	c->out_w = 1 + random_below(random, 9);
	c->kernel_h = 1 + random_below(random, 4);
	c->kernel_w = 1 + random_below(random, 4);
	c->stride_h = 1 + random_below(random, 3);
	c->stride_w = 1 + random_below(random, 3);
	c->dilation_h = 1 + random_below(random, 2);
	c->dilation_w = 1 + random_below(random, 2);
	c->pad_top = random_below(random, 6);
	c->pad_left = random_below(random, 6);
	c->x_zp = (int32_t)random_below(random, 256) - 128;
	c->w_zp = (int32_t)random_below(random, 9) - 4;
	job->operand[XQACCEL_X].stride = c->in_c;
	job->operand[XQACCEL_X].plane_stride = c->in_w * c->in_c;
	job->operand[XQACCEL_X].batch_stride = c->in_h * c->in_w * c->in_c;
	job->operand[XQACCEL_W].stride = c->kernel_h * c->kernel_w * c->in_c / c->groups;
	job->operand[XQACCEL_Y].stride = 4 * c->out_c;
	job->operand[XQACCEL_Y].plane_stride = 4 * c->out_w * c->out_c;
	job->operand[XQACCEL_Y].batch_stride = 4ULL * c->out_h * c->out_w * c->out_c;
}

TEST_F_TIMEOUT(conv, random_shapes, 60)
{
	unsigned int round, i;

	for (round = 0; round < 60; round++) {
		random_shape(&self->random, &self->job);
		for (i = 0; i < Y_AT; i++)
			self->buf.map[i] = random_below(&self->random, 256);
		memset(self->buf.map + Y_AT, 0x5a, MEMORY - Y_AT);
		ASSERT_EQ(0, submit(self->fd, &self->job));
		ASSERT_EQ(0, wait_one(self->fd, &self->c, 10 * SECOND));
		ASSERT_EQ(XQACCEL_STATUS_OK, (int)self->c.status);
		ASSERT_EQ(0, differences(&self->buf, &self->job.work.conv));
	}
}

#define EXPECT_REFUSED(error, change) \
	do { \
		change; \
		EXPECT_EQ(-(error), submit(self->fd, &self->job)); \
		describe(&self->job, self->buf.handle); \
	} while (0)

#define CONV self->job.work.conv

TEST_F(conv, refused_numbers)
{
	EXPECT_REFUSED(EINVAL, CONV.kernel_h = 0);
	EXPECT_REFUSED(EINVAL, CONV.kernel_w = 0);
	EXPECT_REFUSED(EINVAL, CONV.stride_h = 0);
	EXPECT_REFUSED(EINVAL, CONV.stride_w = 0);
	EXPECT_REFUSED(EINVAL, CONV.dilation_h = 0);
	EXPECT_REFUSED(EINVAL, CONV.dilation_w = 0);
	EXPECT_REFUSED(EINVAL, CONV.groups = 0);
	EXPECT_REFUSED(EINVAL, CONV.groups = 4);
	EXPECT_REFUSED(EINVAL, CONV.in_h = UINT32_MAX);
	EXPECT_REFUSED(EINVAL, CONV.out_w = UINT32_MAX);
	EXPECT_REFUSED(EINVAL, CONV.batch = self->info.max_dim);
	EXPECT_REFUSED(EINVAL, CONV.pad_top = UINT32_MAX);
	EXPECT_REFUSED(EINVAL, CONV.pad_left = self->info.max_dim + 1);
	EXPECT_REFUSED(EINVAL, CONV.transposed = 2);
	EXPECT_REFUSED(EINVAL, CONV.reserved = 1);
	EXPECT_REFUSED(EINVAL, CONV.x_zp = 128);
	EXPECT_REFUSED(EINVAL, CONV.x_format = XQACCEL_FMT_NONE);
	EXPECT_REFUSED(EOPNOTSUPP, CONV.x_format = XQACCEL_FMT_C8);
	EXPECT_REFUSED(EOPNOTSUPP, CONV.w_format = 256 + XQACCEL_FMT_S8);
	EXPECT_REFUSED(EINVAL, self->job.work.words[47] = 1);
	EXPECT_REFUSED(EOPNOTSUPP, self->job.work.flags = XQACCEL_JOB_ACCUMULATE);
	EXPECT_REFUSED(EOPNOTSUPP, self->job.work.flags = XQACCEL_JOB_GROUP_ACC);
	EXPECT_REFUSED(EOPNOTSUPP, self->job.work.epilogue.kind = 99);
	EXPECT_REFUSED(EINVAL, self->job.work.epilogue.act_max = 1);
	EXPECT_EQ(0, submit(self->fd, &self->job));
}

#define OPERAND(name) self->job.operand[XQACCEL_##name]

TEST_F(conv, refused_operands)
{
	EXPECT_REFUSED(EINVAL, OPERAND(X).handle = 0);
	EXPECT_REFUSED(EINVAL, OPERAND(W).handle = 0);
	EXPECT_REFUSED(EINVAL, OPERAND(Y).handle = 0);
	EXPECT_REFUSED(ENOENT, OPERAND(W).handle = 999);
	EXPECT_REFUSED(EINVAL, OPERAND(Y).offset++);
	EXPECT_REFUSED(EINVAL, OPERAND(Y).plane_stride = 4);
	EXPECT_REFUSED(EINVAL, OPERAND(Y).batch_stride = 0);
	EXPECT_REFUSED(EINVAL, OPERAND(W).plane_stride = 4096);
	EXPECT_REFUSED(EINVAL, OPERAND(Y).offset = X_AT);
	EXPECT_REFUSED(ERANGE, OPERAND(X).offset = MEMORY - 100);
	EXPECT_REFUSED(ERANGE, OPERAND(X).plane_stride = MEMORY);
	EXPECT_REFUSED(EOVERFLOW, OPERAND(X).batch_stride = UINT64_MAX);
	EXPECT_REFUSED(EINVAL, OPERAND(A_SCALE) = OPERAND(X));
	EXPECT_REFUSED(EINVAL, OPERAND(CODEBOOK) = OPERAND(W));
	EXPECT_REFUSED(EINVAL, OPERAND(EPILOGUE_BIAS).handle = self->buf.handle);
	EXPECT_REFUSED(EINVAL, OPERAND(EPILOGUE_FLOAT_BIAS).stride = 4);
	EXPECT_EQ(0, submit(self->fd, &self->job));
}

TEST_HARNESS_MAIN
