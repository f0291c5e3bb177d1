// SPDX-License-Identifier: MIT
/* Rows of ggml blocks: sizes, checks, and the loop over blocks. */
#include <errno.h>
#include <math.h>

#include "convert_ggml.h"

size_t xq_ggml_block_elements(enum xq_ggml format)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);

	return f ? f->elements : 0;
}

size_t xq_ggml_block_bytes(enum xq_ggml format)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);

	return f ? f->bytes : 0;
}

int xq_ggml_size(enum xq_ggml format, size_t n, size_t *bytes)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);

	if (!f || n % f->elements)
		return -EINVAL;
	return __builtin_mul_overflow(n / f->elements, f->bytes, bytes) ? -EOVERFLOW : 0;
}

static int check(enum xq_ggml format, const void *from, size_t n, size_t size, const void *to)
{
	size_t bytes;
	int err = xq_ggml_size(format, n, &bytes);

	if (!err && (bytes != size || (n && (!from || !to))))
		err = -EINVAL;
	return err;
}

int xq_ggml_encode(enum xq_ggml format, const float *x, size_t n, void *blocks, size_t size,
		   size_t *bad)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);
	int err = check(format, x, n, size, blocks);
	size_t at = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (!isfinite(x[i])) {
			err = -EDOM;
			at = i;
		}
	}
	for (size_t b = 0; !err && b < n / f->elements; b++) {
		err = f->encode(x + b * f->elements, (uint8_t *)blocks + b * f->bytes);
		at = b * f->elements;
	}
	if ((err == -EDOM || err == -ERANGE) && bad)
		*bad = at;
	return err;
}

int xq_ggml_decode(enum xq_ggml format, const void *blocks, size_t size, float *x, size_t n)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);
	int err = check(format, blocks, n, size, x);

	for (size_t b = 0; !err && b < n / f->elements; b++) {
		int8_t codes[XQ_GGML_MOST_ELEMENTS];
		float scale, offset;

		f->split((const uint8_t *)blocks + b * f->bytes, codes, &scale, &offset);
		for (size_t i = 0; i < f->elements; i++) {
			float q = format == XQ_GGML_MXFP4 ? xq_ggml_mxfp4_table()[codes[i]] : codes[i];

			x[b * f->elements + i] = format == XQ_GGML_Q4_1 ? q * scale + offset : q * scale;
		}
	}
	return err;
}

int xq_ggml_split(enum xq_ggml format, const void *blocks, size_t size, size_t n, int8_t *codes,
		  float *scale, float *offset)
{
	const struct xq_ggml_format *f = xq_ggml_format(format);
	int err = check(format, blocks, n, size, codes);

	if (!err && n && !scale)
		err = -EINVAL;
	for (size_t b = 0; !err && b < n / f->elements; b++) {
		float m;

		f->split((const uint8_t *)blocks + b * f->bytes, codes + b * f->elements, &scale[b], &m);
		if (offset)
			offset[b] = m;
	}
	return err;
}
