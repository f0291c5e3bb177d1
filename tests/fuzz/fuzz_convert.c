// SPDX-License-Identifier: GPL-2.0
/* The decoders of other projects' packing orders and blocks: any bytes, and back. */
#include <stdlib.h>
#include <string.h>

#include <xqaccel/convert.h>

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as many bytes as asked for, so that the sanitizer sees one more. */
static void *exact(size_t bytes)
{
	return malloc(bytes + !bytes);
}

static void orders(enum xq_packing packing, size_t rows, size_t k, const uint8_t *data, size_t size)
{
	size_t need, row_bytes = (k + 1) / 2;
	void *elements, *again, *device;

	if (xq_packing_size(packing, rows, k, &need) || rows > MOST || k > MOST || need > size)
		return;
	elements = exact(rows * k);
	again = exact(need);
	device = exact(rows * row_bytes);
	if (xq_packing_decode(packing, data, need, rows, k, elements) ||
	    xq_packing_encode(packing, elements, rows, k, again, need, NULL) ||
	    xq_packing_to_rows(packing, data, need, rows, k, device, row_bytes))
		abort();
	free(device);
	free(again);
	free(elements);
}

static void blocks(enum xq_ggml format, const uint8_t *data, size_t size)
{
	size_t elements = xq_ggml_block_elements(format), bytes = xq_ggml_block_bytes(format), count, n;
	float *x, *scale;
	int8_t *codes;
	uint8_t *again;

	if (!bytes)
		return;
	count = size / bytes;
	n = count * elements;
	x = exact(n * sizeof(*x));
	scale = exact(count * sizeof(*scale));
	codes = exact(n);
	again = exact(count * bytes);
	if (xq_ggml_decode(format, data, count * bytes, x, n) ||
	    xq_ggml_split(format, data, count * bytes, n, codes, scale, NULL))
		abort();
	/* May be refused, for numbers that are not finite. */
	xq_ggml_encode(format, x, n, again, count * bytes, NULL);
	free(again);
	free(codes);
	free(scale);
	free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t head[3];

	if (size < sizeof(head))
		return 0;
	memcpy(head, data, sizeof(head));
	orders((enum xq_packing)(head[0] % 8), head[1] % 64, head[2], data + sizeof(head), size - sizeof(head));
	blocks((enum xq_ggml)(head[0] / 8 % 6), data + sizeof(head), size - sizeof(head));
	return 0;
}
