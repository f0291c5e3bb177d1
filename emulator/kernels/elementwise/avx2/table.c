// SPDX-License-Identifier: MIT
/* Sums and products for AVX2. */
#include "elementwise/template.h"

static void sum(const struct xqk_sum *s, const uint8_t *a, const uint8_t *b, size_t n, uint8_t *y)
{
	int32_t v[XQK_ELEMENTS_MOST];

	table_sums(s, a, b, n, v);
	xqk_epilogue_avx2.requant[s->lanes.kind][0][0](v, 0, 1, n, &s->lanes, &y);
}

const struct xqk_elementwise_kernels xqk_elementwise_avx2 = {
	.sum = sum,
	.bytes = bytes,
	.product = product,
	.real_sum = real_sum,
	.real_product = real_product,
};
