// SPDX-License-Identifier: MIT
/* A few rows by tiles of c8: a lookup takes 7 bits, the eighth chooses between two. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_c8_avx512
#define XQK_VECTOR	xqk_vector_c8_avx512
#define XQK_TILES_REAL	xqk_tiles_real_c8_avx512
#define XQK_ROW_REAL	xqk_row_real_c8_avx512
#define XQK_BITS	8
#define XQK_FLIP	0
#define XQK_LEFT	0
#define XQK_LOAD_TABLE(from, t)						\
	do {								\
		(t)[0] = _mm512_loadu_si512((from)->table);		\
		(t)[1] = _mm512_loadu_si512((from)->table + 64);		\
		(t)[2] = _mm512_loadu_si512((from)->table + 128);		\
		(t)[3] = _mm512_loadu_si512((from)->table + 192);		\
	} while (0)
#define XQK_LOOKUP(code)						\
	_mm512_mask_blend_epi8(_mm512_movepi8_mask(code),		\
			       _mm512_permutex2var_epi8(table[0], code, table[1]),	\
			       _mm512_permutex2var_epi8(table[2], code, table[3]))
#include "tiles.h"
