// SPDX-License-Identifier: MIT
/* A few rows by tiles of s4, the sign flipped: plus 8. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_s4_avx512
#define XQK_VECTOR	xqk_vector_s4_avx512
#define XQK_TILES_REAL	xqk_tiles_real_s4_avx512
#define XQK_ROW_REAL	xqk_row_real_s4_avx512
#define XQK_BITS	4
#define XQK_FLIP	8
#define XQK_LEFT	0
#include "tiles.h"
