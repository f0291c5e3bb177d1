// SPDX-License-Identifier: MIT
/* Depthwise on Arm NEON: SMULL makes 16-bit products of a vector of channels, SADDW adds them up. */
#include <arm_neon.h>
#include <stdint.h>

#define TAPS_SUMS int32x4x4_t

static inline int32x4x4_t taps_load(const int32_t *p)
{
	return (int32x4x4_t){ { vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12) } };
}

static inline int32x4x4_t taps_add(int32x4x4_t sums, const int8_t *x, const int8_t *w)
{
	const int8x16_t a = vld1q_s8(x), b = vld1q_s8(w);
	const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b)), high = vmull_high_s8(a, b);

	sums.val[0] = vaddw_s16(sums.val[0], vget_low_s16(low));
	sums.val[1] = vaddw_high_s16(sums.val[1], low);
	sums.val[2] = vaddw_s16(sums.val[2], vget_low_s16(high));
	sums.val[3] = vaddw_high_s16(sums.val[3], high);
	return sums;
}

static inline void taps_store(int32_t *p, int32x4x4_t sums)
{
	vst1q_s32(p, sums.val[0]);
	vst1q_s32(p + 4, sums.val[1]);
	vst1q_s32(p + 8, sums.val[2]);
	vst1q_s32(p + 12, sums.val[3]);
}

#include "convolution/taps.h"

const struct xqk_depthwise_kernels xqk_depthwise_neon = {
	.line_bytes = line_bytes, .arrange = arrange, .run = run,
};
