// SPDX-License-Identifier: MIT
/*
 * Where A is u8, it is the unsigned operand of VPDPBUSD as it is, and B the signed one: tiles
 * of s8 in place, panels of signed bytes. Nothing has to be taken off for a bias then.
 */
#include "kernels.h"

#define XQK_DOT		xqk_dot_by_u8_avx512
#define XQK_DOT_FOLD	xqk_dot_fold_by_u8_avx512
#define XQK_LOAD_B(p)	_mm512_loadu_si512(p)
#define XQK_MULTIPLY(sum, b, a)	_mm512_dpbusd_epi32(sum, a, b)
#include "dot.h"
