// SPDX-License-Identifier: MIT
/* Groups of s8 tiles in place: the sign is flipped as they are loaded. */
#include "kernels.h"

#define XQK_DOT_GROUPS	xqk_dot_groups_s8_avx512
#define XQK_DOT_REAL	xqk_dot_real_s8_avx512
#define XQK_LOAD_B(p)	_mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128))
#include "groups.h"
