// SPDX-License-Identifier: MIT
/*
 * Checks of products whose groups have real scales.
 */
#include <errno.h>

#include "check.h"

#define REAL_SCALES	(XQN_BIT(XQ_F16) | XQN_BIT(XQ_BF16) | XQN_BIT(XQ_F32) | XQN_BIT(XQ_E8M0))

/* Scales or minima of weights. */
static int check_of_weights(struct xq_network *net, const struct xqn_operator *op, int tensor, size_t elements,
			    const char *what)
{
	const struct xqn_tensor *t = xqn_tensor(net, tensor);
	int err;

	if (!t)
		return 0;
	err = xqn_want_type(net, op, tensor, REAL_SCALES, what);
	if (err)
		return err;
	if (!xqn_constant(t))
		return xqn_fail_at(net, op, -EINVAL, "%s %s is no constant", what, t->config.name);
	return xqn_want_elements(net, op, tensor, t->config.type, elements, what);
}

static int check_of_rows(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x, size_t elements)
{
	const struct xqn_tensor *t = xqn_tensor(net, op->grouped.x_scales);
	int err;

	if (!t)
		return 0;
	err = xqn_want_type(net, op, t->number, XQN_BIT(XQ_F32), "the tensor of the input's scales");
	if (!err && (xqn_elements(&t->shape) != elements || t->shape.batched != x->shape.batched))
		err = xqn_fail_at(net, op, -EINVAL, "the input's scales %s are %zu elements, not %zu%s", t->config.name,
				  xqn_elements(&t->shape), elements, x->shape.batched ? " for each element of the batch" : "");
	return err;
}

static int check_shapes(struct xq_network *net, const struct xqn_operator *op, const struct xqn_tensor *x,
			const struct xqn_tensor *w)
{
	const size_t group = op->grouped.group, k = w->shape.dim[1];
	char a[XQN_SHAPE_TEXT], b[XQN_SHAPE_TEXT];

	if (!xqn_constant(w) || w->shape.dims != 2)
		return xqn_fail_at(net, op, -EINVAL, "its weights %s are no constant of the shape [n, k]", w->config.name);
	if (xqn_constant(x) || !x->shape.dims || (x->shape.dims == 1 && x->shape.batched))
		return xqn_fail_at(net, op, -EINVAL, "its input %s is %s", x->config.name,
				   xqn_constant(x) ? "a constant" : "no series of rows");
	if (x->shape.dim[x->shape.dims - 1] != k)
		return xqn_fail_at(net, op, -EINVAL, "its input of shape %s does not fit weights of shape %s",
				   xqn_shape_text(&x->shape, a), xqn_shape_text(&w->shape, b));
	if (!group || group > XQACCEL_MAX_GROUP_REAL || k % group)
		return xqn_fail_at(net, op, -EINVAL, "groups of %zu elements do not divide rows of %zu, or are not 1 to %d", group,
				   k, XQACCEL_MAX_GROUP_REAL);
	if (w->config.channels > 1 && w->config.zero_point)
		return xqn_fail_at(net, op, -EINVAL, "its weights %s have a zero point for each channel", w->config.name);
	return 0;
}

int xqn_check_grouped(struct xq_network *net, const struct xqn_operator *op)
{
	const struct xq_network_grouped *p = &op->grouped;
	const struct xqn_tensor *x = xqn_tensor(net, p->x), *w = xqn_tensor(net, p->w);
	struct xqn_shape shape = x->shape;
	size_t n, k;
	int err = xqn_want_type(net, op, p->x, XQN_NARROW, "the input");

	if (!err)
		err = xqn_want_type(net, op, p->w, XQN_NARROW | XQN_CODEBOOK, "the tensor of weights");
	if (!err)
		err = xqn_want_type(net, op, p->y, XQN_BIT(XQ_F32), "the output");
	if (!err)
		err = check_shapes(net, op, x, w);
	if (err)
		return err;
	n = w->shape.dim[0];
	k = w->shape.dim[1];
	err = check_of_weights(net, op, p->w_scales, n * (k / p->group), "the tensor of the weights' scales");
	if (!err)
		err = check_of_weights(net, op, p->w_minima, n * (k / p->group), "the tensor of the weights' minima");
	if (!err)
		err = check_of_rows(net, op, x, xqn_elements(&x->shape) / p->group);
	if (!err)
		err = xqn_want_elements(net, op, p->float_bias, XQ_F32, n, "the bias");
	shape.dim[shape.dims - 1] = n;
	return err ? err : xqn_settle(net, op, p->y, &shape);
}
