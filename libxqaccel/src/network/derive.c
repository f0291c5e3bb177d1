// SPDX-License-Identifier: MIT
/*
 * Parameters of requantizations: as they were given, or from the tensors' scales by the formulas of those
 * whose arithmetic it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const float *scale_of(const struct xqn_tensor *t)
{
	return t->config.channels ? t->config.scale : NULL;
}

static int no_scale(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *t)
{
	return xqn_fail_at(net, op, -EINVAL, "its requantization is to be derived, and tensor %s has no scale",
			   t->config.name);
}

static int bad_scale(struct xq_network *net, const struct xqn_operator *op, int err)
{
	return xqn_fail_at(net, op, err, "the scales of its tensors give no factor");
}

/* What was given, or room for parameters that are derived. */
static int begin(struct xq_network *net, const struct xqn_operator *op, const struct xq_requant *given,
		 enum xq_requant_profile profile, size_t params, struct xqn_requant *r)
{
	*r = (struct xqn_requant){ 0 };
	if (given) {
		r->rq = *given;
		return 0;
	}
	if ((unsigned int)profile > XQ_REQUANT_FLOOR_SHIFT)
		return xqn_fail_at(net, op, -EINVAL, "its requantization has an unknown profile");
	if (profile == XQ_REQUANT_FLOOR_SHIFT)
		return xqn_fail_at(net, op, -EINVAL,
				   "nothing derives the parameters of a requantization by floor shift from scales");
	r->memory = calloc(params, sizeof(float) + 2 * sizeof(int32_t));
	if (!r->memory)
		return xqn_fail_at(net, op, -ENOMEM, "no memory for its requantization");
	r->rq = (struct xq_requant){ .profile = profile, .params = params };
	if (profile == XQ_REQUANT_ONNX) {
		r->rq.scale = r->memory;
	} else {
		r->rq.multiplier = r->memory;
		r->rq.shift = (int32_t *)r->memory + params;
	}
	return 0;
}

static int end(struct xq_network *net, const struct xqn_operator *op, struct xqn_requant *r, enum xq_type type,
	       size_t channels)
{
	int err = 0;

	if (r->rq.type != type)
		err = xqn_fail_at(net, op, -EINVAL, "its requantization makes %s, and %s is wanted",
				  xq_type_name(r->rq.type), xq_type_name(type));
	else if (r->rq.params != 1 && r->rq.params != channels)
		err = xqn_fail_at(net, op, -EINVAL, "its requantization has %zu parameters, not 1 or %zu", r->rq.params,
				  channels);
	else if (xq_requant_check(&r->rq, channels))
		err = xqn_fail_at(net, op, xq_requant_check(&r->rq, channels),
				  "its requantization has parameters or bounds that make no sense");
	if (!err)
		return 0;
	free(r->memory);
	r->memory = NULL;
	return err;
}

int xqn_finish_requant(struct xq_network *net, const struct xqn_operator *op,
		       const struct xq_network_finish *f, const struct xqn_tensor *x,
		       const struct xqn_tensor *w, const struct xqn_tensor *y, size_t channels,
		       struct xqn_requant *r)
{
	const enum xq_type type = f->table ? f->index_type : y->config.type;
	const float *xs = scale_of(x), *ws = scale_of(w), *ys = f->table ? &f->index_scale : scale_of(y);
	const size_t params = w->config.channels > 1 ? w->config.channels : 1;
	int err;

	if (!f->requant && (!xs || !ws || !ys))
		return no_scale(net, op, !xs ? x : !ws ? w : y);
	err = begin(net, op, f->requant, f->profile, params, r);
	if (err)
		return err;
	if (!f->requant) {
		r->rq.type = type;
		r->rq.zero_point = f->table ? f->index_zp : xqn_zero_point(y, 0);
		r->rq.clamp = f->clamp;
		r->rq.act_min = f->act_min;
		r->rq.act_max = f->act_max;
		if (f->profile == XQ_REQUANT_ONNX)
			err = xq_scale_product(*xs, ws, params, *ys, (float *)r->rq.scale);
		else
			err = xq_multiplier_product(*xs, ws, params, *ys, (int32_t *)r->rq.multiplier,
						    (int32_t *)r->rq.shift);
		if (err) {
			free(r->memory);
			return bad_scale(net, op, err);
		}
	}
	return end(net, op, r, type, channels);
}

static int derive_single(const struct xqn_requant *r, float x_scale, float y_scale, size_t count)
{
	int32_t *multiplier = (int32_t *)r->rq.multiplier, *shift = (int32_t *)r->rq.shift;

	if (!(x_scale > 0) || !(y_scale > 0))
		return -EDOM;
	if (r->rq.profile == XQ_REQUANT_ONNX) {
		*(float *)r->rq.scale = x_scale / (y_scale * (float)count);
		return 0;
	}
	xq_quantize_multiplier((double)x_scale / (double)y_scale, multiplier, shift);
	return count > 1 ? xq_mean_factors(count, multiplier, shift) : 0;
}

int xqn_single_requant(struct xq_network *net, const struct xqn_operator *op,
		       const struct xq_requant *given, enum xq_requant_profile profile,
		       const struct xqn_tensor *x, const struct xqn_tensor *y, size_t count,
		       struct xqn_requant *r)
{
	int err;

	if (!given && (!scale_of(x) || !scale_of(y)))
		return no_scale(net, op, scale_of(x) ? y : x);
	err = begin(net, op, given, profile, 1, r);
	if (err)
		return err;
	if (!given) {
		r->rq.type = y->config.type;
		r->rq.zero_point = xqn_zero_point(y, 0);
		err = derive_single(r, *scale_of(x), *scale_of(y), count);
		if (err) {
			free(r->memory);
			return bad_scale(net, op, err);
		}
	}
	return end(net, op, r, y->config.type, 1);
}

/* ---- sums, products and softmax ------------------------------------------------------------------ */

static int derive_elementwise(struct xq_network *net, const struct xqn_operator *op,
			      struct xq_elementwise_args *args)
{
	const struct xqn_tensor *a = xqn_tensor(net, op->elementwise.a), *b = xqn_tensor(net, op->elementwise.b),
				*y = xqn_tensor(net, op->elementwise.y);
	int err;

	if (!scale_of(a) || !scale_of(b) || !scale_of(y))
		return no_scale(net, op, !scale_of(a) ? a : !scale_of(b) ? b : y);
	switch (args->profile) {
	case XQ_REQUANT_ONNX:
		args->a.scale = *scale_of(a);
		args->b.scale = *scale_of(b);
		args->y_scale = *scale_of(y);
		return 0;
	case XQ_REQUANT_TFLITE:
	case XQ_REQUANT_TFLITE_SINGLE:
		err = op->kind == XQN_ADD ? xq_add_factors(*scale_of(a), *scale_of(b), *scale_of(y), args) :
		      xq_mul_factors(*scale_of(a), *scale_of(b), *scale_of(y), args);
		return err ? bad_scale(net, op, err) : 0;
	default:
		return xqn_fail_at(net, op, -EINVAL, "nothing derives factors of its profile from scales");
	}
}

int xqn_elementwise_args(struct xq_network *net, const struct xqn_operator *op,
			 struct xq_elementwise_args *args)
{
	const struct xq_network_elementwise *e = &op->elementwise;
	const struct xq_elementwise_args *f = e->factors;
	const struct xqn_tensor *a = xqn_tensor(net, e->a), *b = xqn_tensor(net, e->b), *y = xqn_tensor(net, e->y);

	*args = (struct xq_elementwise_args){
		.profile = e->profile, .y_type = y->config.type, .y_zp = xqn_zero_point(y, 0),
		.a = { .type = a->config.type, .zero_point = xqn_zero_point(a, 0) },
		.b = { .type = b->config.type, .zero_point = xqn_zero_point(b, 0) },
		.clamp = e->clamp, .act_min = e->act_min, .act_max = e->act_max,
	};
	if (!f)
		return derive_elementwise(net, op, args);
	args->a.scale = f->a.scale;
	args->b.scale = f->b.scale;
	args->y_scale = f->y_scale;
	args->a.factor = f->a.factor;
	args->b.factor = f->b.factor;
	args->y_factor = f->y_factor;
	args->left_shift = f->left_shift;
	return 0;
}

int xqn_softmax_args(struct xq_network *net, const struct xqn_operator *op, struct xq_softmax *softmax)
{
	const struct xq_network_softmax *s = &op->softmax;
	const struct xqn_tensor *x = xqn_tensor(net, s->x);
	int err;

	if (!(s->beta > 0)) {
		softmax->multiplier = s->multiplier;
		softmax->shift = s->shift;
		softmax->diff_min = s->diff_min;
		return 0;
	}
	if (!scale_of(x))
		return no_scale(net, op, x);
	err = xq_softmax_factors(*scale_of(x), s->beta, softmax);
	return err ? bad_scale(net, op, err) : 0;
}
