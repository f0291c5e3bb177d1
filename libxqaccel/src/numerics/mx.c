// SPDX-License-Identifier: MIT
/* MX4, MX6 and MX9: an exponent per 16 elements and one more bit of it per 2. */
#include <errno.h>
#include <math.h>

#include <xqaccel/blockfloat.h>

#include "block.h"
#include "rows.h"

#define PAIR 2

/* Bits of magnitude. */
static int mantissa_of(enum xq_mx format)
{
	switch (format) {
	case XQ_MX4:
		return 2;
	case XQ_MX6:
		return 4;
	case XQ_MX9:
		return 7;
	}
	return 0;
}

static void encode_block(const float *x, size_t count, int mantissa, int8_t *q, uint8_t *exponent,
			 uint8_t *micro)
{
	double limit = (1 << mantissa) - 1;
	int e = xq_shared_exponent(xq_max_abs(x, count));

	*exponent = (uint8_t)(e + 127);
	*micro = 0;
	for (size_t from = 0; from < count; from += PAIR) {
		size_t pair = count - from < PAIR ? count - from : PAIR;
		int shift = xq_max_abs(x + from, pair) < ldexp(1, e);

		*micro |= (uint8_t)(shift << (from / PAIR));
		for (size_t i = from; i < from + pair; i++)
			q[i] = (int8_t)xq_round_clamp(ldexp(x[i], mantissa - 1 + shift - e), -limit, limit);
	}
}

int xq_mx_encode(const float *x, size_t rows, size_t k, enum xq_mx format, int8_t *q,
		 uint8_t *exponent, uint8_t *micro, struct xq_fault *fault)
{
	int mantissa = mantissa_of(format), err;
	size_t n, blocks = xq_blocks(k, XQ_MX_BLOCK);

	if (!mantissa)
		return -EINVAL;
	err = xq_check_rows(x, rows, k, &n, fault);
	if (err)
		return err;
	if (n && (!q || !exponent || !micro))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		for (size_t b = 0; b < blocks; b++) {
			size_t from = b * XQ_MX_BLOCK, at = r * blocks + b;
			size_t count = k - from < XQ_MX_BLOCK ? k - from : XQ_MX_BLOCK;

			encode_block(x + r * k + from, count, mantissa, q + r * k + from,
				     &exponent[at], &micro[at]);
		}
	}
	return 0;
}

int xq_mx_decode(const int8_t *q, const uint8_t *exponent, const uint8_t *micro, size_t rows,
		 size_t k, enum xq_mx format, float *x)
{
	int mantissa = mantissa_of(format);
	size_t blocks = xq_blocks(k, XQ_MX_BLOCK), n;

	if (__builtin_mul_overflow(rows, k, &n))
		return -EOVERFLOW;
	if (!mantissa || (n && (!q || !exponent || !micro || !x)))
		return -EINVAL;
	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < k; i++) {
			size_t at = r * blocks + i / XQ_MX_BLOCK;
			int shift = micro[at] >> (i % XQ_MX_BLOCK / PAIR) & 1;

			x[r * k + i] = (float)ldexp(q[r * k + i],
						    exponent[at] - 127 - shift - (mantissa - 1));
		}
	}
	return 0;
}

struct xq_storage xq_mx_storage(size_t rows, size_t k, enum xq_mx format)
{
	uint64_t micro_bits = k / PAIR + k % PAIR, blocks = xq_blocks(k, XQ_MX_BLOCK);
	uint64_t code_bits = (uint64_t)rows * k * (unsigned int)(1 + mantissa_of(format));

	return xq_storage_of(rows * k, code_bits, rows * (micro_bits + 8 * blocks));
}
