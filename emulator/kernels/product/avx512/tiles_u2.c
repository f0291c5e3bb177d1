// SPDX-License-Identifier: MIT
/* A few rows by tiles of u2. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_u2_avx512
#define XQK_VECTOR	xqk_vector_u2_avx512
#define XQK_TILES_REAL	xqk_tiles_real_u2_avx512
#define XQK_ROW_REAL	xqk_row_real_u2_avx512
#define XQK_BITS	2
#define XQK_FLIP	0
#define XQK_LEFT	0
#include "tiles.h"
