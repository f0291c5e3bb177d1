// SPDX-License-Identifier: MIT
/* Tiles of u8 in place, and panels of any narrower format once unpacked. */
#include "kern_avx512.h"

#define XQK_DOT		xqk_dot_u8_avx512
#define XQK_DOT_FOLD	xqk_dot_fold_u8_avx512
#define XQK_LOAD_B(p)	_mm512_loadu_si512(p)
#include "kern_dot_avx512.h"
