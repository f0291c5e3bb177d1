// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "widen.h"

static bool is_codebook(enum xq_type type)
{
	return type == XQ_C4 || type == XQ_C8;
}

static bool is_element(enum xq_type type)
{
	const unsigned int bits = xq_type_bits(type);

	return bits && bits <= 8;
}

/* Types that a value may move to, cheapest first among equals of one width. */
static const enum xq_type targets[] = { XQ_B1, XQ_T2, XQ_S2, XQ_S4, XQ_C4, XQ_S8, XQ_U8, XQ_C8 };

/*
 * Whether all values of a type, plus an offset, are values of another. b1 is not a range:
 * only b1 itself becomes b1.
 */
static bool fits(enum xq_type from, enum xq_type to, int32_t *offset)
{
	*offset = 0;
	if (from == to)
		return true;
	if (to == XQ_B1 || is_codebook(to))
		return false;
	if (is_codebook(from))
		return to == XQ_S8;
	if (xq_type_min(from) >= xq_type_min(to) && xq_type_max(from) <= xq_type_max(to))
		return true;
	*offset = (int32_t)(xq_type_min(to) - xq_type_min(from));
	return xq_type_max(from) + *offset <= xq_type_max(to);
}

static void fill(struct xq_widening *w, enum xq_type from, enum xq_type to, int32_t offset,
		 const int8_t *codebook)
{
	struct xq_codes target;
	unsigned int i;

	w->type = to;
	w->offset = offset;
	xq_codes_init(&w->codes, from);
	xq_codes_init(&target, to);
	if (from == to)
		return;
	w->codes.bits = target.bits;
	w->codes.identity = false;
	for (i = 0; i < 256; i++) {
		const int value = xq_type_signed(from) ? (int8_t)i : (int)i;

		if (w->codes.code[i] == XQ_BAD_CODE)
			continue;
		if (is_codebook(from))
			w->codes.code[i] = (uint8_t)codebook[i];
		else
			w->codes.code[i] = target.code[(uint8_t)(value + offset)];
	}
}

int xq_widen_pair(const struct xq_device *dev, enum xq_type a, enum xq_type b,
		  const int8_t *codebook, struct xq_widening *wide_a, struct xq_widening *wide_b)
{
	const size_t count = sizeof(targets) / sizeof(targets[0]);
	unsigned int best = ~0U, bits;
	enum xq_type to_a = XQ_NONE, to_b = XQ_NONE;
	int32_t offset_a, offset_b;
	size_t i, j;

	if (!is_element(a) || !is_element(b) || is_codebook(a) || (is_codebook(b) && !codebook))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		for (j = 0; j < count; j++) {
			bits = xq_type_bits(targets[i]) + xq_type_bits(targets[j]);
			if (bits < best && xq_device_has_pair(dev, targets[i], targets[j]) &&
			    fits(a, targets[i], &offset_a) && fits(b, targets[j], &offset_b)) {
				best = bits;
				to_a = targets[i];
				to_b = targets[j];
			}
		}
	}
	if (best == ~0U)
		return -EOPNOTSUPP;
	fits(a, to_a, &offset_a);
	fits(b, to_b, &offset_b);
	fill(wide_a, a, to_a, offset_a, codebook);
	fill(wide_b, b, to_b, offset_b, codebook);
	return 0;
}
