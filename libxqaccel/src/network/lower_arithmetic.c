// SPDX-License-Identifier: MIT
/*
 * Pools, sums, softmax and means become jobs, those of the caller calls.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

int xqn_lower_pool(struct xqn_compiler *c)
{
	const struct xqn_view *x = xqn_view(c, c->op->pool.x), *y = xqn_view(c, c->op->pool.y);
	struct xqn_step *step;
	struct xq_pool p;
	int err = xqn_pool_geometry(c->net, c->op, &p);

	if (err)
		return err;
	step = xqn_new_step(c, XQN_JOB);
	step->cpu = !xqn_has(c, XQACCEL_FEATURE_POOL);
	step->work.op = XQACCEL_OP_POOL;
	step->pool = (struct xq_pool_dims){
		.kind = p.kind == XQ_MAX_POOL ? XQ_POOL_MAX : XQ_POOL_AVERAGE, .format = (__u8)p.type,
		.batch = (uint32_t)x->dim[0], .in_h = (uint32_t)p.in_h, .in_w = (uint32_t)p.in_w,
		.channels = (uint32_t)p.channels, .out_h = y->dims == 4 ? (uint32_t)y->dim[1] : 1,
		.out_w = (uint32_t)y->dim[y->dims - 2], .kernel_h = (uint32_t)p.kernel_h,
		.kernel_w = (uint32_t)p.kernel_w, .stride_h = (uint32_t)p.stride_h,
		.stride_w = (uint32_t)p.stride_w, .pad_top = (uint32_t)p.pad_top, .pad_left = (uint32_t)p.pad_left,
		.act_min = xqn_act_min(p.clamp, p.act_min), .act_max = xqn_act_max(p.clamp, p.act_max),
	};
	step->place[XQACCEL_X] = xqn_image_place(x);
	step->place[XQACCEL_Y] = xqn_image_place(y);
	return 0;
}

/* ---- sums and products ------------------------------------------------------------------------------------ */

/* An operand of a shape that it is repeated to. */
static struct xqn_view repeated(const struct xqn_view *v, const struct xqn_view *shape)
{
	struct xqn_view wide = *v;
	unsigned int i;

	wide.dims = shape->dims;
	for (i = 1; i <= shape->dims; i++) {
		const bool has = i <= v->dims && v->dim[v->dims - i] != 1;

		wide.dim[shape->dims - i] = shape->dim[shape->dims - i];
		wide.stride[shape->dims - i] = has ? v->stride[v->dims - i] : 0;
	}
	return wide;
}

/* Dimensions that all three go over alike; of the last, the output has the stride 1 and the operands at most that. */
static bool set_walk(const struct xqn_compiler *c, struct xq_elementwise *e, const struct xqn_view *a,
		     const struct xqn_view *b, const struct xqn_view *y)
{
	const struct xqn_view wide_a = repeated(a, y), wide_b = repeated(b, y);
	const struct xqn_view *const views[3] = { &wide_a, &wide_b, y };
	size_t dim[XQ_NETWORK_DIMS] = { 0 }, stride[3 * XQ_NETWORK_DIMS] = { 0 };
	const size_t *sa = stride, *sb = sa + XQ_NETWORK_DIMS, *sy = sb + XQ_NETWORK_DIMS;
	const unsigned int levels = xqn_join(views, 3, y->dims, c->dev->info.max_dim, dim, stride);
	unsigned int i;

	e->dims = (__u8)levels;
	for (i = 0; i < levels; i++) {
		e->dim[i] = (__u32)dim[i];
		e->a.stride[i] = sa[i];
		e->b.stride[i] = sb[i];
		e->stride[i] = sy[i];
	}
	if (levels && sy[levels - 1] == 1 && sa[levels - 1] <= 1 && sb[levels - 1] <= 1)
		return true;
	if (levels == XQ_TENSOR_DIMS)
		return false;
	e->dim[levels] = 1;
	e->stride[levels] = 1;
	e->a.stride[levels] = e->b.stride[levels] = 0;
	e->dims++;
	return true;
}

static void set_input(struct xq_elementwise_input *to, const struct xq_input *from)
{
	to->format = (__u8)from->type;
	to->zero_point = from->zero_point;
	to->multiplier = from->factor.multiplier;
	to->shift = from->factor.shift;
	to->add = from->factor.add;
	to->scale = xqn_float_bits(from->scale);
}

static int set_numbers(struct xqn_compiler *c, struct xq_elementwise *e)
{
	struct xq_elementwise_args args;
	float m;
	int err = xqn_elementwise_args(c->net, c->op, &args);

	if (err)
		return err;
	m = args.y_scale;
	if (c->op->kind == XQN_MUL && args.profile == XQ_REQUANT_ONNX)
		xq_scale_product(args.a.scale, &args.b.scale, 1, args.y_scale, &m);
	e->kind = c->op->kind == XQN_MUL ? XQ_ELEMENTWISE_MUL : XQ_ELEMENTWISE_ADD;
	e->format = (__u8)args.y_type;
	e->left_shift = args.left_shift;
	set_input(&e->a, &args.a);
	set_input(&e->b, &args.b);
	e->y = (struct xq_requant_one){
		.profile = args.profile, .multiplier = args.y_factor.multiplier, .shift = args.y_factor.shift,
		.add = args.y_factor.add, .scale = xqn_float_bits(m), .zero_point = args.y_zp,
		.act_min = xqn_act_min(args.clamp, args.act_min), .act_max = xqn_act_max(args.clamp, args.act_max),
	};
	return 0;
}

int xqn_lower_elementwise(struct xqn_compiler *c)
{
	struct xqn_view a = *xqn_view(c, c->op->elementwise.a), b = *xqn_view(c, c->op->elementwise.b);
	const struct xqn_view *y = xqn_view(c, c->op->elementwise.y);
	struct xq_elementwise numbers = { 0 };
	struct xqn_view to = *y;
	struct xqn_step *step;
	int err = set_numbers(c, &numbers);

	if (err)
		return err;
	if (!set_walk(c, &numbers, &a, &b, &to)) {
		a = xqn_without_gaps(c, &a);
		b = xqn_without_gaps(c, &b);
		if (!xqn_is_dense(&to))
			xqn_new_view(c, &to);
		if (!set_walk(c, &numbers, &a, &b, &to))
			return xqn_too_large(c);
	}
	step = xqn_new_step(c, XQN_JOB);
	step->cpu = !xqn_has(c, XQACCEL_FEATURE_ELEMENTWISE);
	step->work.op = XQACCEL_OP_ELEMENTWISE;
	step->elementwise = numbers;
	step->place[XQACCEL_A] = (struct xqn_place){ .storage = a.storage, .offset = a.offset };
	step->place[XQACCEL_B] = (struct xqn_place){ .storage = b.storage, .offset = b.offset };
	step->place[XQACCEL_C] = (struct xqn_place){ .storage = to.storage, .offset = to.offset };
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}

/* ---- softmax and means ---------------------------------------------------------------------------------- */

int xqn_lower_softmax(struct xqn_compiler *c)
{
	const struct xqn_view *y = xqn_view(c, c->op->softmax.y);
	struct xqn_view x = *xqn_view(c, c->op->softmax.x), to = *y;
	const struct xqn_view *const views[2] = { &x, &to };
	size_t dim[XQ_NETWORK_DIMS] = { 0 }, stride[2 * XQ_NETWORK_DIMS] = { 0 };
	struct xq_softmax s = { 0 };
	struct xqn_step *step;
	unsigned int levels = xqn_join(views, 2, x.dims - 1, c->dev->info.max_dim, dim, stride);
	int err = xqn_softmax_args(c->net, c->op, &s);

	if (err)
		return err;
	if (levels > 1 || (x.dim[x.dims - 1] > 1 && x.stride[x.dims - 1] != 1)) {
		x = xqn_without_gaps(c, &x);
		if (!xqn_is_dense(&to))
			xqn_new_view(c, &to);
		levels = xqn_join(views, 2, x.dims - 1, c->dev->info.max_dim, dim, stride);
		if (levels > 1)
			return xqn_too_large(c);
	}
	step = xqn_new_step(c, XQN_JOB);
	step->cpu = !xqn_has(c, XQACCEL_FEATURE_SOFTMAX);
	step->work.op = XQACCEL_OP_SOFTMAX;
	step->softmax = (struct xq_softmax_dims){
		.rows = levels ? (uint32_t)dim[0] : 1, .columns = (uint32_t)x.dim[x.dims - 1],
		.multiplier = s.multiplier, .shift = s.shift, .diff_min = s.diff_min,
	};
	step->place[XQACCEL_X] = (struct xqn_place){ .storage = x.storage, .offset = x.offset,
						     .stride = levels ? stride[0] : xqn_row_bytes(&x) };
	step->place[XQACCEL_Y] = (struct xqn_place){
		.storage = to.storage, .offset = to.offset,
		.stride = levels ? stride[XQ_NETWORK_DIMS] : xqn_row_bytes(&to),
	};
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}

/* Some dimensions of a view as one. False if it takes more than one stride, or is larger than the device takes. */
static bool one_level(const struct xqn_compiler *c, const struct xqn_view *v, unsigned int first, unsigned int count,
		      size_t *size, size_t *stride)
{
	struct xqn_view part = { .dims = count };
	const struct xqn_view *const views[1] = { &part };
	size_t dim[XQ_NETWORK_DIMS] = { 1 }, step[XQ_NETWORK_DIMS] = { 0 };
	unsigned int levels;

	memcpy(part.dim, v->dim + first, count * sizeof(*part.dim));
	memcpy(part.stride, v->stride + first, count * sizeof(*part.stride));
	levels = xqn_join(views, 1, count, c->dev->info.max_dim, dim, step);
	*size = levels ? dim[0] : 1;
	*stride = step[0];
	return levels <= 1;
}

static bool set_mean(const struct xqn_compiler *c, struct xqn_step *step, const struct xqn_view *x, unsigned int first, unsigned int count)
{
	size_t outer, middle, inner, stride[3];
	bool fits = one_level(c, x, 0, first, &outer, &stride[0]);

	fits &= one_level(c, x, first, count, &middle, &stride[1]);
	fits &= one_level(c, x, first + count, x->dims - first - count, &inner, &stride[2]);
	fits &= inner == 1 || stride[2] == 1;

	step->mean.outer = (uint32_t)outer;
	step->mean.count = (uint32_t)middle;
	step->mean.inner = (uint32_t)inner;
	step->place[XQACCEL_X] = (struct xqn_place){ .storage = x->storage, .offset = x->offset,
						     .stride = stride[1], .batch_stride = stride[0] };
	return fits;
}

void xqn_set_requant_one(struct xq_requant_one *to, const struct xq_requant *rq)
{
	const bool onnx = rq->profile == XQ_REQUANT_ONNX;

	*to = (struct xq_requant_one){
		.profile = rq->profile, .multiplier = onnx ? 0 : rq->multiplier[0], .shift = onnx ? 0 : rq->shift[0],
		.scale = onnx ? xqn_float_bits(rq->scale[0]) : 0,
		.add = rq->profile == XQ_REQUANT_FLOOR_SHIFT && rq->add ? rq->add[0] : 0,
		.zero_point = rq->zero_point, .act_min = xqn_act_min(rq->clamp, rq->act_min),
		.act_max = xqn_act_max(rq->clamp, rq->act_max),
	};
}

int xqn_lower_mean(struct xqn_compiler *c)
{
	const struct xq_network_mean *m = &c->op->mean;
	const struct xqn_tensor *tx = xqn_tensor(c->net, m->x), *ty = xqn_tensor(c->net, m->y);
	const struct xqn_view *y = xqn_view(c, m->y);
	struct xqn_view x = *xqn_view(c, m->x), to = *y;
	struct xqn_step numbers = { 0 }, *step;
	struct xqn_requant r;
	size_t count = 1, size, stride;
	unsigned int i;
	int err;

	for (i = 0; i < m->count; i++)
		count *= x.dim[m->first + i];
	err = xqn_single_requant(c->net, c->op, m->requant, m->profile, tx, ty, count, &r);
	if (err)
		return err;
	if (!set_mean(c, &numbers, &x, m->first, m->count)) {
		x = xqn_without_gaps(c, &x);
		if (!set_mean(c, &numbers, &x, m->first, m->count)) {
			free(r.memory);
			return xqn_too_large(c);
		}
	}
	/* The output is rows of what lies behind the mean, the inner of it contiguous. */
	size = to.dims - (x.dims - m->first - m->count);
	if (!one_level(c, &to, 0, (unsigned int)size, &size, &stride) ||
	    (!xqn_is_dense(&to) && x.dims - m->first - m->count != 1)) {
		xqn_new_view(c, &to);
		stride = numbers.mean.inner;
	}
	step = xqn_new_step(c, XQN_JOB);
	step->cpu = !xqn_has(c, XQACCEL_FEATURE_MEAN);
	step->work.op = XQACCEL_OP_MEAN;
	step->mean = numbers.mean;
	step->mean.format = (__u8)x.type;
	step->mean.y_format = (__u8)to.type;
	step->mean.zero_point = xqn_zero_point(tx, 0);
	xqn_set_requant_one(&step->mean.y, &r.rq);
	free(r.memory);
	step->place[XQACCEL_X] = numbers.place[XQACCEL_X];
	step->place[XQACCEL_Y] = (struct xqn_place){ .storage = to.storage, .offset = to.offset, .stride = stride };
	if (to.storage != y->storage || to.offset != y->offset)
		xqn_copy(c, &to, y);
	return 0;
}

/* ---- operators of the caller ----------------------------------------------------------------------------- */

int xqn_lower_custom(struct xqn_compiler *c)
{
	const struct xq_network_custom *custom = &c->op->custom;
	struct xqn_call *call = calloc(1, sizeof(*call));
	struct xqn_step *step;
	unsigned int i;

	if (!call)
		return -ENOMEM;
	call->inputs = custom->inputs;
	call->outputs = custom->outputs;
	call->compute = custom->compute;
	call->arg = custom->arg;
	for (i = 0; i < custom->inputs; i++)
		call->view[i] = xqn_without_gaps(c, xqn_view(c, custom->input[i]));
	for (i = 0; i < custom->outputs; i++) {
		struct xqn_view *to = &call->view[custom->inputs + i];

		*to = *xqn_view(c, custom->output[i]);
		if (!xqn_is_dense(to))
			xqn_new_view(c, to);
	}
	step = xqn_new_step(c, XQN_CALL);
	if (c->error) {
		/* The step may be one that is thrown away. */
		free(call);
		return c->error;
	}
	step->cpu = true;
	step->call = call;
	for (i = 0; i < custom->outputs; i++) {
		const struct xqn_view *to = &call->view[custom->inputs + i], *y = xqn_view(c, custom->output[i]);

		if (to->storage != y->storage)
			xqn_copy(c, to, y);
	}
	return 0;
}
