// SPDX-License-Identifier: MIT
/*
 * Checks of pools, sums, softmax, means, lookups and conversions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static int no_constant(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x)
{
	return xqn_constant(x) ? xqn_fail_at(net, op, -EINVAL, "its input %s is a constant", x->config.name) : 0;
}

/* Rows that an operator works along must not be the batch. */
static int rows_apart(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x)
{
	if (!x->shape.dims || (x->shape.batched && x->shape.dims == 1))
		return xqn_fail_at(net, op, -EINVAL, "its input %s has no dimension besides the batch",
				   x->config.name);
	return 0;
}

/* ---- pools ----------------------------------------------------------------------------------------- */

int xqn_pool_geometry(struct xq_network *net, const struct xqn_operator *op, struct xq_pool *pool)
{
	const struct xq_network_pool *p = &op->pool;
	const struct xqn_tensor *x = xqn_tensor(net, p->x);
	const bool flat = x->shape.dims == 3;
	char text[XQN_SHAPE_TEXT];

	if (x->shape.dims != 3 && x->shape.dims != 4)
		return xqn_fail_at(net, op, -EINVAL, "its input of shape %s has not 3 or 4 dimensions",
				   xqn_shape_text(&x->shape, text));
	*pool = (struct xq_pool){
		.kind = p->kind, .layout = XQ_NHWC, .type = x->config.type, .batch = x->shape.dim[0],
		.in_h = flat ? 1 : x->shape.dim[1], .in_w = x->shape.dim[flat ? 1 : 2],
		.channels = x->shape.dim[flat ? 2 : 3], .clamp = p->clamp, .act_min = p->act_min,
		.act_max = p->act_max, .stride_h = 1, .stride_w = 1,
	};
	if (p->global) {
		pool->kernel_h = pool->in_h;
		pool->kernel_w = pool->in_w;
		return 0;
	}
	pool->kernel_h = flat ? 1 : p->kernel_h;
	pool->kernel_w = p->kernel_w;
	pool->stride_h = flat || !p->stride_h ? 1 : p->stride_h;
	pool->stride_w = p->stride_w ? p->stride_w : 1;
	pool->pad_top = flat ? 0 : p->pad_top;
	pool->pad_bottom = flat ? 0 : p->pad_bottom;
	pool->pad_left = p->pad_left;
	pool->pad_right = p->pad_right;
	return 0;
}

int xqn_check_pool(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xqn_tensor *x = xqn_tensor(net, op->pool.x), *y = xqn_tensor(net, op->pool.y);
	struct xqn_shape shape = x->shape;
	struct xq_pool pool;
	size_t h, w;
	int err = xqn_want_type(net, op, op->pool.x, XQN_BYTES, "the input");

	if (!err)
		err = xqn_want_type(net, op, op->pool.y, XQN_BIT(x->config.type), "the output");
	if (!err)
		err = no_constant(net, op, x);
	if (!err && op->pool.kind != XQ_MAX_POOL && op->pool.kind != XQ_AVERAGE_POOL)
		err = xqn_fail_at(net, op, -EINVAL, "it is of an unknown kind");
	if (!err)
		err = xqn_pool_geometry(net, op, &pool);
	if (err)
		return err;
	if (x->config.channels && y->config.channels && xqn_zero_point(x, 0) != xqn_zero_point(y, 0))
		return xqn_fail_at(net, op, -EINVAL, "its input and output have the zero points %d and %d",
				   xqn_zero_point(x, 0), xqn_zero_point(y, 0));
	if (pool.clamp && (pool.act_min > pool.act_max || pool.act_min > xq_type_max(pool.type) ||
			   pool.act_max < xq_type_min(pool.type)))
		return xqn_fail_at(net, op, -EINVAL, "its bounds %d and %d leave no value", pool.act_min,
				   pool.act_max);
	err = xq_pool_output(&pool, &h, &w);
	if (err)
		return xqn_fail_at(net, op, err, err == -EOVERFLOW ? "its sizes are too large" :
				   "its window and pads leave no output");
	shape.dim[shape.dims - 2] = w;
	if (shape.dims == 4)
		shape.dim[1] = h;
	return xqn_settle(net, op, op->pool.y, &shape);
}

/* ---- sums and products ----------------------------------------------------------------------------- */

static int broadcast(struct xq_network *net, const struct xqn_operator *op, const struct xqn_shape *a,
		     const struct xqn_shape *b, struct xqn_shape *y)
{
	char one[XQN_SHAPE_TEXT], other[XQN_SHAPE_TEXT];
	bool fits = true;
	unsigned int i;

	*y = (struct xqn_shape){ .dims = a->dims > b->dims ? a->dims : b->dims,
				 .batched = a->batched || b->batched };
	for (i = 1; i <= y->dims; i++) {
		const size_t p = i <= a->dims ? a->dim[a->dims - i] : 1;
		const size_t q = i <= b->dims ? b->dim[b->dims - i] : 1;

		fits &= p == q || p == 1 || q == 1;
		y->dim[y->dims - i] = p == 1 ? q : p;
	}
	/* The batch has to meet the batch, or what can be repeated. */
	if (a->batched && b->batched)
		fits &= a->dims == b->dims && a->dim[0] == b->dim[0];
	else if (a->batched)
		fits &= a->dims == y->dims && (b->dims < y->dims || b->dim[0] == 1);
	else if (b->batched)
		fits &= b->dims == y->dims && (a->dims < y->dims || a->dim[0] == 1);
	return fits ? 0 : xqn_fail_at(net, op, -EINVAL, "its operands of shapes %s and %s cannot be broadcast",
				      xqn_shape_text(a, one), xqn_shape_text(b, other));
}

static struct xq_shape no_elements(void)
{
	return (struct xq_shape){ .dims = 1, .dim = { 0 } };
}

int xqn_check_elementwise(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xq_network_elementwise *e = &op->elementwise;
	const struct xqn_tensor *a = xqn_tensor(net, e->a), *b = xqn_tensor(net, e->b);
	struct xq_elementwise_args args;
	struct xqn_shape shape;
	int err = xqn_want_type(net, op, e->a, XQN_BYTES, "the first operand");

	if (!err)
		err = xqn_want_type(net, op, e->b, XQN_BYTES, "the second operand");
	if (!err)
		err = xqn_want_type(net, op, e->y, XQN_BYTES, "the output");
	if (!err && xqn_constant(a) && xqn_constant(b))
		err = xqn_fail_at(net, op, -EINVAL, "both operands are constants");
	if (!err)
		err = broadcast(net, op, &a->shape, &b->shape, &shape);
	if (!err)
		err = xqn_settle(net, op, e->y, &shape);
	if (!err)
		err = xqn_elementwise_args(net, op, &args);
	if (err)
		return err;
	/* The operator itself knows which numbers make sense; no elements are enough to ask it. */
	args.a.shape = args.b.shape = no_elements();
	err = op->kind == XQN_ADD ? xq_add(NULL, &args) : xq_mul(NULL, &args);
	return err ? xqn_fail_at(net, op, err, "its factors, zero points or bounds make no sense") : 0;
}

/* ---- softmax, means, lookups ----------------------------------------------------------------------- */

int xqn_check_softmax(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xqn_tensor *x = xqn_tensor(net, op->softmax.x);
	struct xq_softmax s = { 0 };
	int err = xqn_want_type(net, op, op->softmax.x, XQN_BIT(XQ_S8), "the input");

	if (!err)
		err = xqn_want_type(net, op, op->softmax.y, XQN_BIT(XQ_S8), "the output");
	if (!err)
		err = no_constant(net, op, x);
	if (!err)
		err = rows_apart(net, op, x);
	if (!err)
		err = xqn_settle(net, op, op->softmax.y, &x->shape);
	if (!err)
		err = xqn_softmax_args(net, op, &s);
	if (err)
		return err;
	err = xq_softmax(NULL, &s);
	return err ? xqn_fail_at(net, op, err, "its multiplier, shift or least difference makes no sense") : 0;
}

int xqn_check_mean(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xq_network_mean *m = &op->mean;
	const struct xqn_tensor *x = xqn_tensor(net, m->x), *y = xqn_tensor(net, m->y);
	struct xqn_shape shape = { .batched = x->shape.batched };
	struct xqn_requant r;
	size_t count = 1;
	unsigned int i;
	int err = xqn_want_type(net, op, m->x, XQN_BYTES, "the input");

	if (!err)
		err = xqn_want_type(net, op, m->y, XQN_BYTES, "the output");
	if (!err)
		err = no_constant(net, op, x);
	if (err)
		return err;
	if (!m->count || m->first >= x->shape.dims || m->count > x->shape.dims - m->first ||
	    (x->shape.batched && !m->first))
		return xqn_fail_at(net, op, -EINVAL, "there is no mean over dimensions %u to %u of its input", m->first,
				   m->first + m->count - 1);
	for (i = 0; i < x->shape.dims; i++) {
		const bool middle = i >= m->first && i < m->first + m->count;

		if (middle)
			count *= x->shape.dim[i];
		/* Kept as 1 if the output says so. */
		if (!middle)
			shape.dim[shape.dims++] = x->shape.dim[i];
		else if (y->given && y->shape.dims == x->shape.dims)
			shape.dim[shape.dims++] = 1;
	}
	if (!shape.dims)
		shape.dim[shape.dims++] = 1;
	err = xqn_settle(net, op, m->y, &shape);
	if (!err)
		err = xqn_single_requant(net, op, m->requant, m->profile, x, y, count, &r);
	if (!err)
		free(r.memory);
	return err;
}

int xqn_check_lookup(struct xq_network *net, const struct xqn_operator *op)
{
	int err = xqn_want_type(net, op, op->input[0], XQN_BYTES, "the input");

	if (!err)
		err = xqn_want_type(net, op, op->output[0], XQN_NARROW, "the output");
	if (!err)
		err = no_constant(net, op, xqn_tensor(net, op->input[0]));
	return err ? err : xqn_settle(net, op, op->output[0], &xqn_tensor(net, op->input[0])->shape);
}

/* ---- conversions ----------------------------------------------------------------------------------- */

static int check_rows(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x,
		      const struct xqn_tensor *y)
{
	struct xqn_shape rows = x->shape;
	int err;

	if (x->config.type != XQ_F32 || !op->convert.row_scale)
		return xqn_fail_at(net, op, -EINVAL, "only what is quantized from f32 has %s for each row",
				   op->convert.row_scale ? "a scale" : "zero points with scales");
	err = rows_apart(net, op, x);
	if (!err && y->config.channels)
		err = xqn_fail_at(net, op, -EINVAL, "its output %s has a scale, and one for each row", y->config.name);
	rows.dims--;
	if (!rows.dims)
		rows.dim[rows.dims++] = 1;
	if (!err)
		err = xqn_want_type(net, op, op->convert.row_scale, XQN_BIT(XQ_F32), "the tensor of scales");
	if (!err)
		err = xqn_settle(net, op, op->convert.row_scale, &rows);
	if (!err && op->convert.row_zp)
		err = xqn_want_type(net, op, op->convert.row_zp, XQN_BIT(XQ_S32), "the tensor of zero points");
	if (!err && op->convert.row_zp)
		err = xqn_settle(net, op, op->convert.row_zp, &rows);
	return err;
}

static int check_scale(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *t)
{
	const int32_t zp = xqn_zero_point(t, 0);

	if (!t->config.channels || !t->config.scale || !(t->config.scale[0] > 0))
		return xqn_fail_at(net, op, -EINVAL, "tensor %s has no scale above 0", t->config.name);
	return t->number == op->convert.y && (zp > 32000 || zp < -32000) ?
	       xqn_fail_at(net, op, -EINVAL, "the zero point %d of tensor %s is too large", zp, t->config.name) : 0;
}

int xqn_check_convert(struct xq_network *net, const struct xqn_operator *op)
{
	const uint32_t integers = XQN_NARROW | XQN_BIT(XQ_S16) | XQN_BIT(XQ_U16) | XQN_BIT(XQ_S32);
	const struct xqn_tensor *x = xqn_tensor(net, op->convert.x), *y = xqn_tensor(net, op->convert.y);
	const bool from = x->config.type == XQ_F32, to = y->config.type == XQ_F32;
	struct xqn_requant r;
	int err = xqn_want_type(net, op, op->convert.x, integers | XQN_BIT(XQ_F32), "the input");

	if (!err)
		err = xqn_want_type(net, op, op->convert.y, XQN_REQUANTIZED | (from ? 0 : XQN_BIT(XQ_F32)),
				    "the output");
	if (!err)
		err = no_constant(net, op, x);
	if (!err)
		err = xqn_settle(net, op, op->convert.y, &x->shape);
	if (err)
		return err;
	if (op->convert.requant && (from || to))
		return xqn_fail_at(net, op, -EINVAL, "only integers are requantized");
	if (op->convert.row_scale || op->convert.row_zp)
		return check_rows(net, op, x, y);
	if (from || to)
		return check_scale(net, op, from ? y : x);
	err = xqn_single_requant(net, op, op->convert.requant, op->convert.profile, x, y, 1, &r);
	if (!err)
		free(r.memory);
	return err;
}
