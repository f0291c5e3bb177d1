// SPDX-License-Identifier: MIT
/* What precedes the products of a convolution: checks, types, and the weights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "conv_run.h"
#include "libxqaccel/src/pack/rows.h"

static bool is_value(enum xq_type type, int64_t v)
{
	if (type == XQ_B1)
		return v == -1 || v == 1;
	return v >= xq_type_min(type) && v <= xq_type_max(type);
}

/*
 * Padding is an element that equals the zero point. Where the type has none (b1 with the
 * usual 0), a wider one serves; where none has it, any element does, and a second product with a
 * matrix of ones where there is padding tells what to subtract.
 */
static void choose_padding(struct xq_conv_run *run)
{
	static const enum xq_type wider[] = { XQ_T2, XQ_S2, XQ_S4, XQ_U4, XQ_S8, XQ_U8 };
	const struct xq_conv *conv = run->conv;
	enum xq_type type = conv->x_type;

	run->x_type = type;
	run->pad = type == XQ_B1 ? 1 : 0;
	if (!run->shape.padded)
		return;
	if (is_value(type, conv->x_zp)) {
		run->pad = (uint8_t)conv->x_zp;
		return;
	}
	for (size_t i = 0; i < sizeof(wider) / sizeof(wider[0]); i++) {
		if (xq_type_signed(type) == xq_type_signed(wider[i]) && is_value(wider[i], conv->x_zp) &&
		    xq_type_min(type) >= xq_type_min(wider[i]) && xq_type_max(type) <= xq_type_max(wider[i])) {
			run->x_type = wider[i];
			run->pad = (uint8_t)conv->x_zp;
			return;
		}
	}
	/* The matrix of ones also holds zeros. */
	if (type == XQ_B1)
		run->x_type = XQ_T2;
	run->pad = 0;
	run->masked = true;
}

static int32_t weight_zero(const struct xq_conv *conv, size_t o)
{
	return conv->w_zps ? conv->w_zp[conv->w_zps == 1 ? 0 : o] : 0;
}

/* Thin products are slow, and so is gathering single channels: about so many columns are good. */
#define GOOD_COLUMNS 16

/* The largest divisor that makes no more columns than that; else the smallest that makes more. */
static size_t merge_factor(const struct xq_conv_shape *s)
{
	size_t best = 1;

	for (size_t d = 2; d <= s->groups && d * s->group_out <= 4 * GOOD_COLUMNS; d++) {
		if (s->groups % d)
			continue;
		if (d * s->group_out > GOOD_COLUMNS && best > 1)
			break;
		best = d;
		if (d * s->group_out > GOOD_COLUMNS)
			break;
	}
	return best;
}

/*
 * Several small groups are computed as one with a block diagonal of weights: what is off the
 * diagonal equals the zero point and adds nothing. That is not possible where the type of the
 * weights has no such value.
 */
static void merge_groups(struct xq_conv_run *run, size_t limit)
{
	const struct xq_conv *conv = run->conv;
	struct xq_conv_shape *s = &run->shape;
	enum xq_type type = conv->w_type == XQ_B1 ? XQ_T2 : conv->w_type;

	run->w_type = conv->w_type;
	run->merge = s->group_out < GOOD_COLUMNS ? merge_factor(s) : 1;
	if (s->k > limit / run->merge)
		run->merge = 1;
	for (size_t o = 0; o < s->out_c && run->merge > 1; o++) {
		if (!is_value(type, weight_zero(conv, o)))
			run->merge = 1;
	}
	if (run->merge == 1)
		return;
	run->w_type = type;
	s->groups /= run->merge;
	s->group_in *= run->merge;
	s->group_out *= run->merge;
	s->k *= run->merge;
}

/* 8-bit types have no bytes that are not values. */
static int check_values(enum xq_type type, const uint8_t *values, size_t n, size_t *bad)
{
	struct xq_codes codes;
	int err = xq_codes_init(&codes, type);

	if (err || codes.identity)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (codes.code[values[i]] == XQ_BAD_CODE) {
			*bad = i;
			return -ERANGE;
		}
	}
	return 0;
}

int xq_conv_choose(struct xq_conv_run *run)
{
	struct xq_conv *conv = run->conv;
	const struct xq_conv_shape *s = &run->shape;
	const size_t limit = xq_device_info(run->ws->dev)->max_dim;
	size_t bad_x = SIZE_MAX, bad_w = SIZE_MAX;
	int err;

	if ((s->x_elements && !conv->x) || (s->w_elements && !conv->w) || (s->rows && s->out_c && !conv->y))
		return -EINVAL;
	if ((conv->w_zps > 1 && conv->w_zps != s->out_c) || (conv->w_zps && !conv->w_zp))
		return -EINVAL;
	if (xq_type_bits(conv->x_type) > 8 || xq_type_bits(conv->w_type) > 8 ||
	    conv->w_type == XQ_C4 || conv->w_type == XQ_C8)
		return -EINVAL;
	err = conv->requant ? xq_requant_check(conv->requant, s->out_c) : 0;
	if (err)
		return err;
	if (s->k > limit || s->out_c > limit || s->groups > limit)
		return -EOVERFLOW;
	err = check_values(conv->x_type, conv->x, s->x_elements, &bad_x);
	if (!err)
		err = check_values(conv->w_type, conv->w, s->w_elements, &bad_w);
	if (err == -ERANGE) {
		conv->bad_x = bad_x;
		conv->bad_w = bad_w;
	}
	if (err)
		return err;
	choose_padding(run);
	run->merge = 1;
	run->w_type = conv->w_type;
	err = xq_widen_pair(run->ws->dev, run->x_type, run->w_type, NULL, &run->a, &run->b);
	if (err)
		return err;
	run->is_job = xq_conv_is_job(run);
	if (run->is_job)
		return 0;
	merge_groups(run, limit);
	return xq_widen_pair(run->ws->dev, run->x_type, run->w_type, NULL, &run->a, &run->b);
}

/* The input in NHWC order. */
static int stage_input(struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t pixels = s->in_h * s->in_w;
	const uint8_t *from = run->conv->x;

	run->x = from;
	if (run->conv->layout == XQ_NHWC || pixels == 1 || s->in_c == 1 || !s->x_elements)
		return 0;
	run->x_memory = malloc(s->x_elements);
	if (!run->x_memory)
		return -ENOMEM;
	for (size_t b = 0; b < s->batch; b++)
		xq_transpose(from + b * pixels * s->in_c, s->in_c, pixels, 1,
			     run->x_memory + b * pixels * s->in_c, s->in_c);
	run->x = run->x_memory;
	return 0;
}

static int pack_weights(struct xq_conv_run *run, const uint8_t *w, uint8_t *to)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t row_bytes = xq_row_size(run->b.type, s->k);
	size_t bad;

	if (run->job.flags & XQACCEL_JOB_B_TILED)
		return xq_pack_tiles(&run->b.codes, w, s->out_c, s->k, s->k, to, &bad) ? 0 : -ERANGE;
	for (size_t o = 0; o < s->out_c; o++) {
		if (!xq_pack_row(&run->b.codes, w + o * s->k, s->k, to + o * row_bytes, &bad))
			return -ERANGE;
	}
	return 0;
}

/* The weights in the order of patches, in their places among the merged groups. */
static void order_weights(const struct xq_conv_run *run, const uint8_t *w, uint8_t *to)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t in = s->group_in / run->merge, out = s->group_out / run->merge;
	const size_t taps = s->kernel_h * s->kernel_w;
	const bool nchw = run->conv->layout == XQ_NCHW;

	for (size_t o = 0; o < s->out_c; o++, to += s->k) {
		uint8_t *at = to + o / out % run->merge * in;

		if (run->merge > 1)
			memset(to, (uint8_t)weight_zero(run->conv, o), s->k);
		for (size_t t = 0; t < taps; t++, at += s->group_in) {
			for (size_t c = 0; c < in; c++)
				at[c] = nchw ? w[(o * in + c) * taps + t] : w[(o * taps + t) * in + c];
		}
	}
}

static int stage_weights(struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	const size_t row_bytes = xq_row_size(run->b.type, s->k);
	const uint8_t *w = run->conv->w;
	bool tiled = s->groups == 1 && s->out_c >= XQACCEL_TILE_ROWS &&
		     xq_device_has_tiled(run->ws->dev, run->b.type);
	uint8_t *ordered = NULL;
	void *data;
	int err = xq_workspace_stage(run->ws, XQACCEL_B, tiled ? xq_tiled_size(run->b.type, s->out_c, s->k) :
				     s->out_c * row_bytes, &data);

	if (err)
		return err;
	if (s->w_elements && (run->conv->layout == XQ_NCHW || run->merge > 1)) {
		ordered = malloc(s->out_c * s->k);
		if (!ordered)
			return -ENOMEM;
		order_weights(run, w, ordered);
		w = ordered;
	}
	run->job.flags = tiled ? XQACCEL_JOB_B_TILED : 0;
	run->job.b = (struct xq_operand){
		.buffer = run->ws->stage[XQACCEL_B], .stride = tiled ? 0 : row_bytes,
		.batch_stride = s->groups > 1 ? s->group_out * row_bytes : 0,
	};
	err = pack_weights(run, w, data);
	free(ordered);
	return err;
}

static int stage_zero_points(struct xq_conv_run *run)
{
	const struct xq_conv *conv = run->conv;
	int32_t *to;
	void *data;
	int err;

	run->job.a_zp = (int32_t)((uint32_t)conv->x_zp + (uint32_t)run->a.offset);
	run->job.b_zp = run->b.offset;
	if (conv->w_zps == 1)
		run->job.b_zp = (int32_t)((uint32_t)conv->w_zp[0] + (uint32_t)run->b.offset);
	if (conv->w_zps <= 1)
		return 0;
	err = xq_workspace_stage(run->ws, XQACCEL_B_ZP, conv->w_zps * sizeof(*to), &data);
	if (err)
		return err;
	to = data;
	for (size_t o = 0; o < conv->w_zps; o++)
		to[o] = (int32_t)((uint32_t)conv->w_zp[o] + (uint32_t)run->b.offset);
	run->job.b_zps = (struct xq_operand){
		.buffer = run->ws->stage[XQACCEL_B_ZP],
		.batch_stride = run->shape.groups > 1 ? run->shape.group_out * sizeof(*to) : 0,
	};
	return 0;
}

int xq_conv_stage(struct xq_conv_run *run)
{
	const struct xq_conv_shape *s = &run->shape;
	int err = stage_input(run);

	if (!err)
		err = stage_weights(run);
	if (err)
		return err;
	run->job.n = (uint32_t)s->group_out;
	run->job.k = (uint32_t)s->k;
	run->job.batch = (uint32_t)s->groups;
	run->job.a_type = run->a.type;
	run->job.b_type = run->b.type;
	return stage_zero_points(run);
}
