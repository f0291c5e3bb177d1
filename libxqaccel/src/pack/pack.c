// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <xqaccel/pack.h>

#include "rows.h"

size_t xq_row_size(enum xq_type type, size_t k)
{
	const size_t bits = xq_type_bits(type);

	/* Not k * bits, which could wrap. */
	return k / 8 * bits + (k % 8 * bits + 7) / 8;
}

/*
 * Eight elements always fill whole bytes, so a row is groups of eight and a rest. All
 * codes of a group are or-ed together: a bad one shows in the upper half.
 */
static bool pack_eight(const struct xq_codes *codes, const uint8_t *src, unsigned int count,
		       uint8_t *dst, size_t bytes)
{
	uint64_t word = 0;
	uint32_t seen = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		const uint32_t code = codes->code[src[i]];

		seen |= code;
		word |= (uint64_t)(code & 0xff) << (i * codes->bits);
	}
	for (i = 0; i < bytes; i++)
		dst[i] = (uint8_t)(word >> (8 * i));
	return seen < 256;
}

bool xq_pack_row(const struct xq_codes *codes, const uint8_t *src, size_t k, uint8_t *dst,
		 size_t *bad)
{
	size_t i;

	if (codes->identity) {
		if (k)
			memcpy(dst, src, k);
		return true;
	}
	for (i = 0; i < k; i += 8) {
		const unsigned int count = k - i < 8 ? (unsigned int)(k - i) : 8;

		if (pack_eight(codes, src + i, count, dst, (count * codes->bits + 7) / 8)) {
			dst += codes->bits;
			continue;
		}
		while (codes->code[src[i]] != XQ_BAD_CODE)
			i++;
		*bad = i;
		return false;
	}
	return true;
}

void xq_unpack_row(const struct xq_codes *codes, const uint8_t *src, size_t k, uint8_t *dst)
{
	const unsigned int bits = codes->bits, mask = (1U << bits) - 1;
	size_t i;

	if (bits == 8) {
		memcpy(dst, src, k);
		return;
	}
	for (i = 0; i < k; i++) {
		const size_t bit = i * bits;

		dst[i] = codes->value[src[bit / 8] >> (bit % 8) & mask];
	}
}

int xq_pack(enum xq_type type, const void *src, size_t rows, size_t k, size_t src_stride,
	    void *dst, size_t dst_stride, size_t *bad)
{
	struct xq_codes codes;
	size_t row, column;

	if (xq_codes_init(&codes, type) || src_stride < k || dst_stride < xq_row_size(type, k))
		return -EINVAL;
	for (row = 0; row < rows; row++) {
		if (xq_pack_row(&codes, (const uint8_t *)src + row * src_stride, k,
				(uint8_t *)dst + row * dst_stride, &column))
			continue;
		if (bad)
			*bad = row * k + column;
		return -ERANGE;
	}
	return 0;
}

int xq_unpack(enum xq_type type, const void *src, size_t rows, size_t k, size_t src_stride,
	      void *dst, size_t dst_stride)
{
	struct xq_codes codes;
	size_t row;

	if (xq_codes_init(&codes, type) || src_stride < xq_row_size(type, k) || dst_stride < k)
		return -EINVAL;
	for (row = 0; row < rows; row++)
		xq_unpack_row(&codes, (const uint8_t *)src + row * src_stride, k,
			      (uint8_t *)dst + row * dst_stride);
	return 0;
}
