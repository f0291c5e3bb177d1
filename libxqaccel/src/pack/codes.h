/* SPDX-License-Identifier: MIT */
/*
 * How a value of a narrow type and its code in memory relate. All packers share it.
 */
#ifndef XQ_PACK_CODES_H
#define XQ_PACK_CODES_H

#include <xqaccel/types.h>

#define XQ_BAD_CODE	0xffff

/**
 * struct xq_codes - both directions for one type of at most 8 bits
 * @bits: width of a code
 * @identity: every byte is its own code
 * @code: by the byte of the unpacked element; XQ_BAD_CODE if the type has no such value
 * @value: the unpacked byte of a code
 */
struct xq_codes {
	unsigned int bits;
	bool identity;
	uint16_t code[256];
	uint8_t value[256];
};

/* 0, or -EINVAL for a type that is wider than a byte or none. */
int xq_codes_init(struct xq_codes *codes, enum xq_type type);

#endif
