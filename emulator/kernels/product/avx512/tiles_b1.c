// SPDX-License-Identifier: MIT
/* A few rows by tiles of b1, taken as 0 and 2: plus 1. */
#include "kernels.h"

#define XQK_DOT_TILES	xqk_dot_tiles_b1_avx512
#define XQK_TILES_REAL	xqk_tiles_real_b1_avx512
#define XQK_ROW_REAL	xqk_row_real_b1_avx512
#define XQK_BITS	1
#define XQK_FLIP	0
#define XQK_LEFT	1
#include "tiles.h"
