// SPDX-License-Identifier: MIT
/*
 * What can be computed once, so that more is seen to be a layer and its weights.
 *
 * BatchNormalization behind a convolution becomes part of its weights: W' = W s / sqrt(v + e), b' = (b - m) s / sqrt(v + e) + B
 * for scale s, offset B, mean m and variance v of a channel, computed in double and rounded once. A constant that is
 * added to each channel becomes the bias. A constant that is reshaped is a constant, and so is what a Constant has.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conversion.h"

#define ONNX_FLOAT	1
#define ONNX_INT64	7

static void write_folded(struct xqc_document *doc, Onnx__NodeProto *conv, const Onnx__TensorProto *w, const float *weights,
			 const float *bias, const float *const bn[4], double epsilon)
{
	const size_t channels = (size_t)w->dims[0];
	const int64_t dim[1] = { (int64_t)channels };
	size_t count = 1, each;
	float *scaled, *offset;

	for (size_t d = 0; d < w->n_dims; d++)
		count *= (size_t)w->dims[d];
	each = count / channels;
	scaled = malloc(count * sizeof(*scaled));
	offset = malloc(channels * sizeof(*offset));
	for (size_t c = 0; c < channels && scaled && offset; c++) {
		const double factor = (double)bn[0][c] / sqrt((double)bn[3][c] + epsilon);

		for (size_t i = c * each; i < (c + 1) * each; i++)
			scaled[i] = (float)((double)weights[i] * factor);
		offset[c] = (float)(((bias ? (double)bias[c] : 0) - (double)bn[2][c]) * factor + (double)bn[1][c]);
	}
	if (scaled && offset) {
		const char *w_name = xqc_new_name(doc, w->name, "folded"), *b_name = xqc_new_name(doc, w->name, "folded_bias");

		xqc_set_constant(doc, w_name, ONNX_FLOAT, (unsigned int)w->n_dims, w->dims, scaled, count * sizeof(*scaled));
		xqc_set_constant(doc, b_name, ONNX_FLOAT, 1, dim, offset, channels * sizeof(*offset));
		conv->input[1] = (char *)(uintptr_t)w_name;
		conv->input[2] = (char *)(uintptr_t)b_name;
		conv->n_input = 3;
	} else {
		xqm_no_memory(doc->memory);
	}
	free(scaled);
	free(offset);
}

/* Whether a normalization could become part of the convolution before it. */
static bool fold_norm(struct xqc_document *doc, unsigned int at)
{
	const Onnx__NodeProto *bn = doc->node[at];
	const int from = bn->n_input == 5 && bn->n_output >= 1 ? xqc_producer(doc, bn->input[0]) : -1;
	Onnx__NodeProto *conv = from < 0 ? NULL : doc->node[from];
	const Onnx__TensorProto *w, *b = NULL;
	const float *weights, *bias = NULL, *parameter[4];
	size_t count, own;

	if (!conv || !xqc_is(conv, "Conv") || conv->n_input < 2 || xqc_uses(doc, bn->input[0]) != 1 ||
	    xqc_int(bn, "training_mode", 0) || !xqc_int(bn, "spatial", 1))
		return false;
	w = xqc_constant(doc, conv->input[1]);
	weights = xqc_floats(doc, w, &count);
	if (!weights || w->n_dims < 1 || w->dims[0] < 1 || count == 0)
		return false;
	if (conv->n_input > 2 && conv->input[2][0]) {
		b = xqc_constant(doc, conv->input[2]);
		bias = xqc_floats(doc, b, &own);
		if (!bias || own != (size_t)w->dims[0])
			return false;
	}
	for (unsigned int i = 0; i < 4; i++) {
		parameter[i] = xqc_floats(doc, xqc_constant(doc, bn->input[i + 1]), &own);
		if (!parameter[i] || own != (size_t)w->dims[0])
			return false;
	}
	conv = xqc_edit(doc, (unsigned int)from);
	if (!conv)
		return false;
	write_folded(doc, conv, w, weights, bias, parameter, (double)xqc_float(bn, "epsilon", 1e-5f));
	conv->output[0] = bn->output[0];
	xqc_remove(doc, at);
	return true;
}

/* Whether a sum with a constant could become the bias of the convolution before it. */
static bool fold_sum(struct xqc_document *doc, unsigned int at)
{
	const Onnx__NodeProto *sum = doc->node[at];
	const unsigned int second = xqc_constant(doc, sum->input[0]) ? 0 : 1;
	const Onnx__TensorProto *b = sum->n_input == 2 ? xqc_constant(doc, sum->input[second]) : NULL, *w;
	const int from = b ? xqc_producer(doc, sum->input[!second]) : -1;
	Onnx__NodeProto *conv = from < 0 ? NULL : doc->node[from];
	const char *name;
	const float *bias;
	size_t count, channel;
	int64_t dim;

	if (!conv || !xqc_is(conv, "Conv") || conv->n_input != 2 || xqc_uses(doc, sum->input[!second]) != 1)
		return false;
	w = xqc_constant(doc, conv->input[1]);
	bias = xqc_floats(doc, b, &count);
	if (!w || w->n_dims < 3 || !bias || count != (size_t)w->dims[0])
		return false;
	/* Counted from the end, the channels' dimension stands before those of the image. */
	channel = b->n_dims - (w->n_dims - 1);
	if (b->n_dims < w->n_dims - 1 || b->n_dims > w->n_dims || b->dims[channel] != w->dims[0])
		return false;
	dim = w->dims[0];
	name = xqc_new_name(doc, b->name, "bias");
	xqc_set_constant(doc, name, ONNX_FLOAT, 1, &dim, bias, count * sizeof(*bias));
	conv = xqc_edit(doc, (unsigned int)from);
	if (!conv)
		return false;
	conv->input[conv->n_input++] = (char *)(uintptr_t)name;
	conv->output[0] = sum->output[0];
	xqc_remove(doc, at);
	return true;
}

/* Whether a constant could be reshaped: sizes are given, one of them may be -1, for the rest. */
static bool fold_reshape(struct xqc_document *doc, unsigned int at)
{
	const Onnx__NodeProto *node = doc->node[at];
	const Onnx__TensorProto *x = node->n_input == 2 ? xqc_constant(doc, node->input[0]) : NULL;
	const Onnx__TensorProto *sizes = x ? xqc_constant(doc, node->input[1]) : NULL;
	int64_t dim[XQ_MODEL_DIMS], known = 1;
	int open = -1;
	size_t count, dims;
	const float *data = xqc_floats(doc, x, &count);

	if (!data || !sizes || sizes->data_type != ONNX_INT64 || sizes->n_external_data || xqc_int(node, "allowzero", 0))
		return false;
	dims = sizes->has_raw_data ? sizes->raw_data.len / sizeof(*dim) : sizes->n_int64_data;
	if (!dims || dims > XQ_MODEL_DIMS)
		return false;
	memcpy(dim, sizes->has_raw_data ? (const void *)sizes->raw_data.data : sizes->int64_data, dims * sizeof(*dim));
	for (size_t d = 0; d < dims; d++) {
		if (dim[d] == 0 || dim[d] < -1 || (dim[d] < 0 && open >= 0))
			return false;
		if (dim[d] < 0)
			open = (int)d;
		else if (__builtin_mul_overflow(known, dim[d], &known))
			return false;
	}
	if (open >= 0)
		dim[open] = (int64_t)count / known;
	if ((size_t)known * (open >= 0 ? (size_t)dim[open] : 1) != count)
		return false;
	xqc_set_constant(doc, node->output[0], ONNX_FLOAT, (unsigned int)dims, dim, data, count * sizeof(*data));
	xqc_remove(doc, at);
	return true;
}

/* Whether a node was only a constant's place. */
static bool fold_constant(struct xqc_document *doc, unsigned int at)
{
	const Onnx__NodeProto *node = doc->node[at];
	const Onnx__TensorProto *t = node->n_attribute == 1 ? node->attribute[0]->t : NULL;

	if (!t || node->n_output != 1 || strcmp(node->attribute[0]->name ? node->attribute[0]->name : "", "value"))
		return false;
	xqc_add_constant(doc, node->output[0], t);
	xqc_remove(doc, at);
	return true;
}

unsigned int xqc_fold(struct xqc_document *doc)
{
	unsigned int folded = 0;

	for (unsigned int i = 0; i < doc->nodes && !xqc_failed(doc); i++) {
		const Onnx__NodeProto *node = doc->node[i];

		if ((xqc_is(node, "Constant") && fold_constant(doc, i)) || (xqc_is(node, "BatchNormalization") && fold_norm(doc, i)) || (xqc_is(node, "Add") && fold_sum(doc, i)) ||
		    (xqc_is(node, "Reshape") && fold_reshape(doc, i))) {
			folded++;
			i--;
		}
	}
	return folded;
}

/* Constants that nothing reads any more. */
void xqc_drop_unused(struct xqc_document *doc)
{
	for (unsigned int i = doc->constants; i-- > 0;)
		if (!xqc_uses(doc, doc->constant[i]->name))
			xqc_drop_constant(doc, doc->constant[i]->name);
}
