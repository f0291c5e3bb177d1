// SPDX-License-Identifier: MIT
/*
 * Integers into the document: weights and biases as constants with a DequantizeLinear, activations between a
 * QuantizeLinear and a DequantizeLinear.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "conversion.h"

enum onnx_type {
	ONNX_FLOAT = 1,
	ONNX_UINT8 = 2,
	ONNX_INT8 = 3,
	ONNX_INT32 = 6,
	ONNX_INT4 = 22,
	ONNX_INT2 = 26,
};

/* ---- weights and biases ------------------------------------------------------------------------------ */

/* How the codes of a type lie in the file: as which of the library's types, and which of ONNX's. */
static enum xq_type stored(enum xq_type type, int32_t *onnx)
{
	*onnx = type == XQ_S8 ? ONNX_INT8 : type == XQ_S4 ? ONNX_INT4 : ONNX_INT2;
	return type == XQ_T2 ? XQ_S2 : type;
}

/* One more name for what the layer reads, as the output of a DequantizeLinear at the beginning. */
static void dequantized(struct xq_post_training *p, const struct xqc_layer *layer, unsigned int operand, const char *codes,
			const char *scale, bool channels, unsigned int axis)
{
	struct xqc_document *doc = &p->doc;
	const int at = xqc_producer(doc, layer->output);
	Onnx__NodeProto *node = at < 0 ? NULL : xqc_edit(doc, (unsigned int)at), *dq;
	const char *name;

	if (!node)
		return;
	name = xqc_new_name(doc, node->input[operand], "dequantized");
	node->input[operand] = (char *)(uintptr_t)name;
	dq = xqc_node(doc, "DequantizeLinear", name, 2, (const char *const[]){ codes, scale }, name);
	if (channels)
		xqc_add_int(doc, dq, "axis", axis);
	xqc_insert(doc, 0, dq);
}

static int emit_weights(struct xq_post_training *p, struct xqc_layer *layer, const Onnx__TensorProto *w, const float *x,
			int8_t *codes, float *scale, size_t *params)
{
	const bool channels = p->options.per_channel;
	struct xq_rounding even = { .mode = XQ_ROUND_EVEN };
	size_t dim[XQ_MODEL_DIMS], n = layer->elements, bytes;
	struct xq_qtype type, symmetric;
	struct xq_layout layout;
	struct xq_error error;
	enum xq_type kept;
	float *back;
	uint8_t *packed;
	int32_t onnx;
	int err;

	if (w->n_dims > XQ_MODEL_DIMS)
		return -EOPNOTSUPP;
	for (size_t d = 0; d < w->n_dims; d++)
		dim[d] = (size_t)w->dims[d];
	err = channels ? xq_layout_channel(dim, (unsigned int)w->n_dims, (int)layer->axis, &layout) :
	      xq_layout_tensor(dim, (unsigned int)w->n_dims, &layout);
	if (!err)
		err = xq_qtype_of(p->options.weights, &type);
	if (err)
		return err;
	*params = xq_layout_params(&layout);
	symmetric = xq_qtype_symmetric(&type);
	err = xq_quantize_found(x, &layout, &type, XQ_SYMMETRIC, &p->options.weight_range, &even, codes, scale, NULL, NULL);
	if (err)
		return err;
	kept = stored(p->options.weights, &onnx);
	bytes = xq_row_size(kept, n);
	back = malloc(n * sizeof(*back));
	packed = malloc(bytes + 1);
	if (!back || !packed) {
		free(back);
		free(packed);
		return -ENOMEM;
	}
	err = xq_dequantize(codes, &layout, &symmetric, scale, NULL, back, NULL);
	if (!err)
		err = xq_error_measure(x, back, n, &error);
	if (!err)
		err = xq_pack(kept, codes, 1, n, n, packed, bytes, NULL);
	if (!err) {
		const char *q = xqc_new_name(&p->doc, layer->weights, "quantized"), *s = xqc_new_name(&p->doc, layer->weights, "scale");
		const int64_t count = (int64_t)*params;

		xqc_set_constant(&p->doc, q, onnx, (unsigned int)w->n_dims, w->dims, packed, bytes);
		xqc_set_constant(&p->doc, s, ONNX_FLOAT, channels, &count, scale, *params * sizeof(*scale));
		dequantized(p, layer, 1, q, s, channels, layer->axis);
		layer->weight_snr_db = error.snr_db;
		layer->bytes = bytes + *params * sizeof(*scale);
	}
	free(back);
	free(packed);
	return err;
}

/* Integers that are added to sums of products. A bias that would not fit stays as it is. */
static int emit_bias(struct xq_post_training *p, struct xqc_layer *layer, float input_scale, const float *scale, size_t params)
{
	size_t channels, i;
	const float *b = xqc_floats(&p->doc, xqc_constant(&p->doc, layer->bias), &channels);
	int32_t *codes = malloc(channels * sizeof(*codes) + 1);
	float *product = malloc(channels * sizeof(*product) + 1);
	const int64_t dim = (int64_t)channels, some = params > 1 ? dim : 1;
	bool fits = b;

	if (!codes || !product) {
		free(codes);
		free(product);
		return -ENOMEM;
	}
	for (i = 0; i < channels && fits; i++) {
		double q;

		product[i] = input_scale * scale[params > 1 ? i : 0];
		q = rint((double)b[i] / (double)product[i]);
		fits = fabs(q) < 2147483648.0;
		codes[i] = fits ? (int32_t)q : 0;
	}
	layer->bytes += channels * sizeof(*codes);
	if (fits) {
		const char *q = xqc_new_name(&p->doc, layer->bias, "quantized"), *s = xqc_new_name(&p->doc, layer->bias, "scale");

		xqc_set_constant(&p->doc, q, ONNX_INT32, 1, &dim, codes, channels * sizeof(*codes));
		xqc_set_constant(&p->doc, s, ONNX_FLOAT, params > 1, &some, product, (size_t)some * sizeof(*product));
		dequantized(p, layer, 2, q, s, params > 1, 0);
	}
	free(codes);
	free(product);
	return 0;
}

/* Who reads the file may take the size of the kernel from the weights, which are no constant any more. */
static void say_kernel(struct xq_post_training *p, const struct xqc_layer *layer, const Onnx__TensorProto *w)
{
	const int at = xqc_producer(&p->doc, layer->output);
	Onnx__NodeProto *node = at < 0 ? NULL : p->doc.node[at];

	if (!node || !xqc_is(node, "Conv") || xqc_has(node, "kernel_shape"))
		return;
	node = xqc_edit(&p->doc, (unsigned int)at);
	if (node)
		xqc_add_ints(&p->doc, node, "kernel_shape", w->dims + 2, w->n_dims - 2);
}

static int emit_layer(struct xq_post_training *p, struct xqc_layer *layer)
{
	const struct xqc_activation *in = &p->activation[xqc_activation(p, layer->input)];
	const Onnx__TensorProto *w = xqc_constant(&p->doc, layer->weights);
	size_t count, params = 0;
	const float *x = xqc_floats(&p->doc, w, &count);
	int8_t *codes = malloc(layer->elements + 1);
	float *scale = malloc((layer->channels + 1) * sizeof(*scale));
	int err = x && codes && scale ? 0 : -ENOMEM;

	if (!err)
		err = emit_weights(p, layer, w, x, codes, scale, &params);
	if (!err && layer->bias)
		err = emit_bias(p, layer, in->scale, scale, params);
	if (!err)
		say_kernel(p, layer, w);
	free(codes);
	free(scale);
	return err ? xqc_fail(p, err, "the weights of %.200s cannot be quantized: %s", layer->node, strerror(-err)) : 0;
}

/* ---- activations ------------------------------------------------------------------------------------- */

static void rename_users(struct xqc_document *doc, const char *from, const char *to)
{
	for (unsigned int i = 0; i < doc->nodes; i++) {
		bool reads = false;
		Onnx__NodeProto *node;

		for (size_t k = 0; k < doc->node[i]->n_input; k++)
			reads |= !strcmp(doc->node[i]->input[k], from);
		node = reads ? xqc_edit(doc, i) : NULL;
		for (size_t k = 0; node && k < node->n_input; k++)
			if (!strcmp(node->input[k], from))
				node->input[k] = (char *)(uintptr_t)to;
	}
}

static void emit_activation(struct xq_post_training *p, const struct xqc_activation *a)
{
	struct xqc_document *doc = &p->doc;
	const bool input = xqc_is_input(doc, a->name);
	const int by = xqc_producer(doc, a->name);
	const uint8_t zero = (uint8_t)a->zero_point;
	const char *q = xqc_new_name(doc, a->name, "quantized"), *s = xqc_new_name(doc, a->name, "scale"),
		   *z = xqc_new_name(doc, a->name, "zero_point");
	const char *from = a->name, *to = a->name;

	xqc_set_constant(doc, s, ONNX_FLOAT, 0, NULL, &a->scale, sizeof(a->scale));
	xqc_set_constant(doc, z, p->options.activations == XQ_U8 ? ONNX_UINT8 : ONNX_INT8, 0, NULL, &zero, 1);
	if (input) {
		to = xqc_new_name(doc, a->name, "dequantized");
		rename_users(doc, a->name, to);
	} else {
		Onnx__NodeProto *node = by < 0 ? NULL : xqc_edit(doc, (unsigned int)by);

		from = xqc_new_name(doc, a->name, "float");
		for (size_t o = 0; node && o < node->n_output; o++)
			if (!strcmp(node->output[o], a->name))
				node->output[o] = (char *)(uintptr_t)from;
	}
	xqc_insert(doc, (unsigned int)(by + 1), xqc_node(doc, "DequantizeLinear", to, 3, (const char *const[]){ q, s, z }, to));
	xqc_insert(doc, (unsigned int)(by + 1), xqc_node(doc, "QuantizeLinear", q, 3, (const char *const[]){ from, s, z }, q));
}

int xqc_emit(struct xq_post_training *p)
{
	int err = 0;

	for (unsigned int i = 0; i < p->layers && !err; i++)
		if (!p->layer[i].excluded)
			err = emit_layer(p, &p->layer[i]);
	for (unsigned int i = 0; i < p->activations && !err; i++)
		emit_activation(p, &p->activation[i]);
	if (!err)
		xqc_drop_unused(&p->doc);
	return !err && xqc_failed(&p->doc) ? xqc_fail_document(p) : err;
}
