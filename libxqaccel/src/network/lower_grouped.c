// SPDX-License-Identifier: MIT
/*
 * Products whose groups have real scales: one job each, of rows without gaps. What a device lacks of it, the CPU
 * computes as a whole.
 */
#include <errno.h>
#include <stdlib.h>

#include "libxqaccel/src/ops/group_scales.h"
#include "lower.h"

/* Scales or minima of weights, as they lie beside these. */
static void put_scales(struct xqn_compiler *c, struct xqn_step *step, unsigned int operand, int tensor)
{
	const struct xqn_tensor *t = xqn_tensor(c->net, tensor);
	const bool tiled = step->work.flags & XQACCEL_JOB_B_TILED;
	const size_t n = step->work.gemm.n, groups = step->work.gemm.k / step->work.gemm.group;
	void *memory;

	if (!t)
		return;
	memory = malloc(xq_group_scales_bytes(t->config.type, n, groups, tiled));
	if (!memory) {
		c->error = -ENOMEM;
		return;
	}
	xq_group_scales_pack(t->config.type, t->config.data, n, groups, tiled, memory);
	xqn_put_bytes(c, step, operand, memory, xq_group_scales_bytes(t->config.type, n, groups, tiled));
	step->place[operand].stride = xq_group_scales_stride(t->config.type, groups, tiled);
	free(memory);
}

/* What the sum over all groups is multiplied by, and the bias. */
static int put_finish(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_tensor *x)
{
	const struct xq_network_grouped *p = &c->op->grouped;
	const size_t n = step->work.gemm.n;
	float *scale;
	size_t i;

	if (p->float_bias)
		xqn_put(step, XQACCEL_EPILOGUE_FLOAT_BIAS, xqn_constant_tensor(c, xqn_tensor(c->net, p->float_bias)));
	if (!p->x_scales && x->config.channels && x->config.scale) {
		scale = malloc(n * sizeof(*scale));
		if (!scale)
			return -ENOMEM;
		for (i = 0; i < n; i++)
			scale[i] = x->config.scale[0];
		xqn_put_bytes(c, step, XQACCEL_EPILOGUE_COLUMN_SCALE, scale, n * sizeof(*scale));
		free(scale);
	} else if (!p->float_bias) {
		return 0;
	}
	step->work.epilogue.kind = XQACCEL_EPILOGUE_FLOAT;
	step->work.epilogue.format = XQ_F32;
	return 0;
}

static void put_weights(struct xqn_compiler *c, struct xqn_step *step, const struct xqn_tensor *w,
			const struct xq_widening *wide)
{
	const size_t n = w->shape.dim[0], k = w->shape.dim[1];
	const struct xqn_matrix m = {
		.tensor = w, .groups = 1, .rows = n, .k = { 1, 1, k }, .row_stride = k, .stride = { 0, 0, 1 },
		.codes = wide->codes, .type = wide->type, .tiled = xqn_worth_tiles(c, wide->type, n, k),
	};

	step->place[XQACCEL_B] = (struct xqn_place){ .storage = xqn_constant_weights(c, &m),
						     .stride = m.tiled ? 0 : xqn_matrix_row(&m) };
	if (m.tiled)
		step->work.flags |= XQACCEL_JOB_B_TILED;
	xqn_put_codebook(c, step, w, wide->type);
}

static uint32_t scale_format(struct xqn_compiler *c, int tensor)
{
	return tensor ? xqn_tensor(c->net, tensor)->config.type : XQ_NONE;
}

int xqn_lower_grouped(struct xqn_compiler *c)
{
	const struct xq_network_grouped *p = &c->op->grouped;
	const struct xqn_tensor *x = xqn_tensor(c->net, p->x), *w = xqn_tensor(c->net, p->w);
	const struct xqn_view *y = xqn_view(c, p->y);
	const size_t k = w->shape.dim[1], n = w->shape.dim[0];
	struct xqn_step step = xqn_empty_step(c);
	struct xqn_view from, to = *y;
	struct xq_widening wide_x, wide_w;
	size_t rows = 1;
	unsigned int i;
	int err = xqn_widen(c, x, w, &wide_x, &wide_w);

	if (err)
		return err;
	from = xqn_widened(c, xqn_view(c, p->x), wide_x.type, wide_x.offset);
	from = xqn_without_gaps(c, &from);
	if (!xqn_is_dense(&to))
		xqn_new_view(c, &to);
	for (i = 0; i + 1 < from.dims; i++)
		rows *= from.dim[i];
	if (rows > c->dev->info.max_dim)
		return xqn_too_large(c);
	step.work.op = XQACCEL_OP_GEMM;
	step.work.flags = XQACCEL_JOB_GROUP_REAL;
	step.work.gemm = (struct xqaccel_gemm){
		.m = (uint32_t)rows, .n = (uint32_t)n, .k = (uint32_t)k, .batch = 1, .group = (uint32_t)p->group,
		.a_format = wide_x.type, .b_format = wide_w.type, .a_scale_format = p->x_scales ? XQ_F32 : XQ_NONE,
		.b_scale_format = scale_format(c, p->w_scales), .b_min_format = scale_format(c, p->w_minima),
		.a_zp = (int32_t)((uint32_t)xqn_zero_point(x, 0) + (uint32_t)wide_x.offset),
		.b_zp = (int32_t)((uint32_t)xqn_zero_point(w, 0) + (uint32_t)wide_w.offset),
	};
	step.place[XQACCEL_A] = (struct xqn_place){ .storage = from.storage, .offset = from.offset,
						    .stride = xqn_row_bytes(&from) };
	step.place[XQACCEL_C] = (struct xqn_place){ .storage = to.storage, .offset = to.offset, .stride = 4 * n };
	put_weights(c, &step, w, &wide_w);
	put_scales(c, &step, XQACCEL_B_SCALE, p->w_scales);
	put_scales(c, &step, XQACCEL_B_MIN, p->w_minima);
	if (p->x_scales) {
		xqn_put_rows(c, &step, XQACCEL_A_SCALE, p->x_scales, 0);
		step.place[XQACCEL_A_SCALE].stride = 4 * (k / p->group);
	}
	err = put_finish(c, &step, x);
	if (err)
		return err;
	step.cpu = !xqn_has(c, XQACCEL_FEATURE_GROUP_REAL) ||
		   (step.work.epilogue.kind && !xqn_has(c, XQACCEL_FEATURE_EPILOGUE));
	*xqn_new_step(c, XQN_JOB) = step;
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}
