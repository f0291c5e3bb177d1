// SPDX-License-Identifier: MIT
/* The dot with B of 2 bits, where s2 and t2 are moved to 0..3, and of b1 as 0 and 2. */
#define XQK_DOT		xqk_dot_u2_avx2
#define XQK_DOT_FOLD	xqk_dot_fold_u2_avx2
#define XQK_DOT_GROUPS	xqk_dot_groups_u2_avx2
#define XQK_LARGEST	3

#include "dot_narrow.h"
#include "groups.h"
