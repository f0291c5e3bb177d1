/* SPDX-License-Identifier: MIT */
/* Private to copies: conversion of parts of rows. */
#ifndef XQK_COPY_H
#define XQK_COPY_H

#include "operators.h"

#define XQK_CONVERT_PART	1024

/**
 * struct xqk_convert - a thread's memory for conversion
 * @gathered: elements of x, or of y, that do not lie one after the other
 * @packed: a part of y
 */
struct xqk_convert {
	const struct xqk_isa *isa;
	const struct xqk_copy *copy;
	struct xqk_lanes lanes;
	struct xqk_quantize quantize;
	uint8_t lanes_memory[1024] __attribute__((aligned(64)));
	int32_t value[XQK_CONVERT_PART];
	float real[XQK_CONVERT_PART];
	uint8_t gathered[4 * XQK_CONVERT_PART], packed[4 * XQK_CONVERT_PART];
};

void xqk_convert_start(struct xqk_convert *convert, const struct xqk_isa *isa, const struct xqk_copy *copy);

/* Elements [from, from + n) of a row that begins at distances x and y; false if canceled. */
bool xqk_convert_row(struct xqk_convert *convert, uint64_t row, uint64_t x, uint64_t y, uint32_t from, uint32_t n,
		     const atomic_bool *cancel);

#endif
