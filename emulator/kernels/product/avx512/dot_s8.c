// SPDX-License-Identifier: MIT
/* Tiles of s8 in place: the sign is flipped as they are loaded, which adds 128. */
#include "kernels.h"

#define XQK_DOT		xqk_dot_s8_avx512
#define XQK_DOT_FOLD	xqk_dot_fold_s8_avx512
#define XQK_LOAD_B(p)	_mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128))
#define XQK_MULTIPLY(sum, b, a)	_mm512_dpbusd_epi32(sum, b, a)
#include "dot.h"
