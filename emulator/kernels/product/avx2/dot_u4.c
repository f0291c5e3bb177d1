// SPDX-License-Identifier: MIT
/* The dot with B of 4 bits; s4 is moved to 0..15. */
#define XQK_DOT		xqk_dot_u4_avx2
#define XQK_DOT_FOLD	xqk_dot_fold_u4_avx2
#define XQK_DOT_GROUPS	xqk_dot_groups_u4_avx2
#define XQK_LARGEST	15

#include "dot_narrow.h"
#include "groups.h"
