// SPDX-License-Identifier: MIT
/*
 * What a step computes in the words of a job. What an operation does not use is 0 there.
 */
#include <string.h>

#include "lower.h"

static struct xqaccel_wide wide(uint64_t number)
{
	return (struct xqaccel_wide){ .low = (uint32_t)number, .high = (uint32_t)(number >> 32) };
}

static struct xqaccel_requant requant(const struct xq_requant_one *r)
{
	const bool onnx = r->profile == XQ_PROFILE_ONNX;

	return (struct xqaccel_requant){
		.profile = r->profile, .multiplier = onnx ? 0 : r->multiplier, .shift = onnx ? 0 : r->shift,
		.scale = onnx ? r->scale : 0,
		.add = wide(r->profile == XQ_PROFILE_FLOOR_SHIFT ? (uint64_t)r->add : 0),
		.zero_point = r->zero_point, .act_min = r->act_min, .act_max = r->act_max,
	};
}

/* ---- tensors of up to six dimensions ------------------------------------------------------------------ */

static void put_dims(__u32 *to, const __u32 *dim, unsigned int dims)
{
	unsigned int i;

	for (i = 0; i < XQ_TENSOR_DIMS; i++)
		to[i] = i < XQ_TENSOR_DIMS - dims ? 1 : dim[i - (XQ_TENSOR_DIMS - dims)];
}

/* Strides of the two outermost dimensions are words, those of the next three the operand's. Returns the innermost. */
static uint64_t put_strides(struct xqn_place *place, struct xqaccel_wide outer[2], const __u64 *stride, unsigned int dims)
{
	uint64_t all[XQ_TENSOR_DIMS] = { 0 };

	memcpy(all + XQ_TENSOR_DIMS - dims, stride, dims * sizeof(*stride));
	outer[0] = wide(all[0]);
	outer[1] = wide(all[1]);
	place->batch_stride = all[2];
	place->plane_stride = all[3];
	place->stride = all[4];
	return all[5];
}

/* ---- operations --------------------------------------------------------------------------------------- */

static void set_pool(struct xqaccel_pool *w, const struct xq_pool_dims *d)
{
	*w = (struct xqaccel_pool){
		.kind = d->kind, .format = d->format, .batch = d->batch, .in_h = d->in_h, .in_w = d->in_w,
		.channels = d->channels, .out_h = d->out_h, .out_w = d->out_w, .kernel_h = d->kernel_h,
		.kernel_w = d->kernel_w, .stride_h = d->stride_h, .stride_w = d->stride_w, .pad_top = d->pad_top,
		.pad_left = d->pad_left, .act_min = d->act_min, .act_max = d->act_max,
	};
}

static struct xqaccel_elementwise_input input(const struct xq_elementwise_input *x, const struct xq_elementwise *e,
					      struct xqn_place *place)
{
	const struct xq_requant_one numbers = { .profile = e->y.profile, .multiplier = x->multiplier, .shift = x->shift,
						.scale = x->scale, .add = x->add };
	const struct xqaccel_requant r = requant(&numbers);
	struct xqaccel_elementwise_input to = { .format = x->format, .zero_point = x->zero_point };

	if (e->kind == XQ_ELEMENTWISE_ADD) {
		to.multiplier = r.multiplier;
		to.shift = r.shift;
		to.scale = r.scale;
		to.add = r.add;
	}
	to.repeat = !put_strides(place, to.outer_stride, x->stride, e->dims);
	return to;
}

static void set_elementwise(struct xqn_step *step)
{
	const struct xq_elementwise *e = &step->elementwise;
	struct xqaccel_elementwise *w = &step->work.elementwise;
	const bool sum = e->kind == XQ_ELEMENTWISE_ADD, tflite = e->y.profile == XQ_PROFILE_TFLITE ||
								 e->y.profile == XQ_PROFILE_TFLITE_SINGLE;

	*w = (struct xqaccel_elementwise){ .kind = e->kind, .format = e->format,
					   .left_shift = sum && tflite ? e->left_shift : 0 };
	put_dims(w->dim, e->dim, e->dims);
	put_strides(&step->place[XQACCEL_Y], w->outer_stride, e->stride, e->dims);
	w->a = input(&e->a, e, &step->place[XQACCEL_A]);
	w->b = input(&e->b, e, &step->place[XQACCEL_B]);
	w->y = requant(&e->y);
	/* Its inputs are at the output's scale already. */
	if (sum && e->y.profile == XQ_PROFILE_FLOOR_SHIFT)
		w->y = (struct xqaccel_requant){ .profile = e->y.profile, .act_min = e->y.act_min, .act_max = e->y.act_max };
}

static void set_softmax(struct xqaccel_softmax *w, const struct xq_softmax_dims *d)
{
	*w = (struct xqaccel_softmax){
		.rows = d->rows, .columns = d->columns, .multiplier = d->multiplier, .shift = d->shift,
		.diff_min = d->diff_min,
	};
}

static void set_mean(struct xqaccel_mean *w, const struct xq_mean_dims *d)
{
	*w = (struct xqaccel_mean){
		.format = d->format, .y_format = d->y_format, .outer = d->outer, .count = d->count, .inner = d->inner,
		.zero_point = d->zero_point, .y = requant(&d->y),
	};
}

static void set_copy(struct xqn_step *step)
{
	const struct xq_copy_dims *d = &step->copy;
	struct xqaccel_copy *w = &step->work.copy;
	uint64_t x, y;

	*w = (struct xqaccel_copy){ .kind = d->kind, .x_format = d->x_format, .y_format = d->y_format };
	put_dims(w->dim, d->dim, d->dims);
	x = put_strides(&step->place[XQACCEL_X], w->x_outer_stride, d->x_stride, d->dims);
	y = put_strides(&step->place[XQACCEL_Y], w->y_outer_stride, d->y_stride, d->dims);
	w->x_inner_stride = wide(xq_format_bits(d->x_format) < 8 ? 0 : x);
	w->y_inner_stride = wide(xq_format_bits(d->y_format) < 8 ? 0 : y);
	if (d->kind == XQ_COPY_REQUANT || d->kind == XQ_COPY_DEQUANTIZE)
		w->zero_point = d->zero_point;
	if (d->kind == XQ_COPY_REQUANT)
		w->y = requant(&d->y);
	if (d->kind == XQ_COPY_QUANTIZE || d->kind == XQ_COPY_DEQUANTIZE)
		w->y.scale = d->y.scale;
	if (d->kind == XQ_COPY_QUANTIZE)
		w->y.zero_point = d->y.zero_point;
	if (d->kind == XQ_COPY_QUANTIZE || d->kind == XQ_COPY_DYNAMIC) {
		w->y.act_min = d->y.act_min;
		w->y.act_max = d->y.act_max;
	}
}

void xqn_set_words(struct xqn_step *step)
{
	switch (step->work.op) {
	case XQACCEL_OP_POOL:
		set_pool(&step->work.pool, &step->pool);
		break;
	case XQACCEL_OP_ELEMENTWISE:
		set_elementwise(step);
		break;
	case XQACCEL_OP_SOFTMAX:
		set_softmax(&step->work.softmax, &step->softmax);
		break;
	case XQACCEL_OP_MEAN:
		set_mean(&step->work.mean, &step->mean);
		break;
	case XQACCEL_OP_COPY:
		set_copy(step);
		break;
	}
}
