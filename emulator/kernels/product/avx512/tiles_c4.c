// SPDX-License-Identifier: MIT
/* A few rows by tiles of c4: 16 entries are one lookup within each 128 bits. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_c4_avx512
#define XQK_VECTOR	xqk_vector_c4_avx512
#define XQK_TILES_REAL	xqk_tiles_real_c4_avx512
#define XQK_ROW_REAL	xqk_row_real_c4_avx512
#define XQK_BITS	4
#define XQK_FLIP	0
#define XQK_LEFT	0
#define XQK_LOAD_TABLE(from, t) \
	((t)[0] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(from)->table)))
#define XQK_LOOKUP(code) \
	_mm512_shuffle_epi8(table[0], _mm512_and_si512(code, _mm512_set1_epi8(15)))
#include "tiles.h"
