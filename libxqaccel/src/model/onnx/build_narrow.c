// SPDX-License-Identifier: MIT
/*
 * Weights that ONNX has no types for, in a domain of our own (Documentation/models.rst): indices into a table of 16
 * integers, and signs. Both become constants of a type that the library has, which DequantizeLinear then reads.
 */
#include <errno.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "reader.h"

/* A constant like another, of a type and a shape. */
static int constant_like(struct xqo_node *node, int from, int type, const struct xqm_shape *shape, const void *data, size_t bytes,
			 enum xq_constant_order order)
{
	const int number = xqm_add_tensor(node->graph, xqm_tensor(node->graph, from)->name);
	struct xqm_tensor *t;

	if (number < 0)
		return number;
	t = xqm_tensor(node->graph, number);
	t->type = type;
	t->shape = *shape;
	t->data = data;
	t->bytes = bytes;
	t->order = order;
	return number;
}

static int dequantize(struct xqo_node *node, int codes, unsigned int scale)
{
	const int input[2] = { codes, node->input[scale] };
	struct xqm_operator *op;

	if (codes < 0)
		return xqm_no_memory(node->graph);
	op = xqo_add_with(node, XQM_DEQUANTIZE_LINEAR, input, 2, node->output, node->outputs);
	if (!op)
		return -ENOMEM;
	if (node->output[0])
		xqm_tensor(node->graph, node->output[0])->shape = xqm_tensor(node->graph, codes)->shape;
	op->params.linear.axis = xqo_int(node, "axis", 1);
	op->params.linear.block = (size_t)xqo_int(node, "block_size", 0);
	return xqo_int(node, "block_size", 0) < 0 ? xqo_refuse(node, -EINVAL, "a block below 0") : 0;
}

/* codes u4 [..], table s8 [16], scale: scale * table[code]. */
int xqo_build_codebook(struct xqo_node *node)
{
	const struct xqm_tensor *codes = xqo_known(node, 0), *table = xqo_known(node, 1);
	const struct xqm_shape shape = codes ? codes->shape : (struct xqm_shape){ 0 };
	const int8_t *entry = table ? table->data : NULL;
	const size_t count = codes ? (size_t)xqm_elements(&shape) : 0;
	const uint8_t *from = codes ? codes->data : NULL;
	uint8_t *to;

	if (!codes || codes->type != XQ_U4 || !table || table->type != XQ_S8 || xqm_elements(&table->shape) != 16)
		return xqo_refuse(node, -EINVAL, "it wants constants: indices of type u4, and a table of 16 s8");
	to = xqm_alloc(node->graph, count + 1);
	if (!to)
		return xqm_no_memory(node->graph);
	for (size_t i = 0; i < count; i++)
		to[i] = (uint8_t)entry[codes->order == XQ_UNPACKED ? from[i] & 15 : from[i / 2] >> (i % 2 * 4) & 15];
	return dequantize(node, constant_like(node, node->input[0], XQ_S8, &shape, to, count, XQ_UNPACKED), 2);
}

/* bits u8 [bytes], scale; shape: of the weights. scale, or -scale where the bit is 0. */
int xqo_build_binary(struct xqo_node *node)
{
	const struct xqm_tensor *bits = xqo_known(node, 0);
	struct xqm_shape shape = { .known = true };
	size_t dims;
	const int64_t *dim = xqo_ints(node, "shape", &dims);
	int64_t elements = 1;

	if (!bits || bits->type != XQ_U8 || dims > XQ_MODEL_DIMS)
		return xqo_refuse(node, -EINVAL, "it wants constant bits of type u8, and a shape");
	for (size_t d = 0; d < dims; d++) {
		if (dim[d] < 0 || dim[d] > XQM_MAX_SIZE || __builtin_mul_overflow(elements, dim[d], &elements) ||
		    elements > (int64_t)(XQM_MAX_BYTES / 8))
			return xqo_refuse(node, -EINVAL, "its shape has a size of %lld", (long long)dim[d]);
		shape.dim[shape.dims++] = dim[d];
	}
	if (xqm_elements(&bits->shape) != (elements + 7) / 8)
		return xqo_refuse(node, -EINVAL, "%lld bits of %lld bytes", (long long)elements,
				  (long long)xqm_elements(&bits->shape));
	return dequantize(node, constant_like(node, node->input[0], XQ_B1, &shape, bits->data, bits->bytes, XQ_PACKED_WHOLE), 1);
}
