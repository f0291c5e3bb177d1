// SPDX-License-Identifier: MIT
/*
 * What follows the accumulators of a product or convolution: the epilogue of its job. A device without epilogues leaves
 * accumulators, and the CPU finishes them.
 */
#include <errno.h>
#include <stdlib.h>

#include "libxqaccel/src/ops/epilogue.h"
#include "lower.h"

static void put_constant(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, int tensor)
{
	if (tensor)
		xqn_put(step, operand, xqn_constant_tensor(c, xqn_tensor(c->net, tensor)));
}

void xqn_put_rows(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, int tensor, uint64_t batch_stride)
{
	if (xqn_constant(xqn_tensor(c->net, tensor))) {
		put_constant(c, step, operand, tensor);
	} else {
		const struct xqn_view rows = xqn_without_gaps(c, xqn_view(c, tensor));

		xqn_put(step, operand, rows.storage);
		step->place[operand].offset = rows.offset;
	}
	step->place[operand].batch_stride = batch_stride;
}

void xqn_put_bytes(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, const void *from,
		      size_t bytes)
{
	if (from)
		xqn_put(step, operand, xqn_constant_bytes(c, from, bytes));
}

struct put {
	struct xqn_compiler *c;
	struct xqn_step *step;
};

static void put_array(void *arg, unsigned int operand, const void *from, size_t bytes)
{
	struct put *p = arg;

	xqn_put_bytes(p->c, p->step, operand, from, bytes);
}

static int put_requant(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
		       const struct xqn_tensor *x, const struct xqn_tensor *w, const struct xqn_tensor *y,
		       size_t channels)
{
	struct xqaccel_epilogue *e = &step->work.epilogue;
	struct put put = { c, step };
	struct xqn_requant r;
	int err = xqn_finish_requant(c->net, c->op, f, x, w, y, channels, &r);

	if (err)
		return err;
	xq_epilogue_words(&r.rq, e);
	e->format = y->config.type;
	e->index_format = f->table ? f->index_type : XQ_NONE;
	xq_epilogue_arrays(&r.rq, NULL, channels, put_array, &put);
	xqn_put_bytes(c, step, XQACCEL_EPILOGUE_TABLE, f->table, 256);
	free(r.memory);
	return 0;
}

static void put_thresholds(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
			   const struct xqn_tensor *y, size_t channels)
{
	struct xqaccel_epilogue *e = &step->work.epilogue;

	e->kind = XQACCEL_EPILOGUE_THRESHOLDS;
	e->format = y->config.type;
	e->thresholds = (uint32_t)(xqn_elements(&xqn_tensor(c->net, f->thresholds)->shape) / channels);
	e->zero_point = f->base;
	e->act_min = xqn_act_min(f->clamp, f->act_min);
	e->act_max = xqn_act_max(f->clamp, f->act_max);
	put_constant(c, step, XQACCEL_EPILOGUE_THRESHOLD, f->thresholds);
	put_constant(c, step, XQACCEL_EPILOGUE_DECREASES, f->decreases);
}

/* Scales of columns: those of the operands, without that of x if each row has its own. */
static int put_column_scale(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
			    const struct xqn_tensor *x, const struct xqn_tensor *w, size_t channels)
{
	const float *xs = x->config.channels && !f->row_scale ? x->config.scale : NULL;
	const float *ws = w->config.channels ? w->config.scale : NULL;
	float *scale;
	size_t i;

	if (f->column_scale) {
		put_constant(c, step, XQACCEL_EPILOGUE_COLUMN_SCALE, f->column_scale);
		return 0;
	}
	if (!xs && !ws)
		return 0;
	scale = malloc(channels * sizeof(*scale));
	if (!scale)
		return -ENOMEM;
	for (i = 0; i < channels; i++)
		scale[i] = (xs ? *xs : 1) * (ws ? ws[w->config.channels > 1 ? i : 0] : 1);
	xqn_put_bytes(c, step, XQACCEL_EPILOGUE_COLUMN_SCALE, scale, channels * sizeof(*scale));
	free(scale);
	return 0;
}

static int put_float(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
		     const struct xqn_tensor *x, const struct xqn_tensor *w, size_t channels)
{
	step->work.epilogue.kind = XQACCEL_EPILOGUE_FLOAT;
	step->work.epilogue.format = XQ_F32;
	if (f->row_scale)
		xqn_put_rows(c, step, XQACCEL_EPILOGUE_ROW_SCALE, f->row_scale, 0);
	put_constant(c, step, XQACCEL_EPILOGUE_FLOAT_BIAS, f->float_bias);
	return put_column_scale(c, step, f, x, w, channels);
}

int xqn_put_finish(struct xqn_compiler *c, struct xqn_step *step, const struct xq_network_finish *f,
		      const struct xqn_tensor *x, const struct xqn_tensor *w, const struct xqn_tensor *y,
		      size_t channels)
{
	put_constant(c, step, XQACCEL_EPILOGUE_BIAS, f->bias);
	if (y->config.type == XQ_S32)
		return 0;
	if (y->config.type == XQ_F32)
		return put_float(c, step, f, x, w, channels);
	if (f->thresholds) {
		put_thresholds(c, step, f, y, channels);
		return 0;
	}
	return put_requant(c, step, f, x, w, y, channels);
}

/*
 * Appends the step; if the device can't finish it, the accumulators go to memory of their own first. No epilogue
 * has int32 results, so a bias alone is always added by the CPU.
 */
void xqn_add_steps(struct xqn_compiler *c, const struct xqn_step *whole, uint64_t feature, size_t rows,
		      size_t channels)
{
	const bool finish = whole->work.epilogue.kind || whole->place[XQACCEL_EPILOGUE_BIAS].storage >= 0;
	const bool device = xqn_has(c, feature) || !feature;
	struct xqn_view acc = { .type = XQ_S32, .dims = 2, .dim = { rows, channels } };
	struct xqn_step *step;
	unsigned int i;

	if (!finish || !device || (whole->work.epilogue.kind && xqn_has(c, XQACCEL_FEATURE_EPILOGUE))) {
		step = xqn_new_step(c, XQN_JOB);
		*step = *whole;
		step->cpu = !device;
		return;
	}
	xqn_new_view(c, &acc);
	step = xqn_new_step(c, XQN_JOB);
	*step = *whole;
	step->work.epilogue = (struct xqaccel_epilogue){ 0 };
	for (i = XQACCEL_EPILOGUE_BIAS; i < XQ_OPERANDS; i++)
		xqn_put(step, i, -1);
	step->place[XQACCEL_C] = (struct xqn_place){ .storage = acc.storage, .stride = 4 * channels };
	if (whole->work.op == XQACCEL_OP_CONV) {
		step->place[XQACCEL_Y].plane_stride = 4 * channels * whole->work.conv.out_w;
		step->place[XQACCEL_Y].batch_stride = 4 * channels * whole->work.conv.out_w * whole->work.conv.out_h;
	} else {
		step->place[XQACCEL_C].batch_stride = 4 * channels * whole->work.gemm.m;
	}
	step = xqn_new_step(c, XQN_FINISH);
	*step = *whole;
	step->kind = XQN_FINISH;
	step->cpu = true;
	for (i = 0; i < XQACCEL_EPILOGUE_BIAS; i++)
		if (i != XQACCEL_C)
			xqn_put(step, i, -1);
	xqn_put(step, XQACCEL_A, acc.storage);
}
