// SPDX-License-Identifier: MIT
/*
 * Tiles of u8 in place, and panels of any narrower format once unpacked. VPDPBUSD
 * multiplies unsigned by signed bytes and adds four products to 32 bits without
 * saturating, so B is the unsigned operand.
 */
#include "kernels.h"

#define XQK_DOT		xqk_dot_u8_avx512
#define XQK_DOT_FOLD	xqk_dot_fold_u8_avx512
#define XQK_LOAD_B(p)	_mm512_loadu_si512(p)
#define XQK_MULTIPLY(sum, b, a)	_mm512_dpbusd_epi32(sum, b, a)
#include "dot.h"
