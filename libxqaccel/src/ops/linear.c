// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/linear.h>
#include <xqaccel/pack.h>

#include "epilogue.h"
#include "libxqaccel/src/device/job.h"
#include "libxqaccel/src/device/queue.h"
#include "libxqaccel/src/pack/rows.h"
#include "widen.h"
#include "workspace.h"

#define STAGED_BYTES	(32UL << 20)	/* of x and accumulators at once */

/**
 * struct xq_linear - constant once made
 * @constants: packed weights, zero points, codebook, and what the epilogue reads
 * @job: all but rows, x and accumulators
 * @epilogue: words and operands of the epilogue of a device that has them, else without one
 * @x: how elements of x become codes
 * @bias: NULL for none
 * @requant: its arrays are @parameters; @requantizes says whether it counts
 */
struct xq_linear {
	struct xq_device *dev;
	struct xq_buffer *constants;
	struct xq_gemm job;
	struct xqaccel_job_desc epilogue;
	struct xq_widening x;
	size_t inputs, outputs, packed_bytes;
	int32_t *bias;
	struct xq_requant requant;
	void *parameters;
	bool requantizes;
};

/* ---- making a layer ------------------------------------------------------------------------------ */

static void *append(uint8_t **at, const void *from, size_t bytes)
{
	void *to = *at;

	if (!from)
		return NULL;
	memcpy(to, from, bytes);
	*at += bytes;
	return to;
}

static int copy_requant(struct xq_linear *l, const struct xq_requant *rq)
{
	uint8_t *at;
	int err;

	if (!rq)
		return 0;
	err = xq_requant_check(rq, l->outputs);
	if (err)
		return err;
	at = l->parameters = calloc(rq->params, sizeof(int64_t) + 3 * sizeof(int32_t));
	if (!at)
		return -ENOMEM;
	l->requant = *rq;
	l->requantizes = true;
	/* The widest first, for alignment. */
	l->requant.add = append(&at, rq->add, rq->params * sizeof(*rq->add));
	l->requant.scale = append(&at, rq->scale, rq->params * sizeof(*rq->scale));
	l->requant.multiplier = append(&at, rq->multiplier, rq->params * sizeof(*rq->multiplier));
	l->requant.shift = append(&at, rq->shift, rq->params * sizeof(*rq->shift));
	return 0;
}

static int copy_bias(struct xq_linear *l, const int32_t *bias)
{
	if (!bias)
		return 0;
	l->bias = malloc(l->outputs * sizeof(*bias) + 1);
	if (!l->bias)
		return -ENOMEM;
	memcpy(l->bias, bias, l->outputs * sizeof(*bias));
	return 0;
}

static void put_zero_points(struct xq_linear *l, const struct xq_linear_config *c, int32_t offset,
			    size_t at)
{
	int32_t *to = (int32_t *)((uint8_t *)xq_buffer_data(l->constants) + at);
	size_t i;

	l->job.b_zp = offset;
	if (!c->w_zp)
		return;
	if (c->w_zps == 1) {
		l->job.b_zp = (int32_t)((uint32_t)c->w_zp[0] + (uint32_t)offset);
		return;
	}
	for (i = 0; i < c->w_zps; i++)
		to[i] = (int32_t)((uint32_t)c->w_zp[i] + (uint32_t)offset);
	l->job.b_zps = (struct xq_operand){ .buffer = l->constants, .offset = at };
}

/* Tiles spare the device a copy, unless they are mostly padding. */
static bool worth_tiles(const struct xq_device *dev, enum xq_type type, size_t n, size_t k)
{
	return xq_device_has_tiled(dev, type) &&
	       xq_tiled_size(type, n, k) / 2 < n * xq_row_size(type, k);
}

/* The buffer: tiles (or rows) of weights, then zero points, then the codebook, then the epilogue's arrays. */
static int pack_constants(struct xq_linear *l, const struct xq_linear_config *c,
			  const struct xq_widening *w)
{
	const size_t n = c->outputs, k = c->inputs;
	const bool tiled = worth_tiles(l->dev, w->type, n, k);
	const size_t row = xq_row_size(w->type, k);
	const size_t packed = tiled ? xq_tiled_size(w->type, n, k) : n * row;
	const size_t zps = (packed + 3) / 4 * 4, table = zps + 4 * n;
	const size_t arrays = (table + 256 + XQ_EPILOGUE_ALIGN - 1) / XQ_EPILOGUE_ALIGN * XQ_EPILOGUE_ALIGN;
	const bool epilogue = xq_epilogue_on_device(l->dev, c->requant);
	uint8_t *data;
	size_t r, bad;
	int err = xq_buffer_create(l->dev, arrays + (epilogue ? xq_epilogue_bytes(&l->requant, l->bias, n) : 0),
				   &l->constants);

	if (err)
		return err;
	data = xq_buffer_data(l->constants);
	if (epilogue)
		xq_epilogue_put(&l->requant, l->bias, n, l->constants->memory.handle, data, arrays, &l->epilogue);
	if (tiled && !xq_pack_tiles(&w->codes, c->weights, n, k, k, data, &bad))
		return -ERANGE;
	for (r = 0; !tiled && r < n; r++)
		if (!xq_pack_row(&w->codes, (const uint8_t *)c->weights + r * k, k, data + r * row, &bad))
			return -ERANGE;
	put_zero_points(l, c, w->offset, zps);
	if (w->type == XQ_C4 || w->type == XQ_C8) {
		memcpy(data + table, c->codebook, w->type == XQ_C4 ? 16 : 256);
		l->job.codebook = (struct xq_operand){ .buffer = l->constants, .offset = table };
	}
	l->packed_bytes = packed;
	l->job.flags = tiled ? XQACCEL_JOB_B_TILED : 0;
	l->job.b = (struct xq_operand){ .buffer = l->constants, .stride = tiled ? 0 : row };
	return 0;
}

static int check(const struct xq_device *dev, const struct xq_linear_config *c)
{
	const uint32_t limit = xq_device_info(dev)->max_dim;
	size_t elements;

	if (c->w_zp && c->w_zps != 1 && c->w_zps != c->outputs)
		return -EINVAL;
	if (c->inputs > limit || c->outputs > limit ||
	    __builtin_mul_overflow(c->inputs, c->outputs, &elements))
		return -EOVERFLOW;
	return 0;
}

int xq_linear_create(struct xq_device *dev, const struct xq_linear_config *config,
		     struct xq_linear **layer)
{
	struct xq_widening w;
	struct xq_linear *l;
	int err = check(dev, config);

	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->dev = dev;
	l->inputs = config->inputs;
	l->outputs = config->outputs;
	err = xq_widen_pair(dev, config->x_type, config->w_type, config->codebook, &l->x, &w);
	if (!err)
		err = copy_requant(l, config->requant);
	if (!err)
		err = copy_bias(l, config->bias);
	if (!err)
		err = pack_constants(l, config, &w);
	if (err) {
		xq_linear_destroy(l);
		return err;
	}
	l->job.n = (uint32_t)config->outputs;
	l->job.k = (uint32_t)config->inputs;
	l->job.a_type = l->x.type;
	l->job.b_type = w.type;
	l->job.a_zp = (int32_t)((uint32_t)config->x_zp + (uint32_t)l->x.offset);
	*layer = l;
	return 0;
}

void xq_linear_destroy(struct xq_linear *layer)
{
	if (!layer)
		return;
	xq_buffer_destroy(layer->constants);
	free(layer->parameters);
	free(layer->bias);
	free(layer);
}

size_t xq_linear_bytes(const struct xq_linear *layer)
{
	return layer->packed_bytes;
}

/* ---- running it ---------------------------------------------------------------------------------- */

struct linear_job {
	struct xq_gemm gemm;
	const struct xqaccel_job_desc *epilogue;
};

static int make(const struct xq_device *dev, const void *jobs, unsigned int index, struct xqaccel_job_desc *desc)
{
	const struct linear_job *job = jobs;
	unsigned int i;
	int err = xq_job_from_gemm(dev, &job->gemm, desc);

	(void)index;
	desc->work.epilogue = job->epilogue->work.epilogue;
	for (i = XQACCEL_EPILOGUE_BIAS; i < XQ_OPERANDS; i++)
		desc->operand[i] = job->epilogue->operand[i];
	return err;
}

/* What the device left undone. */
static int finish(const struct xq_linear *l, void *c, size_t rows, void *y)
{
	const struct xq_channels shape = { rows, l->outputs, 1 };
	int err;

	if (l->epilogue.work.epilogue.kind) {
		xq_epilogue_unpack(l->requant.type, c, rows, l->outputs, y);
		return 0;
	}
	if (l->requantizes)
		return xq_requantize(c, &shape, l->bias, &l->requant, y);
	err = xq_bias_add(c, &shape, l->bias);
	if (!err)
		memcpy(y, c, rows * l->outputs * sizeof(int32_t));
	return err;
}

static int run_rows(const struct xq_linear *l, struct xq_workspace *ws, const uint8_t *x,
		    size_t rows, void *y, struct xq_matmul_stats *stats)
{
	const size_t row_bytes = xq_row_size(l->x.type, l->inputs);
	const size_t out_bytes = xq_row_size(l->epilogue.work.epilogue.kind ? l->requant.type : XQ_S32, l->outputs);
	struct linear_job job = { l->job, &l->epilogue };
	struct xq_completion done;
	size_t r, bad;
	void *a, *c;
	int err = xq_workspace_stage(ws, XQACCEL_A, rows * row_bytes, &a);

	if (!err)
		err = xq_workspace_stage(ws, XQACCEL_C, rows * out_bytes, &c);
	if (err)
		return err;
	for (r = 0; r < rows; r++)
		if (!xq_pack_row(&l->x.codes, x + r * l->inputs, l->inputs, (uint8_t *)a + r * row_bytes, &bad))
			return -ERANGE;
	job.gemm.m = (uint32_t)rows;
	job.gemm.a = (struct xq_operand){ .buffer = ws->stage[XQACCEL_A], .stride = row_bytes };
	job.gemm.c = (struct xq_operand){ .buffer = ws->stage[XQACCEL_C], .stride = out_bytes };
	err = xq_queue_run_as(ws->queue, &job, make, &done);
	if (err)
		return err;
	xq_matmul_add_stats(stats, &done);
	return finish(l, c, rows, y);
}

int xq_linear_run(const struct xq_linear *layer, struct xq_workspace *workspace, const void *x,
		  size_t rows, void *y, struct xq_matmul_stats *stats)
{
	const size_t out = layer->requantizes ? xq_type_unpacked_bytes(layer->requant.type) :
			   sizeof(int32_t);
	const size_t row = layer->inputs + layer->outputs * sizeof(int32_t) + 1;
	const size_t step = xq_workspace_budget(workspace, STAGED_BYTES) / row + 1;
	size_t at;
	int err = workspace->dev == layer->dev ? 0 : -EINVAL;

	for (at = 0; at < rows && !err && layer->outputs; at += step)
		err = run_rows(layer, workspace, (const uint8_t *)x + at * layer->inputs,
			       rows - at < step ? rows - at : step,
			       (uint8_t *)y + at * layer->outputs * out, stats);
	return err;
}
