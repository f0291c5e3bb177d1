// SPDX-License-Identifier: MIT
#include <errno.h>

#include "codes.h"

static bool has_value(enum xq_type type, int value)
{
	if (type == XQ_B1)
		return value == -1 || value == 1;
	return value >= xq_type_min(type) && value <= xq_type_max(type);
}

int xq_codes_init(struct xq_codes *codes, enum xq_type type)
{
	const unsigned int bits = xq_type_bits(type);
	unsigned int i;

	if (!bits || bits > 8)
		return -EINVAL;
	codes->bits = bits;
	codes->identity = bits == 8;
	for (i = 0; i < 256; i++) {
		const int value = xq_type_signed(type) ? (int8_t)i : (int)i;

		if (!has_value(type, value))
			codes->code[i] = XQ_BAD_CODE;
		else if (type == XQ_B1)
			codes->code[i] = value > 0;
		else
			codes->code[i] = i & ((1U << bits) - 1);
	}
	for (i = 0; i < 256; i++) {
		const unsigned int code = i & ((1U << bits) - 1);

		if (type == XQ_B1)
			codes->value[i] = code ? 1 : 0xff;
		else if (xq_type_signed(type) && code >> (bits - 1))
			codes->value[i] = (uint8_t)(code | ~((1U << bits) - 1));
		else
			codes->value[i] = (uint8_t)code;
	}
	return 0;
}
