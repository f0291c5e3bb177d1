// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "command.h"
#include "element.h"
#include "order.h"

static const struct order orders[] = {
	{ .name = "rows", .kind = ORDER_ROWS },
	{ .name = "tiled", .kind = ORDER_TILED },
	{ .name = "onnx", .kind = ORDER_FOREIGN },
	{ .name = "cmsis-s4", .kind = ORDER_FOREIGN, .type = XQ_S4 },
	{ .name = "offset8", .kind = ORDER_FOREIGN, .type = XQ_S4 },
	{ .name = "q8_0", .kind = ORDER_GGML, .ggml = XQ_GGML_Q8_0 },
	{ .name = "q4_0", .kind = ORDER_GGML, .ggml = XQ_GGML_Q4_0 },
	{ .name = "q4_1", .kind = ORDER_GGML, .ggml = XQ_GGML_Q4_1 },
	{ .name = "tq2_0", .kind = ORDER_GGML, .ggml = XQ_GGML_TQ2_0 },
	{ .name = "mxfp4", .kind = ORDER_GGML, .ggml = XQ_GGML_MXFP4 },
};

const struct order *order_find(const char *name)
{
	size_t i = 0;

	while (strcmp(name, orders[i].name))
		i++;
	return &orders[i];
}

/* What the library calls the order for the type. False if there is none. */
static bool packing_of(const struct packed *p, enum xq_packing *out)
{
	if (p->order->type)
		*out = !strcmp(p->order->name, "offset8") ? XQ_PACKING_OFFSET8 : XQ_PACKING_CMSIS_S4;
	else if (p->type == XQ_S4 || p->type == XQ_U4)
		*out = p->type == XQ_S4 ? XQ_PACKING_ONNX_S4 : XQ_PACKING_ONNX_U4;
	else if (p->type == XQ_S2 || p->type == XQ_U2)
		*out = p->type == XQ_S2 ? XQ_PACKING_ONNX_S2 : XQ_PACKING_ONNX_U2;
	else
		return false;
	return true;
}

static int too_large(const struct tensor *unpacked)
{
	return fail("packed, the tensor would be too large (it is %s)", tensor_shape(unpacked));
}

/* A vector of all bytes. */
static int flat(struct packed *p, size_t size)
{
	p->bytes.ndim = 1;
	p->bytes.dim[0] = size;
	return 0;
}

static int shape_tiled(const struct tensor *unpacked, struct packed *p)
{
	const size_t size = xq_tiled_size(p->type, p->rows, p->k);

	if (unpacked->ndim > 2)
		return fail("the tiled order is of a matrix (the tensor is %s)", tensor_shape(unpacked));
	return !size && unpacked->count ? too_large(unpacked) : flat(p, size);
}

static int shape_foreign(const struct tensor *unpacked, struct packed *p)
{
	enum xq_packing packing;
	size_t size;

	if (!packing_of(p, &packing))
		return fail("the order onnx is of s4, u4, s2 and u2 (--type %s)", xq_type_name(p->type));
	if (xq_packing_size(packing, p->rows, p->k, &size))
		return too_large(unpacked);
	if (packing != XQ_PACKING_OFFSET8)
		return flat(p, size);
	p->bytes.dim[p->bytes.ndim - 1] = p->k / 2 + p->k % 2;
	return 0;
}

static int shape_ggml(const struct tensor *unpacked, struct packed *p)
{
	const size_t elements = xq_ggml_block_elements(p->order->ggml);

	if (p->k % elements)
		return fail("the last axis must be a multiple of %zu for %s (the tensor is %s)", elements, p->order->name,
			    tensor_shape(unpacked));
	if (p->bytes.ndim == TENSOR_MAX_DIMS)
		return fail("the tensor has more than %d dimensions (it is %s)", TENSOR_MAX_DIMS - 1, tensor_shape(unpacked));
	p->bytes.dim[p->bytes.ndim - 1] = p->k / elements;
	p->bytes.dim[p->bytes.ndim++] = xq_ggml_block_bytes(p->order->ggml);
	return 0;
}

int order_shape(const struct order *order, enum xq_type wanted, const struct tensor *unpacked, struct packed *p)
{
	*p = (struct packed){ .order = order, .type = order->type ? order->type : wanted };
	if (!unpacked->ndim)
		return fail("a scalar has no axis to pack");
	if (wanted && wanted != p->type)
		return fail("the order %s is of %s only (--type %s)", order->name, xq_type_name(p->type), xq_type_name(wanted));
	if (wanted && order->kind == ORDER_GGML)
		return fail("the order %s is of floats, which have no --type (--type %s)", order->name, xq_type_name(wanted));
	p->k = unpacked->dim[unpacked->ndim - 1];
	p->rows = p->k ? unpacked->count / p->k : 0;
	p->bytes = (struct tensor){ .kind = 'u', .bytes = 1, .ndim = unpacked->ndim };
	memcpy(p->bytes.dim, unpacked->dim, unpacked->ndim * sizeof(*unpacked->dim));
	switch (order->kind) {
	case ORDER_ROWS:
		p->bytes.dim[p->bytes.ndim - 1] = xq_row_size(p->type, p->k);
		return 0;
	case ORDER_TILED:
		return shape_tiled(unpacked, p);
	case ORDER_FOREIGN:
		return shape_foreign(unpacked, p);
	default:
		return shape_ggml(unpacked, p);
	}
}

static int refuse(const struct packed *p, int err, const struct tensor *unpacked, size_t bad)
{
	if (err == -ERANGE && p->order->kind == ORDER_GGML)
		return fail("a block needs a scale that float16 does not have (element %s is %s)", element_place(unpacked, bad),
			    element_text(unpacked, bad));
	if (err == -ERANGE)
		return fail("a value is not of type %s (element %s is %s)", xq_type_name(p->type),
			    element_place(unpacked, bad), element_text(unpacked, bad));
	if (err == -EDOM)
		return fail("an element is not finite (element %s is %s)", element_place(unpacked, bad),
			    element_text(unpacked, bad));
	return fail("%s", strerror(-err));
}

int order_pack(struct packed *p, const struct tensor *unpacked)
{
	struct tensor *out = &p->bytes;
	enum xq_packing packing;
	size_t bad = 0;
	int err;

	switch (p->order->kind) {
	case ORDER_ROWS:
		err = xq_pack(p->type, unpacked->data, p->rows, p->k, p->k, out->data, xq_row_size(p->type, p->k), &bad);
		break;
	case ORDER_TILED:
		err = xq_pack_tiled(p->type, unpacked->data, p->rows, p->k, p->k, out->data, &bad);
		break;
	case ORDER_FOREIGN:
		packing_of(p, &packing);
		err = xq_packing_encode(packing, unpacked->data, p->rows, p->k, out->data, out->count, &bad);
		break;
	default:
		err = xq_ggml_encode(p->order->ggml, unpacked->data, unpacked->count, out->data, out->count, &bad);
	}
	return err ? refuse(p, err, unpacked, bad) : 0;
}

int order_unpack(const struct packed *p, struct tensor *unpacked)
{
	const struct tensor *in = &p->bytes;
	enum xq_packing packing;
	int err;

	switch (p->order->kind) {
	case ORDER_ROWS:
		err = xq_unpack(p->type, in->data, p->rows, p->k, xq_row_size(p->type, p->k), unpacked->data, p->k);
		break;
	case ORDER_TILED:
		err = xq_unpack_tiled(p->type, in->data, p->rows, p->k, unpacked->data, p->k);
		break;
	case ORDER_FOREIGN:
		packing_of(p, &packing);
		err = xq_packing_decode(packing, in->data, in->count, p->rows, p->k, unpacked->data);
		break;
	default:
		err = xq_ggml_decode(p->order->ggml, in->data, in->count, unpacked->data, unpacked->count);
	}
	return err ? fail("%s", strerror(-err)) : 0;
}
