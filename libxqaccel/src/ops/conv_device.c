// SPDX-License-Identifier: MIT
/* A convolution as one job of the device, without patches. */
#include <errno.h>
#include <stdlib.h>

#include <xqaccel/pack.h>

#include "conv_run.h"
#include "driver/xq_work.h"
#include "epilogue.h"
#include "libxqaccel/src/device/queue.h"
#include "libxqaccel/src/pack/rows.h"

/* Longer ones go in blocks, because a job has a time limit and the slowest device is far slower. */
#define MOST_MACS	(1ULL << 30)

static void describe(const struct xq_conv_run *run, struct xqaccel_work *w)
{
	const struct xq_conv_shape *s = &run->shape;

	*w = (struct xqaccel_work){
		.op = XQACCEL_OP_CONV, .flags = run->job.flags,
		.conv = {
			.batch = (uint32_t)s->batch, .in_h = (uint32_t)s->in_h, .in_w = (uint32_t)s->in_w,
			.in_c = (uint32_t)s->in_c, .out_h = (uint32_t)s->out_h, .out_w = (uint32_t)s->out_w,
			.out_c = (uint32_t)s->out_c, .kernel_h = (uint32_t)s->kernel_h, .kernel_w = (uint32_t)s->kernel_w,
			.groups = (uint32_t)s->groups, .stride_h = (uint32_t)s->stride_h, .stride_w = (uint32_t)s->stride_w,
			.dilation_h = (uint32_t)s->dilation_h, .dilation_w = (uint32_t)s->dilation_w,
			.pad_top = (uint32_t)s->pad_top, .pad_left = (uint32_t)s->pad_left, .transposed = s->transposed,
			.x_format = (uint32_t)run->a.type, .w_format = (uint32_t)run->b.type,
			.x_zp = (int32_t)((uint32_t)run->conv->x_zp + (uint32_t)run->a.offset), .w_zp = run->job.b_zp,
		},
	};
}

/* Every size in 32 bits, so that none is cut off. */
static bool small(const struct xq_conv_shape *s)
{
	const size_t sizes[] = { s->batch, s->in_h, s->in_w, s->in_c, s->out_h, s->out_w, s->out_c, s->kernel_h, s->kernel_w,
				 s->groups, s->stride_h, s->stride_w, s->dilation_h, s->dilation_w, s->pad_top, s->pad_left };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] > XQ_MAX_DIM)
			return false;
	return true;
}

static size_t pixels_of(const struct xq_conv_shape *s)
{
	return s->batch * s->in_h * s->in_w;
}

bool xq_conv_is_job(const struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	const struct xq_device *dev = run->ws->dev;
	const struct xq_abilities has = { .pairs = dev->pairs.of_a, .tiled = dev->pairs.tiled,
					  .features = dev->info.features, .max_dim = dev->info.max_dim };
	const size_t most = xq_workspace_budget(run->ws, SIZE_MAX);
	struct xqaccel_work work;

	if (run->masked || !small(s))
		return false;
	describe(run, &work);
	return !xq_work_check(&work, &has) && xq_work_macs(&work) <= MOST_MACS &&
	       pixels_of(s) * xq_row_size(run->a.type, s->in_c) <= most && s->rows * s->out_c * sizeof(int32_t) <= most;
}

/* Pixels as rows of the device's codes; where they are whole bytes, all as one row. */
static int pack_pixels(const struct xq_conv_run *run, uint8_t *to)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t row_bytes = xq_row_size(run->a.type, s->in_c);
	size_t pixels = pixels_of(s), columns = s->in_c, bad;
	const uint8_t *from = run->x;

	if (s->in_c * xq_type_bits(run->a.type) % 8 == 0) {
		columns *= pixels;
		pixels = 1;
	}
	for (; columns && pixels; pixels--, from += columns, to += row_bytes)
		if (!xq_pack_row(&run->a.codes, from, columns, to, &bad))
			return -ERANGE;
	return 0;
}

static int make(const struct xq_device *dev, const void *jobs, unsigned int index, struct xqaccel_job_desc *desc)
{
	(void)dev;
	(void)index;
	*desc = *(const struct xqaccel_job_desc *)jobs;
	return 0;
}

/* The epilogue, of a device that has it. */
static int put_epilogue(const struct xq_conv_run *run, struct xqaccel_job_desc *job)
{
	const struct xq_conv *conv = run->conv;
	const size_t channels = run->shape.out_c;
	void *data;
	int err = xq_workspace_stage(run->ws, XQACCEL_EPILOGUE_BIAS,
				     xq_epilogue_bytes(conv->requant, conv->bias, channels), &data);

	if (!err)
		xq_epilogue_put(conv->requant, conv->bias, channels,
				run->ws->stage[XQACCEL_EPILOGUE_BIAS]->memory.handle, data, 0, job);
	return err;
}

int xq_conv_run_job(struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	const bool epilogue = xq_epilogue_on_device(run->ws->dev, run->conv->requant);
	const enum xq_type y_type = epilogue ? run->conv->requant->type : XQ_S32;
	const uint64_t pixel = xq_row_size(run->a.type, s->in_c), out = xq_row_size(y_type, s->out_c);
	struct xqaccel_job_desc job = { 0 };
	struct xqaccel_operand *op = job.operand;
	struct xq_completion done;
	void *x, *y;
	int err = xq_workspace_stage(run->ws, XQACCEL_X, pixels_of(s) * pixel, &x);

	if (!err)
		err = xq_workspace_stage(run->ws, XQACCEL_Y, s->rows * out, &y);
	if (!err)
		err = pack_pixels(run, x);
	run->scratch = malloc(xq_conv_finish_bytes(run->conv, s, s->rows) + 1);
	if (!err && !run->scratch)
		err = -ENOMEM;
	if (err)
		return err;
	describe(run, &job.work);
	if (epilogue)
		err = put_epilogue(run, &job);
	if (err)
		return err;
	op[XQACCEL_X] = (struct xqaccel_operand){ .handle = run->ws->stage[XQACCEL_X]->memory.handle, .stride = pixel,
						  .plane_stride = pixel * s->in_w, .batch_stride = pixel * s->in_w * s->in_h };
	op[XQACCEL_W] = (struct xqaccel_operand){ .handle = run->ws->stage[XQACCEL_B]->memory.handle,
						  .stride = run->job.b.stride };
	op[XQACCEL_Y] = (struct xqaccel_operand){ .handle = run->ws->stage[XQACCEL_Y]->memory.handle, .stride = out,
						  .plane_stride = out * s->out_w, .batch_stride = out * s->out_w * s->out_h };
	if (run->job.b_zps.buffer)
		op[XQACCEL_W_ZP].handle = run->job.b_zps.buffer->memory.handle;
	err = xq_queue_run_as(run->ws->queue, &job, make, &done);
	if (err)
		return err;
	xq_matmul_add_stats(run->conv->stats, &done);
	if (epilogue) {
		xq_conv_put_finished(run->conv, s, y, run->scratch);
		return 0;
	}
	return xq_conv_finish(run->conv, s, 0, s->rows, y, run->scratch);
}
