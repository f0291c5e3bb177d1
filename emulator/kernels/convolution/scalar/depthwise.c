// SPDX-License-Identifier: MIT
/* Depthwise in plain C: loops of a fixed count that the compiler makes vectors of. */
#include <stdint.h>

struct sums {
	int32_t of[16];
};

#define TAPS_SUMS struct sums

static inline struct sums taps_load(const int32_t *p)
{
	struct sums sums;

	__builtin_memcpy(&sums, p, sizeof(sums));
	return sums;
}

static inline struct sums taps_add(struct sums sums, const int8_t *x, const int8_t *w)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		sums.of[i] = (int32_t)((uint32_t)sums.of[i] + (uint32_t)(x[i] * w[i]));
	return sums;
}

static inline void taps_store(int32_t *p, struct sums sums)
{
	__builtin_memcpy(p, &sums, sizeof(sums));
}

#include "convolution/taps.h"

const struct xqk_depthwise_kernels xqk_depthwise_scalar = {
	.line_bytes = line_bytes, .arrange = arrange, .run = run,
};
