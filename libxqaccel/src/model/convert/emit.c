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
	ONNX_UINT4 = 21,
	ONNX_INT4 = 22,
	ONNX_INT2 = 26,
};

/* ---- weights and biases ------------------------------------------------------------------------------ */

/* How the codes of a type lie in the file: as which of the library's types, and which of ONNX's. */
static enum xq_type stored(enum xq_type type, int32_t *onnx)
{
	switch (type) {
	case XQ_S8:
		*onnx = ONNX_INT8;
		return type;
	case XQ_S4:
		*onnx = ONNX_INT4;
		return type;
	case XQ_C4:
		*onnx = ONNX_UINT4;
		return XQ_U4;
	case XQ_B1:
		*onnx = ONNX_UINT8;
		return type;
	default:
		*onnx = ONNX_INT2;
		return XQ_S2;
	}
}

/* One more name for what the layer reads, as the output of a DequantizeLinear, or what there is of it for the type. */
static Onnx__NodeProto *dequantized(struct xq_post_training *p, const struct xqc_layer *layer, unsigned int operand,
				    const struct xqc_weights *q, const char *codes, const char *scale)
{
	struct xqc_document *doc = &p->doc;
	const int at = xqc_producer(doc, layer->output);
	Onnx__NodeProto *node = at < 0 ? NULL : xqc_edit(doc, (unsigned int)at), *dq;
	const char *name;

	if (!node)
		return NULL;
	name = xqc_new_name(doc, operand < node->n_input ? node->input[operand] : layer->weights, "dequantized");
	node->input[operand] = (char *)(uintptr_t)name;
	if (operand >= node->n_input)
		node->n_input = operand + 1;
	if (q && q->type == XQ_C4) {
		const char *table = xqc_new_name(doc, layer->weights, "table");
		const int64_t entries = 16;

		xqc_set_constant(doc, table, ONNX_INT8, 1, &entries, q->table, sizeof(q->table));
		dq = xqc_node(doc, "DequantizeCodebook", name, 3, (const char *const[]){ codes, table, scale }, name);
	} else {
		dq = xqc_node(doc, q && q->type == XQ_B1 ? "DequantizeBinary" : "DequantizeLinear", name, 2,
			      (const char *const[]){ codes, scale }, name);
	}
	if (dq && q && (q->type == XQ_C4 || q->type == XQ_B1))
		xqc_use_domain(dq);
	xqc_insert(doc, 0, dq);
	return dq;
}

/* Codes of less than 8 bits lie packed, all as one row. */
static int emit_weights(struct xq_post_training *p, struct xqc_layer *layer, const struct xqc_weights *q)
{
	struct xqc_document *doc = &p->doc;
	const char *codes = xqc_new_name(doc, layer->weights, "quantized"), *scale = xqc_new_name(doc, layer->weights, "scale");
	const size_t n = layer->elements;
	int32_t onnx;
	const enum xq_type kept = stored(q->type, &onnx);
	const size_t bytes = xq_row_size(kept, n);
	uint8_t *packed = malloc(bytes + 1);
	Onnx__NodeProto *dq;
	int err = packed ? xq_pack(kept, q->codes, 1, n, n, packed, bytes, NULL) : -ENOMEM;

	if (!err) {
		const int64_t whole = (int64_t)bytes;

		if (kept == XQ_B1)
			xqc_set_constant(doc, codes, onnx, 1, &whole, packed, bytes);
		else
			xqc_set_constant(doc, codes, onnx, (unsigned int)layer->w->n_dims, layer->w->dims, packed, bytes);
		xqc_set_constant(doc, scale, ONNX_FLOAT, q->dims, q->dim, q->scale, q->params * sizeof(*q->scale));
		dq = dequantized(p, layer, 1, q, codes, scale);
		if (dq && q->block)
			xqc_add_int(doc, dq, "block_size", (int64_t)q->block);
		if (dq && q->dims)
			xqc_add_int(doc, dq, "axis", q->block ? !layer->axis : layer->axis);
		if (dq && kept == XQ_B1)
			xqc_add_ints(doc, dq, "shape", layer->w->dims, layer->w->n_dims);
		layer->weight_snr_db = q->snr_db;
		layer->bytes = q->bytes;
	}
	free(packed);
	return err;
}

/*
 * Integers that are added to sums of products. A bias that would not fit stays as it is, and so does one of weights whose scales
 * differ within an output.
 */
static int emit_bias(struct xq_post_training *p, struct xqc_layer *layer, float input_scale, const struct xqc_weights *w)
{
	struct xqc_document *doc = &p->doc;
	const float *b = w->bias ? w->bias : layer->bias_value;
	const size_t channels = layer->channels;
	const int64_t dim = (int64_t)channels, some = w->dims ? dim : 1;
	const char *stem = layer->bias ? layer->bias : xqc_text(doc, "%.800s_bias", layer->weights);
	int32_t *codes = malloc(channels * sizeof(*codes) + 1);
	float *product = malloc(channels * sizeof(*product) + 1);
	bool fits = !w->block;
	Onnx__NodeProto *dq;

	if (!codes || !product) {
		free(codes);
		free(product);
		return -ENOMEM;
	}
	for (size_t i = 0; i < channels && fits; i++) {
		double q;

		product[i] = input_scale * w->scale[w->dims ? i : 0];
		q = rint((double)b[i] / (double)product[i]);
		fits = fabs(q) < 2147483648.0;
		codes[i] = fits ? (int32_t)q : 0;
	}
	layer->bytes += channels * sizeof(*codes);
	if (fits) {
		const char *q = xqc_new_name(doc, stem, "quantized"), *s = xqc_new_name(doc, stem, "scale");

		xqc_set_constant(doc, q, ONNX_INT32, 1, &dim, codes, channels * sizeof(*codes));
		xqc_set_constant(doc, s, ONNX_FLOAT, w->dims != 0, &some, product, (size_t)some * sizeof(*product));
		dq = dequantized(p, layer, 2, NULL, q, s);
		if (dq && w->dims)
			xqc_add_int(doc, dq, "axis", 0);
	} else if (w->bias) {
		const int at = xqc_producer(doc, layer->output);
		Onnx__NodeProto *node = at < 0 ? NULL : xqc_edit(doc, (unsigned int)at);
		const char *name = xqc_new_name(doc, stem, "corrected");

		xqc_set_constant(doc, name, ONNX_FLOAT, 1, &dim, b, channels * sizeof(*b));
		if (node) {
			node->input[2] = (char *)(uintptr_t)name;
			node->n_input = 3;
		}
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
	const int at = xqc_producer(&p->doc, layer->output);
	Onnx__NodeProto *node = at < 0 ? NULL : xqc_edit(&p->doc, (unsigned int)at);
	int err = 0;

	if (node)
		node->name = (char *)(uintptr_t)layer->node;
	if (!layer->quantized)
		err = xqc_weights_make(p, layer, layer->width, NULL, &layer->quantized);
	if (err)
		return err;
	err = emit_weights(p, layer, layer->quantized);
	if (!err && (layer->bias || layer->quantized->bias))
		err = emit_bias(p, layer, in->scale, layer->quantized);
	if (!err)
		say_kernel(p, layer, layer->w);
	return err ? xqc_fail(p, err, "the weights of %.200s cannot be written: %s", layer->node, strerror(-err)) : 0;
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

static const char *number(struct xqc_document *doc, const char *stem, const char *what, float value)
{
	const char *name = xqc_new_name(doc, stem, what);

	xqc_set_constant(doc, name, ONNX_FLOAT, 0, NULL, &value, sizeof(value));
	return name;
}

/*
 * Real numbers whose codes are of less than 8 bits, before they become integers of 8: operators of
 * integers have no others as inputs in ONNX, and codes need not be kept in the file. Nodes go to
 * @at; what the next one reads.
 */
static const char *emit_narrow(struct xqc_document *doc, const struct xqc_activation *a,
			       unsigned int *at, const char *from)
{
	const int least = a->type == XQ_B1 ? -1 : -8, most = a->type == XQ_B1 ? 1 : 7;
	const char *low, *high, *to;

	if (a->type == XQ_U8 || a->type == XQ_S8 || a->same_as >= 0)
		return from;
	low = number(doc, a->name, "low", (float)(least - a->zero_point) * a->scale);
	high = number(doc, a->name, "high", (float)(most - a->zero_point) * a->scale);
	to = xqc_new_name(doc, a->name, "bounded");
	if (a->type == XQ_S4) {
		xqc_insert(doc, (*at)++, xqc_node(doc, "Clip", to, 3,
						  (const char *const[]){ from, low, high }, to));
	} else {
		const char *middle = number(doc, a->name, "middle",
					    (float)-a->zero_point * a->scale);
		const char *below = xqc_new_name(doc, a->name, "below");

		xqc_insert(doc, (*at)++, xqc_node(doc, "Less", below, 2,
						  (const char *const[]){ from, middle }, below));
		xqc_insert(doc, (*at)++, xqc_node(doc, "Where", to, 3,
						  (const char *const[]){ below, low, high }, to));
	}
	return to;
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
	unsigned int at;

	xqc_set_constant(doc, s, ONNX_FLOAT, 0, NULL, &a->scale, sizeof(a->scale));
	xqc_set_constant(doc, z, a->type == XQ_U8 ? ONNX_UINT8 : ONNX_INT8, 0, NULL, &zero, 1);
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
	at = (unsigned int)(by + 1);
	from = emit_narrow(doc, a, &at, from);
	xqc_insert(doc, at, xqc_node(doc, "DequantizeLinear", to, 3,
				     (const char *const[]){ q, s, z }, to));
	xqc_insert(doc, at, xqc_node(doc, "QuantizeLinear", q, 3,
				     (const char *const[]){ from, s, z }, q));
}

int xqc_emit(struct xq_post_training *p)
{
	int err = 0;

	for (unsigned int i = 0; i < p->layers && !err; i++)
		if (!p->layer[i].excluded)
			err = xqc_raise_opset(p, xqc_opset_of(p, p->layer[i].quantized ? p->layer[i].quantized->type : p->layer[i].width));

	for (unsigned int i = 0; i < p->layers && !err; i++)
		if (!p->layer[i].excluded)
			err = emit_layer(p, &p->layer[i]);
	for (unsigned int i = 0; i < p->activations && !err; i++)
		emit_activation(p, &p->activation[i]);
	if (!err)
		xqc_drop_unused(&p->doc);
	return !err && xqc_failed(&p->doc) ? xqc_fail_document(p) : err;
}
