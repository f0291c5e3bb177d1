// SPDX-License-Identifier: MIT
/* Convolution: the walk over blocks of output pixels. */
#include <errno.h>
#include <stdlib.h>

#include <xqaccel/pack.h>

#include "conv_run.h"
#include "libxqaccel/src/pack/rows.h"

/* Patches and accumulators of a block take about so many bytes. */
#define BLOCK_BYTES ((size_t)2 << 20)

struct block {
	size_t first, rows;
	unsigned int slot;
};

static size_t products(const struct xq_conv_run *run)
{
	return run->masked ? 2 : 1;
}

static size_t a_offset(const struct xq_conv_run *run, unsigned int slot, size_t product)
{
	return (slot * products(run) + product) * run->a_bytes;
}

static size_t c_offset(const struct xq_conv_run *run, unsigned int slot, size_t product)
{
	return (slot * products(run) + product) * run->c_bytes;
}

static int plan_blocks(struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t limit = xq_device_info(run->ws->dev)->max_dim;
	size_t row, slots;
	void *data;
	int err;

	row = s->groups * s->k + s->out_c * sizeof(int32_t);
	run->block = BLOCK_BYTES / (row + 1) + 1;
	run->block = run->block < s->rows ? run->block : s->rows;
	run->block = run->block < limit ? run->block : limit;
	slots = run->block < s->rows ? XQ_CONV_SLOTS : 1;

	run->a_stride = xq_row_size(run->a.type, s->k);
	run->a_bytes = run->block * s->groups * run->a_stride;
	run->c_bytes = run->block * s->out_c * sizeof(int32_t);
	err = xq_workspace_stage(run->ws, XQACCEL_A, slots * products(run) * run->a_bytes, &data);
	run->a_data = data;
	if (!err)
		err = xq_workspace_stage(run->ws, XQACCEL_C, slots * products(run) * run->c_bytes, &data);
	run->c_data = data;
	if (err)
		return err;
	if (!run->a.codes.identity) {
		run->patches = malloc(run->block * s->groups * s->k + 1);
		if (!run->patches)
			return -ENOMEM;
	}
	run->scratch = malloc(xq_conv_finish_bytes(run->conv, s, run->block) + 1);
	return run->scratch ? 0 : -ENOMEM;
}

/* One left matrix: the patches themselves, or ones where there is padding. */
static int gather(struct xq_conv_run *run, const struct block *b, size_t product)
{
	const struct xq_conv_shape *s = &run->shape;
	const uint8_t *x = product ? NULL : run->x, pad = product ? 1 : run->pad;
	uint8_t *to = run->a_data + a_offset(run, b->slot, product), zero = 0;
	size_t bad;

	if (!product && !s->x_elements)
		x = &zero;	/* nothing is read of it, but it is no matrix of ones */
	if (!run->patches) {
		xq_conv_patches(s, x, pad, b->first, b->rows, to, run->a_stride);
		return 0;
	}
	xq_conv_patches(s, x, pad, b->first, b->rows, run->patches, s->k);
	for (size_t r = 0; r < b->rows * s->groups; r++) {
		if (!xq_pack_row(&run->a.codes, run->patches + r * s->k, s->k, to + r * run->a_stride, &bad))
			return -EINVAL;
	}
	return 0;
}

static int submit(struct xq_conv_run *run, const struct block *b)
{
	const struct xq_conv_shape *s = &run->shape;

	for (size_t p = 0; p < products(run); p++) {
		struct xq_gemm job = run->job;
		int err = gather(run, b, p);

		if (err)
			return err;
		job.m = (uint32_t)b->rows;
		if (p)
			job.a_zp = run->a.offset;
		job.a = (struct xq_operand){
			.buffer = run->ws->stage[XQACCEL_A], .offset = a_offset(run, b->slot, p),
			.stride = run->a_stride, .batch_stride = s->groups > 1 ? b->rows * run->a_stride : 0,
		};
		/* The groups' columns lie side by side. */
		job.c = (struct xq_operand){
			.buffer = run->ws->stage[XQACCEL_C], .offset = c_offset(run, b->slot, p),
			.stride = s->out_c * sizeof(int32_t), .batch_stride = s->group_out * sizeof(int32_t),
		};
		err = xq_queue_submit(run->ws->queue, &job, 1);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Takes what padding contributed, (pad - x_zp) times the products of ones, off again. */
static void subtract_padding(const struct xq_conv_run *run, const struct block *b, uint32_t *acc)
{
	const uint32_t *ones = (const uint32_t *)(const void *)(run->c_data + c_offset(run, b->slot, 1));
	int32_t pad = xq_type_signed(run->x_type) ? (int8_t)run->pad : run->pad;
	uint32_t factor = (uint32_t)pad - (uint32_t)run->conv->x_zp;

	for (size_t i = 0; i < b->rows * run->shape.out_c; i++)
		acc[i] -= factor * ones[i];
}

/* A signal of the caller's is no reason to leave a job behind. */
static int take_one(struct xq_queue *queue, struct xq_completion *done)
{
	int got;

	do {
		got = xq_queue_wait(queue, done, 1, 1, -1);
	} while (got == -EINTR);
	return got < 0 ? got : 0;
}

static int finish(struct xq_conv_run *run, const struct block *b)
{
	int32_t *acc = (int32_t *)(void *)(run->c_data + c_offset(run, b->slot, 0));
	int err = 0;

	for (size_t p = 0; p < products(run); p++) {
		struct xq_completion done;
		int lost = take_one(run->ws->queue, &done);

		if (lost)
			return lost;
		if (!err)
			err = done.status;
		xq_matmul_add_stats(run->conv->stats, &done);
	}
	if (err)
		return err;
	if (run->masked)
		subtract_padding(run, b, (uint32_t *)acc);
	return xq_conv_finish(run->conv, &run->shape, b->first, b->rows, acc, run->scratch);
}

/* Buffers belong to the device until its jobs have ended. */
static void drain(struct xq_queue *queue)
{
	struct xq_completion done;

	while (xq_queue_pending(queue)) {
		if (take_one(queue, &done))
			return;
	}
}

static int run_blocks(struct xq_conv_run *run)
{
	const size_t rows = run->shape.rows;
	struct block now, before = { 0 };
	int err = 0;

	for (size_t at = 0; at < rows && !err; at += run->block) {
		now.first = at;
		now.rows = rows - at < run->block ? rows - at : run->block;
		now.slot = before.rows ? !before.slot : 0;
		err = submit(run, &now);
		if (!err && before.rows)
			err = finish(run, &before);
		before = now;
	}
	if (!err)
		err = finish(run, &before);
	if (err)
		drain(run->ws->queue);
	return err;
}

int xq_conv(struct xq_workspace *workspace, struct xq_conv *conv)
{
	struct xq_conv_run run = { .ws = workspace, .conv = conv };
	int err = xq_conv_shape(conv, &run.shape);

	if (!err)
		err = xq_conv_choose(&run);
	if (err || !run.shape.rows || !run.shape.out_c)
		return err;
	err = xq_conv_stage(&run);
	if (!err && !run.is_job)
		err = plan_blocks(&run);
	if (!err)
		err = run.is_job ? xq_conv_run_job(&run) : run_blocks(&run);
	free(run.x_memory);
	free(run.patches);
	free(run.scratch);
	return err;
}
