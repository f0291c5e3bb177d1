// SPDX-License-Identifier: MIT
/* Narrow integers in other projects' orders. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/convert.h>
#include <xqaccel/pack.h>

struct order {
	enum xq_type type;
	bool by_rows;		/* a row starts at a byte */
	bool high_first;
	uint8_t flip;		/* added to a code modulo its width: an offset of half the range */
};

static const struct order orders[] = {
	[XQ_PACKING_ONNX_S4] = { XQ_S4, false, false, 0 },
	[XQ_PACKING_ONNX_U4] = { XQ_U4, false, false, 0 },
	[XQ_PACKING_ONNX_S2] = { XQ_S2, false, false, 0 },
	[XQ_PACKING_ONNX_U2] = { XQ_U2, false, false, 0 },
	[XQ_PACKING_CMSIS_S4] = { XQ_S4, false, false, 0 },
	[XQ_PACKING_OFFSET8] = { XQ_S4, true, true, 8 },
};

static const struct order *order_of(enum xq_packing packing)
{
	if ((unsigned int)packing >= sizeof(orders) / sizeof(orders[0]))
		return NULL;
	return &orders[packing];
}

enum xq_type xq_packing_type(enum xq_packing packing)
{
	const struct order *order = order_of(packing);

	return order ? order->type : XQ_NONE;
}

int xq_packing_size(enum xq_packing packing, size_t rows, size_t k, size_t *bytes)
{
	const struct order *order = order_of(packing);
	size_t elements, per_byte;

	if (!order)
		return -EINVAL;
	if (__builtin_mul_overflow(rows, k, &elements))
		return -EOVERFLOW;
	per_byte = 8 / xq_type_bits(order->type);
	if (order->by_rows)
		*bytes = rows * (k / per_byte + !!(k % per_byte));
	else
		*bytes = elements / per_byte + !!(elements % per_byte);
	return 0;
}

/* Bits of element i of a run that starts at a byte. */
static unsigned int shift_of(const struct order *order, unsigned int bits, size_t i)
{
	unsigned int at = (unsigned int)(i % (8 / bits)) * bits;

	return order->high_first ? 8 - bits - at : at;
}

/* Runs of n elements, each from a byte on. */
static int encode_run(const struct order *order, const uint8_t *src, size_t n, uint8_t *dst,
		      size_t *at)
{
	unsigned int bits = xq_type_bits(order->type), mask = (1u << bits) - 1;
	int low = (int)xq_type_min(order->type), high = (int)xq_type_max(order->type);

	memset(dst, 0, n / (8 / bits) + !!(n % (8 / bits)));
	for (size_t i = 0; i < n; i++) {
		int v = xq_type_signed(order->type) ? (int8_t)src[i] : src[i];

		if (v < low || v > high) {
			*at = i;
			return -ERANGE;
		}
		dst[i / (8 / bits)] |= (uint8_t)((((unsigned int)v + order->flip) & mask) <<
						 shift_of(order, bits, i));
	}
	return 0;
}

static void decode_run(const struct order *order, const uint8_t *src, size_t n, uint8_t *dst)
{
	unsigned int bits = xq_type_bits(order->type), mask = (1u << bits) - 1;
	unsigned int sign = xq_type_signed(order->type) ? 1u << (bits - 1) : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int code = src[i / (8 / bits)] >> shift_of(order, bits, i);

		code = (code - order->flip) & mask;
		dst[i] = (uint8_t)((code ^ sign) - sign);
	}
}

static int check(enum xq_packing packing, const void *src, size_t rows, size_t k, const void *dst,
		 size_t size)
{
	size_t bytes;
	int err = xq_packing_size(packing, rows, k, &bytes);

	if (!err && (bytes != size || (bytes && (!src || !dst))))
		err = -EINVAL;
	return err;
}

int xq_packing_encode(enum xq_packing packing, const void *src, size_t rows, size_t k, void *dst,
		      size_t size, size_t *bad)
{
	const struct order *order = order_of(packing);
	size_t runs, n, bytes, at = 0;
	int err = check(packing, src, rows, k, dst, size);

	if (err || !size)
		return err;
	runs = order->by_rows ? rows : 1;
	n = order->by_rows ? k : rows * k;
	bytes = size / runs;
	for (size_t r = 0; r < runs && !err; r++) {
		err = encode_run(order, (const uint8_t *)src + r * n, n, (uint8_t *)dst + r * bytes, &at);
		if (err && bad)
			*bad = r * n + at;
	}
	return err;
}

int xq_packing_decode(enum xq_packing packing, const void *src, size_t size, size_t rows, size_t k,
		      void *dst)
{
	const struct order *order = order_of(packing);
	size_t runs, n, bytes;
	int err = check(packing, src, rows, k, dst, size);

	if (err || !size)
		return err;
	runs = order->by_rows ? rows : 1;
	n = order->by_rows ? k : rows * k;
	bytes = size / runs;
	for (size_t r = 0; r < runs; r++)
		decode_run(order, (const uint8_t *)src + r * bytes, n, (uint8_t *)dst + r * n);
	return 0;
}

int xq_packing_to_rows(enum xq_packing packing, const void *src, size_t size, size_t rows, size_t k,
		       void *dst, size_t dst_stride)
{
	int err = check(packing, src, rows, k, dst, size);
	uint8_t *elements;

	if (err || !size)
		return err;
	elements = malloc(rows * k);
	if (!elements)
		return -ENOMEM;
	err = xq_packing_decode(packing, src, size, rows, k, elements);
	if (!err)
		err = xq_pack(xq_packing_type(packing), elements, rows, k, k, dst, dst_stride, NULL);
	free(elements);
	return err;
}

int xq_packing_from_rows(enum xq_packing packing, const void *src, size_t src_stride, size_t rows,
			 size_t k, void *dst, size_t size)
{
	int err = check(packing, src, rows, k, dst, size);
	uint8_t *elements;

	if (err || !size)
		return err;
	elements = malloc(rows * k);
	if (!elements)
		return -ENOMEM;
	err = xq_unpack(xq_packing_type(packing), src, rows, k, src_stride, elements, k);
	if (!err)
		err = xq_packing_encode(packing, elements, rows, k, dst, size, NULL);
	free(elements);
	return err;
}
