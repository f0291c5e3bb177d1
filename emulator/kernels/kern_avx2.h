/* SPDX-License-Identifier: MIT */
/* The micro-kernels of AVX2, which kern_avx2.c puts into its table. */
#ifndef XQK_KERN_AVX2_H
#define XQK_KERN_AVX2_H

#include "xqk_isa.h"

xqk_dot_fn xqk_dot_s8_avx2;
xqk_dot_fn xqk_dot_u8_avx2;
xqk_dot_fn xqk_dot_b1_avx2;
xqk_dot_fold_fn xqk_dot_fold_s8_avx2;
xqk_dot_fold_fn xqk_dot_fold_u8_avx2;

#endif
