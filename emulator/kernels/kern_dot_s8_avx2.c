// SPDX-License-Identifier: MIT
/* Tiles of s8 in place: the sign is flipped as they are loaded, which adds 128. */
#include "kern_avx2.h"

#define XQK_DOT		xqk_dot_s8_avx2
#define XQK_DOT_FOLD	xqk_dot_fold_s8_avx2
#define XQK_LOAD_B(p)	_mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(p)), \
					 _mm256_set1_epi8(-128))
#include "kern_dot_avx2.h"
