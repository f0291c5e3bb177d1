// SPDX-License-Identifier: MIT
/*
 * What becomes integers: layers with constant weights, what goes in and comes out of them, and what lies between
 * these that integers can do as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

int xqc_activation(const struct xq_post_training *p, const char *name)
{
	for (unsigned int i = 0; i < p->activations; i++)
		if (!strcmp(p->activation[i].name, name))
			return (int)i;
	return -1;
}

static int add_activation(struct xq_post_training *p, const char *name, int same_as)
{
	struct xqc_activation *more = realloc(p->activation, (p->activations + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->activation = more;
	more[p->activations] = (struct xqc_activation){ .name = name, .same_as = same_as,
							.type = p->options.activations };
	return (int)p->activations++;
}

static bool is_one_of(const Onnx__NodeProto *node, const char *const *types)
{
	for (; *types; types++)
		if (xqc_is(node, *types))
			return true;
	return false;
}

/* Its result has no other elements than its first input. */
static bool moves(const Onnx__NodeProto *node)
{
	static const char *const types[] = { "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", NULL };

	return is_one_of(node, types) && node->n_input >= 1 && node->n_output >= 1;
}

/* Integers in, integers out. */
static bool computes(const Onnx__NodeProto *node)
{
	static const char *const types[] = { "Add", "Mul", "AveragePool", "GlobalAveragePool", "Concat", NULL };

	return is_one_of(node, types) && node->n_output == 1;
}

/* An activation becomes integers: with those of what it is only another order of. Its number. */
static int quantize(struct xq_post_training *p, const char *name)
{
	const int have = xqc_activation(p, name), by = xqc_producer(&p->doc, name);
	int from = -1;

	if (have >= 0)
		return have;
	if (by >= 0 && moves(p->doc.node[by]) && !xqc_constant(&p->doc, p->doc.node[by]->input[0])) {
		from = quantize(p, p->doc.node[by]->input[0]);
		if (from < 0)
			return from;
	}
	return add_activation(p, name, from);
}

/* What a node makes, behind a Relu or Clip that is the only one to read it. */
static const char *behind(const struct xqc_document *doc, const char *output)
{
	const int user = xqc_only_user(doc, output);

	if (user >= 0 && (xqc_is(doc->node[user], "Relu") || xqc_is(doc->node[user], "Clip")))
		return doc->node[user]->output[0];
	return output;
}

static bool is_excluded(const struct xq_post_training *p, const Onnx__NodeProto *node, const char *made)
{
	for (unsigned int i = 0; i < p->options.excluded; i++) {
		const char *name = p->options.exclude[i];

		if ((node->name && !strcmp(node->name, name)) || !strcmp(node->output[0], name) || !strcmp(made, name))
			return true;
	}
	return false;
}

/* A layer of a node, if it is one that can be quantized. */
static bool layer_of(struct xq_post_training *p, const Onnx__NodeProto *node, struct xqc_layer *layer)
{
	const bool conv = xqc_is(node, "Conv"), gemm = xqc_is(node, "Gemm");
	const Onnx__TensorProto *w;
	const float *weight;
	size_t count;

	if ((!conv && !gemm && !xqc_is(node, "MatMul")) || node->n_input < 2 || node->n_output != 1)
		return false;
	w = xqc_constant(&p->doc, node->input[1]);
	weight = xqc_floats(&p->doc, w, &count);
	if (!weight || !count || xqc_constant(&p->doc, node->input[0]) || (!conv && w->n_dims != 2) ||
	    (conv && w->n_dims < 3))
		return false;
	if (gemm && (xqc_float(node, "alpha", 1) != 1.0f || xqc_float(node, "beta", 1) != 1.0f || xqc_int(node, "transA", 0)))
		return false;
	*layer = (struct xqc_layer){
		.node = node->name && *node->name ? node->name : node->output[0], .type = node->op_type,
		.input = node->input[0], .weights = node->input[1], .output = node->output[0], .made = behind(&p->doc, node->output[0]),
		.axis = conv || (gemm && xqc_int(node, "transB", 0)) ? 0 : 1, .elements = count,
	};
	layer->w = w;
	layer->weight = weight;
	layer->width = p->options.weights;
	layer->channels = (size_t)w->dims[layer->axis];
	layer->k = count / layer->channels;
	layer->inner = conv ? layer->k / (size_t)w->dims[1] : 1;
	layer->groups = conv ? (size_t)xqc_int(node, "group", 1) : 1;
	if (layer->groups < 1 || layer->channels % layer->groups)
		return false;
	layer->float_bytes = count * sizeof(float);
	if (node->n_input > 2 && node->input[2][0]) {
		const Onnx__TensorProto *b = xqc_constant(&p->doc, node->input[2]);
		size_t own;

		layer->bias_value = xqc_floats(&p->doc, b, &own);
		if (!layer->bias_value || own != layer->channels || b->n_dims != 1)
			return false;
		layer->bias = node->input[2];
		layer->float_bytes += own * sizeof(float);
	}
	layer->excluded = is_excluded(p, node, layer->made);
	return true;
}

static int add_layer(struct xq_post_training *p, const struct xqc_layer *layer)
{
	struct xqc_layer *more = realloc(p->layer, (p->layers + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->layer = more;
	more[p->layers++] = *layer;
	return 0;
}

/* Whether all that a node reads are integers, or will be. */
static bool all_integers(const struct xq_post_training *p, const Onnx__NodeProto *node)
{
	for (size_t i = 0; i < node->n_input; i++)
		if (xqc_activation(p, node->input[i]) < 0)
			return false;
	return node->n_input;
}

static int check_excluded(struct xq_post_training *p)
{
	for (unsigned int i = 0; i < p->options.excluded; i++) {
		bool found = false;

		for (unsigned int k = 0; k < p->layers && !found; k++) {
			const char *name = p->options.exclude[i];

			found = !strcmp(p->layer[k].node, name) || !strcmp(p->layer[k].made, name) ||
				!strcmp(p->layer[k].output, name);
		}
		if (!found)
			return xqc_fail(p, -EINVAL, "there is no layer %.200s to exclude", p->options.exclude[i]);
	}
	return 0;
}

/* What makes an activation, before a fused Relu or Clip; NULL for an input of the model. */
static const Onnx__NodeProto *maker(const struct xq_post_training *p, const char *name)
{
	int by = xqc_producer(&p->doc, name);

	while (by >= 0 && (xqc_is(p->doc.node[by], "Relu") || xqc_is(p->doc.node[by], "Clip")))
		by = xqc_producer(&p->doc, p->doc.node[by]->input[0]);
	return by < 0 ? NULL : p->doc.node[by];
}

static bool may_be_narrow(const struct xq_post_training *p, const char *name)
{
	static const char *const types[] = { "Conv", "Gemm", "MatMul", "Add", "Mul", NULL };
	const Onnx__NodeProto *node = maker(p, name);

	return node && is_one_of(node, types) && !xqc_is_output(&p->doc, name);
}

/*
 * Less than 8 bits has what layers, sums and products make. Inputs and outputs of the model have 8,
 * and what the device makes of integers without bounds. What only moves elements has the type of
 * what it moves.
 */
static void choose_types(struct xq_post_training *p)
{
	const enum xq_type wide = p->options.activations == XQ_U8 ? XQ_U8 : XQ_S8;

	for (unsigned int i = 0; i < p->activations; i++) {
		struct xqc_activation *a = &p->activation[i];
		struct xqc_activation *root = a->same_as < 0 ? a : &p->activation[a->same_as];

		while (root->same_as >= 0)
			root = &p->activation[root->same_as];
		if (a == root ? !may_be_narrow(p, a->name) : xqc_is_output(&p->doc, a->name))
			root->type = wide;
	}
	for (unsigned int i = 0; i < p->activations; i++) {
		if (p->activation[i].same_as >= 0)
			p->activation[i].type = p->activation[p->activation[i].same_as].type;
	}
}

int xqc_plan(struct xq_post_training *p)
{
	unsigned int wanted = 0;
	int err = 0;

	for (unsigned int i = 0; i < p->doc.nodes && err >= 0; i++) {
		const Onnx__NodeProto *node = p->doc.node[i];
		struct xqc_layer layer;

		if (layer_of(p, node, &layer)) {
			err = add_layer(p, &layer);
			if (err || layer.excluded)
				continue;
			wanted++;
			err = quantize(p, layer.input);
			if (err >= 0)
				err = quantize(p, layer.made);
		} else if (computes(node) && all_integers(p, node)) {
			err = quantize(p, behind(&p->doc, node->output[0]));
		} else if (moves(node) && xqc_activation(p, node->input[0]) >= 0) {
			err = quantize(p, node->output[0]);
		}
	}
	if (xqc_failed(&p->doc))
		return xqc_fail_document(p);
	if (err < 0)
		return xqc_fail(p, err, "there is not enough memory");
	choose_types(p);
	err = check_excluded(p);
	if (!err && !wanted)
		err = xqc_fail(p, -EOPNOTSUPP, "the model has no Conv, Gemm or MatMul with constant float weights that is not excluded");
	return err;
}
