// SPDX-License-Identifier: MIT
/*
 * The check of a network: operators are gone through in their order, each finds the shapes of its
 * outputs from those of its inputs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

const char *xqn_shape_text(const struct xqn_shape *shape, char *text)
{
	size_t at = (size_t)snprintf(text, XQN_SHAPE_TEXT, "[%s", shape->batched ? "batch * " : "");
	unsigned int i;

	for (i = 0; i < shape->dims && at < XQN_SHAPE_TEXT; i++)
		at += (size_t)snprintf(text + at, XQN_SHAPE_TEXT - at, "%s%zu", i ? ", " : "",
				       shape->dim[i]);
	if (at < XQN_SHAPE_TEXT)
		snprintf(text + at, XQN_SHAPE_TEXT - at, "]");
	return text;
}

size_t xqn_elements(const struct xqn_shape *shape)
{
	size_t n = 1;
	unsigned int i;

	for (i = 0; i < shape->dims; i++)
		n *= shape->dim[i];
	return n;
}

int xqn_want_type(struct xq_network *net, const struct xqn_operator *op, int tensor, uint32_t types,
		  const char *what)
{
	const struct xqn_tensor *t = xqn_tensor(net, tensor);
	char names[64] = "";
	size_t at = 0;
	int type;

	if (types >> t->config.type & 1)
		return 0;
	for (type = 1; type < XQ_TYPE_COUNT; type++)
		if (types >> type & 1 && at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "",
					       xq_type_name((enum xq_type)type));
	return xqn_fail_at(net, op, -EINVAL, "%s %s is of type %s, not of %s", what, t->config.name,
			   xq_type_name(t->config.type), names);
}

int xqn_want_elements(struct xq_network *net, const struct xqn_operator *op, int tensor, enum xq_type type,
		      size_t elements, const char *what)
{
	const struct xqn_tensor *t = xqn_tensor(net, tensor);
	int err;

	if (!tensor)
		return 0;
	err = xqn_want_type(net, op, tensor, XQN_BIT(type), what);
	if (err)
		return err;
	if (!xqn_constant(t))
		return xqn_fail_at(net, op, -EINVAL, "%s %s is no constant", what, t->config.name);
	if (xqn_elements(&t->shape) != elements)
		return xqn_fail_at(net, op, -EINVAL, "%s %s has %zu elements, not %zu", what, t->config.name,
				   xqn_elements(&t->shape), elements);
	return 0;
}

static bool same_shape(const struct xqn_shape *a, const struct xqn_shape *b)
{
	return a->dims == b->dims && a->batched == b->batched &&
	       !memcmp(a->dim, b->dim, a->dims * sizeof(*a->dim));
}

int xqn_settle(struct xq_network *net, const struct xqn_operator *op, int tensor,
	       const struct xqn_shape *shape)
{
	struct xqn_tensor *t = xqn_tensor(net, tensor);
	char found[XQN_SHAPE_TEXT], given[XQN_SHAPE_TEXT];
	size_t bytes = 8;
	unsigned int i;

	for (i = 0; i < shape->dims; i++)
		if (!shape->dim[i] || shape->dim[i] > XQN_MAX_SIZE ||
		    __builtin_mul_overflow(bytes, shape->dim[i], &bytes))
			return xqn_fail_at(net, op, -EOVERFLOW, "its output of shape %s is too large",
					   xqn_shape_text(shape, found));
	if (!t->given) {
		t->shape = *shape;
		return 0;
	}
	if (same_shape(&t->shape, shape))
		return 0;
	return xqn_fail_at(net, op, -EINVAL, "its output %s has the shape %s, but %s comes out", t->config.name,
			   xqn_shape_text(&t->shape, given), xqn_shape_text(shape, found));
}

static int check_custom(struct xq_network *net, const struct xqn_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->outputs; i++)
		if (!xqn_tensor(net, op->output[i])->given)
			return xqn_fail_at(net, op, -EINVAL, "its output %s has no shape",
					   xqn_tensor(net, op->output[i])->config.name);
	return 0;
}

/* Only weights have several channels, and only weights may be indices into a codebook. */
static int check_values(struct xq_network *net, const struct xqn_operator *op)
{
	unsigned int i;

	for (i = 0; i < op->inputs + op->outputs; i++) {
		const struct xqn_tensor *t = xqn_tensor(net, i < op->inputs ? op->input[i] :
							op->output[i - op->inputs]);

		if (xqn_constant(t))
			continue;
		if (t->config.channels > 1)
			return xqn_fail_at(net, op, -EINVAL, "tensor %s has %zu scales or zero points, and is no constant",
					   t->config.name, t->config.channels);
		if (XQN_CODEBOOK >> t->config.type & 1)
			return xqn_fail_at(net, op, -EINVAL, "tensor %s is of type %s, and is no constant",
					   t->config.name, xq_type_name(t->config.type));
	}
	return 0;
}

static int check_operator(struct xq_network *net, const struct xqn_operator *op)
{
	const int err = check_values(net, op);

	if (err)
		return err;
	switch (op->kind) {
	case XQN_PRODUCT:
		return xqn_check_product(net, op);
	case XQN_GROUPED:
		return xqn_check_grouped(net, op);
	case XQN_CONVOLUTION:
		return xqn_check_convolution(net, op);
	case XQN_POOL:
		return xqn_check_pool(net, op);
	case XQN_ADD:
	case XQN_MUL:
		return xqn_check_elementwise(net, op);
	case XQN_SOFTMAX:
		return xqn_check_softmax(net, op);
	case XQN_MEAN:
		return xqn_check_mean(net, op);
	case XQN_LOOKUP:
		return xqn_check_lookup(net, op);
	case XQN_CONVERT:
		return xqn_check_convert(net, op);
	case XQN_CUSTOM:
		return check_custom(net, op);
	default:
		return xqn_check_move(net, op);
	}
}

int xqn_check(struct xq_network *net)
{
	unsigned int i;
	int err = 0;

	if (!net->outputs)
		return xqn_fail(net, -EINVAL, "the network has no output");
	for (i = 0; i < net->operators && !err; i++)
		err = check_operator(net, net->operator[i]);
	return err;
}

int xq_network_check(struct xq_network *net)
{
	return xqn_check(net);
}
