// SPDX-License-Identifier: MIT
/* Groups of u8 tiles in place, and of panels of any narrower format. */
#include "kernels.h"

#define XQK_DOT_GROUPS	xqk_dot_groups_u8_avx512
#define XQK_DOT_REAL	xqk_dot_real_u8_avx512
#define XQK_LOAD_B(p)	_mm512_loadu_si512(p)
#include "groups.h"
