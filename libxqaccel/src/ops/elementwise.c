// SPDX-License-Identifier: MIT
/* Sums and products: broadcast shapes become as few dimensions as will do. */
#include <errno.h>
#include <math.h>

#include <xqaccel/elementwise.h>

#include "operator_run.h"

/**
 * struct walk - dimensions that matter, the last first, with strides of a, b and y
 */
struct walk {
	unsigned int dims;
	size_t dim[XQ_ELEMENTWISE_DIMS];
	size_t step[3][XQ_ELEMENTWISE_DIMS];
};

/* Size of a dimension counted from the last; missing ones are 1. */
static size_t size_at(const struct xq_shape *s, unsigned int i)
{
	return i < s->dims ? s->dim[s->dims - 1 - i] : 1;
}

int xq_broadcast(const struct xq_shape *a, const struct xq_shape *b, struct xq_shape *y)
{
	if (a->dims > XQ_ELEMENTWISE_DIMS || b->dims > XQ_ELEMENTWISE_DIMS)
		return -EINVAL;
	y->dims = a->dims > b->dims ? a->dims : b->dims;
	for (unsigned int i = 0; i < y->dims; i++) {
		size_t p = size_at(a, i), q = size_at(b, i);

		if (p != q && p != 1 && q != 1)
			return -EINVAL;
		y->dim[y->dims - 1 - i] = p == 1 ? q : p;
	}
	return 0;
}

/* Neighbours that all three tensors go over as if they were one dimension become one. */
static bool joins(const struct walk *w, const size_t *step, size_t size)
{
	const unsigned int last = w->dims - 1;

	if (!w->dims || w->dim[last] * size > UINT32_MAX)
		return false;
	for (int t = 0; t < 3; t++)
		if (step[t] != w->step[t][last] * w->dim[last])
			return false;
	return true;
}

static int plan_walk(const struct xq_elementwise_args *args, struct walk *w)
{
	const struct xq_shape *in[2] = { &args->a.shape, &args->b.shape };
	size_t whole[3] = { 1, 1, 1 };
	struct xq_shape y;
	int err = xq_broadcast(in[0], in[1], &y);

	w->dims = 0;
	for (unsigned int i = 0; i < y.dims && !err; i++) {
		const size_t size = y.dim[y.dims - 1 - i];
		size_t step[3];

		for (int t = 0; t < 3; t++) {
			const size_t own = t < 2 ? size_at(in[t], i) : size;

			step[t] = own == 1 ? 0 : whole[t];
			if (__builtin_mul_overflow(whole[t], own, &whole[t]))
				return -EOVERFLOW;
		}
		if (size == 1)
			continue;
		if (size > UINT32_MAX)
			return -EOVERFLOW;
		if (joins(w, step, size)) {
			w->dim[w->dims - 1] *= size;
			continue;
		}
		w->dim[w->dims] = size;
		for (int t = 0; t < 3; t++)
			w->step[t][w->dims] = step[t];
		w->dims++;
	}
	if (!err && !w->dims) {
		w->dims = 1;
		w->dim[0] = 1;
		w->step[0][0] = w->step[1][0] = 0;
		w->step[2][0] = 1;
	}
	return err;
}

/* The dimensions that a job has no room for are gone over here. */
static int run(struct xq_workspace *ws, struct xqk_operator *job, const struct walk *w)
{
	struct xqk_elementwise *k = &job->elementwise;
	const unsigned int inner = w->dims < XQ_TENSOR_DIMS ? w->dims : XQ_TENSOR_DIMS;
	struct xqk_elementwise at = *k;
	size_t index[XQ_ELEMENTWISE_DIMS] = { 0 };
	int err = 0;

	k->dims.dims = (__u8)inner;
	for (unsigned int i = 0; i < inner; i++) {
		k->dims.dim[inner - 1 - i] = (__u32)w->dim[i];
		k->dims.a.stride[inner - 1 - i] = w->step[0][i];
		k->dims.b.stride[inner - 1 - i] = w->step[1][i];
		k->dims.stride[inner - 1 - i] = w->step[2][i];
	}
	/* A dimension that is 0 in one of them may have been left out of all. */
	k->dims.stride[inner - 1] = 1;
	if (!xq_elementwise_valid(&k->dims))
		return -EINVAL;
	for (unsigned int i = 0; i < w->dims; i++)
		if (!w->dim[i])
			return 0;
	if (!k->a.flat || !k->b.flat || !k->y.flat)
		return -EINVAL;
	while (!err) {
		unsigned int i = inner;

		err = xq_operator_run(ws, job);
		for (; i < w->dims && ++index[i] == w->dim[i]; i++)
			index[i] = 0;
		if (i == w->dims)
			break;
		k->a.flat = at.a.flat;
		k->b.flat = at.b.flat;
		k->y.flat = at.y.flat;
		for (i = inner; i < w->dims; i++) {
			k->a.flat += index[i] * w->step[0][i];
			k->b.flat += index[i] * w->step[1][i];
			k->y.flat += index[i] * w->step[2][i];
		}
	}
	return err;
}

static void set_input(const struct xq_input *x, struct xq_elementwise_input *in, struct xqk_view *view)
{
	in->format = (__u8)x->type;
	in->zero_point = x->zero_point;
	in->multiplier = x->factor.multiplier;
	in->shift = x->factor.shift;
	in->add = x->factor.add;
	in->scale = xq_scale_bits(x->scale);
	view->flat = (uint8_t *)x->data;
}

static bool scale_valid(float scale)
{
	return isfinite(scale) && scale > 0;
}

static int compute(struct xq_workspace *ws, const struct xq_elementwise_args *args, unsigned int kind)
{
	struct xqk_operator job = { .kind = XQK_ELEMENTWISE };
	struct xq_elementwise *e = &job.elementwise.dims;
	float m = args->y_scale;
	struct walk walk;
	int err = plan_walk(args, &walk);

	if (err)
		return err;
	if ((unsigned int)args->profile >= XQ_PROFILES)
		return -EINVAL;
	if (args->profile == XQ_REQUANT_ONNX) {
		if (!scale_valid(args->a.scale) || !scale_valid(args->b.scale) || !scale_valid(args->y_scale))
			return -EDOM;
		if (kind == XQ_ELEMENTWISE_MUL)
			err = xq_scale_product(args->a.scale, &args->b.scale, 1, args->y_scale, &m);
		if (err)
			return err;
	}
	e->kind = (__u8)kind;
	e->format = (__u8)args->y_type;
	e->left_shift = args->left_shift;
	set_input(&args->a, &e->a, &job.elementwise.a);
	set_input(&args->b, &e->b, &job.elementwise.b);
	job.elementwise.y.flat = args->y;
	e->y = (struct xq_requant_one){
		.profile = args->profile, .multiplier = args->y_factor.multiplier,
		.shift = args->y_factor.shift, .add = args->y_factor.add, .scale = xq_scale_bits(m),
		.zero_point = args->y_zp,
	};
	xq_operator_bounds(args->clamp, args->act_min, args->act_max, &e->y.act_min, &e->y.act_max);
	return run(ws, &job, &walk);
}

int xq_add(struct xq_workspace *ws, const struct xq_elementwise_args *args)
{
	return compute(ws, args, XQ_ELEMENTWISE_ADD);
}

int xq_mul(struct xq_workspace *ws, const struct xq_elementwise_args *args)
{
	return compute(ws, args, XQ_ELEMENTWISE_MUL);
}

int xq_add_factors(float a_scale, float b_scale, float y_scale, struct xq_elementwise_args *args)
{
	const double twice = 2.0 * (double)(a_scale > b_scale ? a_scale : b_scale);

	if (!scale_valid(a_scale) || !scale_valid(b_scale) || !scale_valid(y_scale))
		return -EDOM;
	args->left_shift = 20;
	xq_quantize_multiplier((double)a_scale / twice, &args->a.factor.multiplier, &args->a.factor.shift);
	xq_quantize_multiplier((double)b_scale / twice, &args->b.factor.multiplier, &args->b.factor.shift);
	return xq_quantize_multiplier(twice / ((double)y_scale * (1 << 20)), &args->y_factor.multiplier,
				      &args->y_factor.shift);
}

int xq_mul_factors(float a_scale, float b_scale, float y_scale, struct xq_elementwise_args *args)
{
	float m;
	int err = xq_scale_product(a_scale, &b_scale, 1, y_scale, &m);

	return err ? err : xq_quantize_multiplier((double)m, &args->y_factor.multiplier, &args->y_factor.shift);
}
