/* SPDX-License-Identifier: MIT */
/* The micro-kernels of AVX-512 VNNI, which kern_avx512.c puts into its table. */
#ifndef XQK_KERN_AVX512_H
#define XQK_KERN_AVX512_H

#include "xqk_isa.h"

xqk_dot_fn xqk_dot_s8_avx512;
xqk_dot_fn xqk_dot_u8_avx512;

#endif
