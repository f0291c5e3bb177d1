// SPDX-License-Identifier: MIT
/* B1 x B1 in place: bits that differ are counted by VPOPCNTD of the exclusive or. */
#include "kernels.h"

#define XQK_DOT		xqk_dot_b1_avx512
#define XQK_DOT_FOLD	xqk_dot_fold_b1_avx512
#define XQK_BITS
#define XQK_LOAD_B(p)	_mm512_loadu_si512(p)
#define XQK_MULTIPLY(sum, b, a)	\
	_mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_xor_si512(b, a)))
#include "dot.h"
