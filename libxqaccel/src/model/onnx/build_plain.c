// SPDX-License-Identifier: MIT
/*
 * Nodes that become one operator whose parameters are few.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "reader.h"

int xqo_build_plain(struct xqo_node *node)
{
	return xqo_add(node, node->kind->op, node->inputs) ? 0 : -ENOMEM;
}

int xqo_build_elementwise(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, node->kind->op, node->inputs);

	if (!op)
		return -ENOMEM;
	op->params.clamp.low = -INFINITY;
	op->params.clamp.high = INFINITY;
	return 0;
}

/* Functions with one or two numbers, and what those are if the file does not say. */
int xqo_build_alpha(struct xqo_node *node)
{
	static const struct {
		enum xqm_op op;
		const char *second;
		float alpha, beta;
	} numbers[] = {
		{ XQM_LEAKY_RELU, NULL, 0.01f, 0 },
		{ XQM_ELU, NULL, 1, 0 },
		{ XQM_SELU, "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f },
		{ XQM_CELU, NULL, 1, 0 },
		{ XQM_HARD_SIGMOID, "beta", 0.2f, 0.5f },
		{ XQM_THRESHOLDED_RELU, NULL, 1, 0 },
		{ XQM_SWISH, NULL, 1, 0 },
	};
	struct xqm_operator *op = xqo_add(node, node->kind->op, node->inputs);

	if (!op)
		return -ENOMEM;
	if (node->kind->op == XQM_SHRINK) {
		op->params.alpha.alpha = xqo_float(node, "lambd", 0.5f);
		op->params.alpha.beta = xqo_float(node, "bias", 0);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].op != node->kind->op)
			continue;
		op->params.alpha.alpha = xqo_float(node, "alpha", numbers[i].alpha);
		op->params.alpha.beta = numbers[i].second ? xqo_float(node, numbers[i].second, numbers[i].beta) : 0;
	}
	return 0;
}

int xqo_build_is_inf(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_IS_INF, 1);

	if (!op)
		return -ENOMEM;
	op->params.alpha.alpha = (float)xqo_int(node, "detect_negative", 1);
	op->params.alpha.beta = (float)xqo_int(node, "detect_positive", 1);
	return 0;
}

int xqo_build_shift(struct xqo_node *node)
{
	bool left = xqo_text_is(node, "direction", "", "LEFT");

	if (!left && !xqo_text_is(node, "direction", "", "RIGHT"))
		return xqo_refuse(node, -EINVAL, "its direction is neither LEFT nor RIGHT");
	return xqo_add(node, left ? XQM_SHIFT_LEFT : XQM_SHIFT_RIGHT, 2) ? 0 : -ENOMEM;
}

/* Bounds were attributes before opset 11. */
int xqo_build_clip(struct xqo_node *node)
{
	int input[3] = { xqo_in(node, 0), xqo_in(node, 1), xqo_in(node, 2) };

	if (node->reader->opset < 11) {
		const char *names[2] = { "min", "max" };

		for (int i = 0; i < 2; i++) {
			if (!xqo_attribute(node, names[i]))
				continue;
			input[i + 1] = xqo_number_operand(node, XQ_F32, (double)xqo_float(node, names[i], 0));
			if (input[i + 1] < 0)
				return input[i + 1];
		}
	}
	return xqo_add_with(node, XQM_CLIP, input, 3, node->output, 1) ? 0 : -ENOMEM;
}

int xqo_build_gelu(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_GELU, 1);

	if (!op)
		return -ENOMEM;
	op->params.gelu.tanh = xqo_text_is(node, "approximate", "none", "tanh");
	return 0;
}

int xqo_build_mod(struct xqo_node *node)
{
	struct xqm_operator *op = xqo_add(node, XQM_MOD, 2);

	if (!op)
		return -ENOMEM;
	op->params.modulo.truncated = xqo_int(node, "fmod", 0) != 0;
	return 0;
}

static int add_cast(struct xqo_node *node, int type)
{
	struct xqm_operator *op = xqo_add(node, XQM_CAST, 1);

	if (!op)
		return -ENOMEM;
	op->params.cast.special = !xqo_int(node, "saturate", 1);
	if (node->output[0])
		xqm_tensor(node->graph, node->output[0])->type = type;
	return 0;
}

int xqo_build_cast(struct xqo_node *node)
{
	int64_t code = xqo_int(node, "to", 0);
	int type = code > 0 && code < 1000 ? xqo_type((int32_t)code) : XQ_NONE;
	char text[32];

	if (type == XQ_NONE)
		return xqo_refuse(node, -EOPNOTSUPP, "to type %s, which is not known",
				  xqo_type_name(code > 0 && code < 1000 ? (int32_t)code : 0, text, sizeof(text)));
	return add_cast(node, type);
}

int xqo_build_cast_like(struct xqo_node *node)
{
	const struct xqm_tensor *like = xqm_tensor(node->graph, node->input[1]);

	if (like->type == XQ_NONE)
		return xqo_refuse(node, -EOPNOTSUPP, "the type of its second input is not in the file");
	return add_cast(node, like->type);
}

/* The output stands for the constant itself. */
int xqo_build_constant(struct xqo_node *node)
{
	const Onnx__AttributeProto *a;
	int number;

	if ((a = xqo_attribute(node, "value")) && a->t) {
		number = xqo_constant(node->reader, a->t, node->proto->output[0]);
	} else if ((a = xqo_attribute(node, "value_int")) && a->has_i) {
		number = xqm_add_integers(node->graph, node->proto->output[0], &a->i, 1);
		if (number > 0)
			xqm_tensor(node->graph, number)->shape.dims = 0;
	} else if ((a = xqo_attribute(node, "value_ints"))) {
		number = xqm_add_integers(node->graph, node->proto->output[0], a->ints, (unsigned int)a->n_ints);
	} else if ((a = xqo_attribute(node, "value_float")) && a->has_f) {
		number = xqo_number_operand(node, XQ_F32, (double)a->f);
	} else if ((a = xqo_attribute(node, "value_floats"))) {
		const float *data = xqm_keep(node->graph, a->floats, a->n_floats * sizeof(float));
		struct xqm_tensor *t;

		number = xqo_between(node, XQ_F32);
		t = xqm_tensor(node->graph, number);
		if (!t || !data)
			return xqm_no_memory(node->graph);
		t->shape = (struct xqm_shape){ .known = true, .dims = 1, .dim = { (int64_t)a->n_floats } };
		t->data = data;
		t->bytes = a->n_floats * sizeof(float);
	} else {
		return xqo_refuse(node, -EOPNOTSUPP, "it has no value that is a tensor or a number");
	}
	if (number > 0)
		node->output[0] = number;
	return number < 0 ? number : 0;
}

/* When a model is not trained, nothing is dropped. The second output says so. */
int xqo_build_dropout(struct xqo_node *node)
{
	const struct xqm_tensor *training = xqo_known(node, 2);
	const int64_t one = 1;
	int shape, value, mask[2];

	if (xqo_in(node, 2) && (!training || *(const uint8_t *)training->data))
		return xqo_refuse(node, -EOPNOTSUPP, "the model is trained");
	if (!xqo_add_with(node, XQM_IDENTITY, node->input, 1, node->output, 1))
		return -ENOMEM;
	if (node->outputs < 2 || !node->output[1])
		return 0;
	shape = xqo_between(node, XQ_MODEL_S64);
	value = xqo_number_operand(node, XQ_MODEL_BOOL, (double)one);
	if (shape < 0 || value < 0 || !xqo_add_with(node, XQM_SHAPE, node->input, 1, &shape, 1))
		return -ENOMEM;
	mask[0] = shape;
	mask[1] = value;
	return xqo_add_with(node, XQM_CONSTANT_OF_SHAPE, mask, 2, &node->output[1], 1) ? 0 : -ENOMEM;
}
