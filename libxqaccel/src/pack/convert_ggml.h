/* SPDX-License-Identifier: MIT */
/* One block of a ggml format. Internal. */
#ifndef XQ_PACK_CONVERT_GGML_H
#define XQ_PACK_CONVERT_GGML_H

#include <xqaccel/convert.h>

#define XQ_GGML_MOST_ELEMENTS 256

struct xq_ggml_format {
	size_t elements, bytes;
	/* The elements are finite. Return: 0, or -ERANGE. */
	int (*encode)(const float *x, uint8_t *block);
	/* codes as xq_ggml_split() gives them */
	void (*split)(const uint8_t *block, int8_t *codes, float *scale, float *offset);
};

/* NULL for no format */
const struct xq_ggml_format *xq_ggml_format(enum xq_ggml format);

#endif
