// SPDX-License-Identifier: MIT
/* A few rows by tiles of u4. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_u4_avx512
#define XQK_VECTOR	xqk_vector_u4_avx512
#define XQK_TILES_REAL	xqk_tiles_real_u4_avx512
#define XQK_ROW_REAL	xqk_row_real_u4_avx512
#define XQK_BITS	4
#define XQK_FLIP	0
#define XQK_LEFT	0
#include "tiles.h"
