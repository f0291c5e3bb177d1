// SPDX-License-Identifier: MIT
/* Tiles of u8 in place, and panels of any narrower format once unpacked. */
#include "kern_avx2.h"

#define XQK_DOT		xqk_dot_u8_avx2
#define XQK_DOT_FOLD	xqk_dot_fold_u8_avx2
#define XQK_LOAD_B(p)	_mm256_loadu_si256((const __m256i *)(p))
#include "kern_dot_avx2.h"
