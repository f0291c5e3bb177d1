/* SPDX-License-Identifier: MIT */
/* What the products of a vector by tiles have in common. */
#ifndef XQK_KERN_VECTOR_AVX512_H
#define XQK_KERN_VECTOR_AVX512_H

#include <immintrin.h>

#include "product/micro_kernels.h"

/* A strip's sums into C. */
static inline void xqk_vector_store(const struct xqk_vector *vector, unsigned int strip,
				    __m512i sum)
{
	int32_t *c = vector->c + strip * XQK_LANES;

	if (vector->factor != 1)
		sum = _mm512_mullo_epi32(sum, _mm512_set1_epi32(vector->factor));
	sum = _mm512_add_epi32(sum, _mm512_loadu_si512(vector->start + strip * XQK_LANES));
	if (vector->add)
		sum = _mm512_add_epi32(sum, _mm512_loadu_si512(c));
	_mm512_storeu_si512(c, sum);
}

#endif
