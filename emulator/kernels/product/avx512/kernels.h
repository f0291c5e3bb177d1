/* SPDX-License-Identifier: MIT */
/* The micro-kernels of AVX-512 VNNI, which table.c puts into its table. */
#ifndef XQK_KERN_AVX512_H
#define XQK_KERN_AVX512_H

#include "product/micro_kernels.h"

xqk_dot_fn xqk_dot_s8_avx512;
xqk_dot_fn xqk_dot_u8_avx512;
xqk_dot_fn xqk_dot_by_u8_avx512;
xqk_dot_fn xqk_dot_b1_avx512;
xqk_dot_fold_fn xqk_dot_fold_s8_avx512;
xqk_dot_fold_fn xqk_dot_fold_u8_avx512;
xqk_dot_fold_fn xqk_dot_fold_by_u8_avx512;
xqk_dot_fold_fn xqk_dot_fold_b1_avx512;

xqk_dot_panel_fn xqk_dot_panel_s8_avx512;
xqk_dot_panel_fn xqk_dot_panel_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_bits_avx512;
xqk_dot_panel_fn xqk_dot_panel_s4_avx512, xqk_dot_panel_s4_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_u4_avx512, xqk_dot_panel_u4_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_s2_avx512, xqk_dot_panel_s2_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_u2_avx512, xqk_dot_panel_u2_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_b1_avx512, xqk_dot_panel_b1_by_u8_avx512;
xqk_dot_panel_fn xqk_dot_panel_c4_avx512, xqk_dot_panel_c4_by_u8_avx512;

xqk_dot_fn xqk_dot_tiles_s8_avx512;
xqk_dot_fn xqk_dot_tiles_u8_avx512;
xqk_dot_fn xqk_dot_tiles_s4_avx512;
xqk_dot_fn xqk_dot_tiles_u4_avx512;
xqk_dot_fn xqk_dot_tiles_s2_avx512;
xqk_dot_fn xqk_dot_tiles_u2_avx512;
xqk_dot_fn xqk_dot_tiles_b1_avx512;
xqk_dot_fn xqk_dot_tiles_c4_avx512;
xqk_dot_fn xqk_dot_tiles_c8_avx512;
xqk_vector_fn xqk_vector_s8_avx512;
xqk_vector_fn xqk_vector_u8_avx512;
xqk_vector_fn xqk_vector_s4_avx512;
xqk_vector_fn xqk_vector_u4_avx512;
xqk_vector_fn xqk_vector_s2_avx512;
xqk_vector_fn xqk_vector_u2_avx512;
xqk_vector_fn xqk_vector_b1_avx512;
xqk_vector_fn xqk_vector_c4_avx512;
xqk_vector_fn xqk_vector_c8_avx512;
xqk_arrange_fn xqk_vector_arrange_b1_avx512;
/* Bytes of a step of a row that it stages */
#define XQK_VECTOR_STEP_B1	64

xqk_dot_groups_fn xqk_dot_groups_s8_avx512;
xqk_dot_groups_fn xqk_dot_groups_u8_avx512;
xqk_dot_real_fn xqk_dot_real_s8_avx512;
xqk_dot_real_fn xqk_dot_real_u8_avx512;
xqk_dot_real_fn xqk_tiles_real_s8_avx512;
xqk_row_real_fn xqk_row_real_s8_avx512;
xqk_dot_real_fn xqk_tiles_real_u8_avx512;
xqk_row_real_fn xqk_row_real_u8_avx512;
xqk_dot_real_fn xqk_tiles_real_s4_avx512;
xqk_row_real_fn xqk_row_real_s4_avx512;
xqk_dot_real_fn xqk_tiles_real_u4_avx512;
xqk_row_real_fn xqk_row_real_u4_avx512;
xqk_dot_real_fn xqk_tiles_real_s2_avx512;
xqk_row_real_fn xqk_row_real_s2_avx512;
xqk_dot_real_fn xqk_tiles_real_u2_avx512;
xqk_row_real_fn xqk_row_real_u2_avx512;
xqk_dot_real_fn xqk_tiles_real_b1_avx512;
xqk_row_real_fn xqk_row_real_b1_avx512;
xqk_dot_real_fn xqk_tiles_real_c4_avx512;
xqk_row_real_fn xqk_row_real_c4_avx512;
xqk_dot_real_fn xqk_tiles_real_c8_avx512;
xqk_row_real_fn xqk_row_real_c8_avx512;

xqk_thin_fn xqk_thin_s8_avx512;
xqk_scale_strip_fn xqk_scale_strip_avx512;
xqk_dot_summed_fn xqk_dot_summed_avx512, xqk_minima_summed_avx512;
void xqk_sum_groups_avx512(int32_t *sums, const int8_t *a, size_t count, size_t group);

xqk_unpack_fn xqk_unpack_s4_avx512;
xqk_unpack_fn xqk_unpack_u4_avx512;
xqk_unpack_fn xqk_unpack_s2_avx512;
xqk_unpack_fn xqk_unpack_u2_avx512;
xqk_unpack_fn xqk_unpack_b1_avx512;
xqk_unpack_fn xqk_unpack_signed_s4_avx512;
xqk_unpack_fn xqk_unpack_signed_s2_avx512;
xqk_unpack_fn xqk_unpack_signed_b1_avx512;
xqk_unpack_fn xqk_unpack_c4_avx512;
xqk_unpack_fn xqk_unpack_c8_avx512;

int32_t xqk_sum_a_avx512(const uint8_t *src, size_t n, uint32_t format);
int32_t xqk_widen_a_avx512(int8_t *dst, const uint8_t *src, size_t n, uint32_t format);
void xqk_arrange_a_avx512(void *dst, const int8_t *src, size_t words, unsigned int steps);
void xqk_interleave_b_avx512(uint8_t *dst, const uint8_t *const *rows, size_t words);

#endif
