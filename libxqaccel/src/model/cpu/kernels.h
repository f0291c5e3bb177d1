/* SPDX-License-Identifier: MIT */
/* All kernels by name; those of a file together. Internal. */
#ifndef XQ_MODEL_CPU_KERNELS_H
#define XQ_MODEL_CPU_KERNELS_H

#include "kernel.h"

/* along.c */
extern const struct xqm_kernel xqm_arg_kernel;
extern const struct xqm_kernel xqm_top_k_kernel;
extern const struct xqm_kernel xqm_cum_sum_kernel;

/* arithmetic.c */
extern const struct xqm_kernel xqm_arithmetic_kernel;

/* cast.c */
extern const struct xqm_kernel xqm_cast_kernel;

/* choice.c */
extern const struct xqm_kernel xqm_choice_kernel;

/* compare.c */
extern const struct xqm_kernel xqm_compare_kernel;
extern const struct xqm_kernel xqm_logic_kernel;
extern const struct xqm_kernel xqm_where_kernel;

/* concat.c */
extern const struct xqm_kernel xqm_concat_kernel;
extern const struct xqm_kernel xqm_split_kernel;

/* conv.c */
extern const struct xqm_kernel xqm_conv_kernel;

/* conv_transpose.c */
extern const struct xqm_kernel xqm_conv_transpose_kernel;

/* gather.c */
extern const struct xqm_kernel xqm_gather_kernel;
extern const struct xqm_kernel xqm_gather_elements_kernel;
extern const struct xqm_kernel xqm_gather_nd_kernel;

/* identity.c */
extern const struct xqm_kernel xqm_identity_kernel;

/* integer.c */
extern const struct xqm_kernel xqm_matmul_integer_kernel;
extern const struct xqm_kernel xqm_qlinear_matmul_kernel;
extern const struct xqm_kernel xqm_qgemm_kernel;
extern const struct xqm_kernel xqm_conv_integer_kernel;
extern const struct xqm_kernel xqm_qlinear_conv_kernel;

/* linear.c */
extern const struct xqm_kernel xqm_quantize_linear_kernel;
extern const struct xqm_kernel xqm_dequantize_linear_kernel;
extern const struct xqm_kernel xqm_dynamic_quantize_kernel;

/* matmul.c */
extern const struct xqm_kernel xqm_matmul_kernel;
extern const struct xqm_kernel xqm_gemm_kernel;
extern const struct xqm_kernel xqm_fully_connected_kernel;

/* move.c */
extern const struct xqm_kernel xqm_transpose_kernel;
extern const struct xqm_kernel xqm_slice_kernel;
extern const struct xqm_kernel xqm_expand_kernel;
extern const struct xqm_kernel xqm_tile_kernel;
extern const struct xqm_kernel xqm_block_kernel;

/* norm.c */
extern const struct xqm_kernel xqm_batch_norm_kernel;
extern const struct xqm_kernel xqm_layer_norm_kernel;
extern const struct xqm_kernel xqm_instance_norm_kernel;
extern const struct xqm_kernel xqm_lrn_kernel;

/* norm_runs.c */
extern const struct xqm_kernel xqm_rms_norm_kernel;
extern const struct xqm_kernel xqm_group_norm_kernel;
extern const struct xqm_kernel xqm_lp_norm_kernel;

/* pad.c */
extern const struct xqm_kernel xqm_pad_kernel;

/* pick.c */
extern const struct xqm_kernel xqm_compress_kernel;
extern const struct xqm_kernel xqm_non_zero_kernel;
extern const struct xqm_kernel xqm_det_kernel;

/* pool.c */
extern const struct xqm_kernel xqm_pool_kernel;

/* qlinear.c */
extern const struct xqm_kernel xqm_qlinear_add_kernel;
extern const struct xqm_kernel xqm_qlinear_mul_kernel;
extern const struct xqm_kernel xqm_qlinear_function_kernel;
extern const struct xqm_kernel xqm_qlinear_softmax_kernel;
extern const struct xqm_kernel xqm_qlinear_concat_kernel;

/* qlinear_pool.c */
extern const struct xqm_kernel xqm_qlinear_pool_kernel;

/* recurrent.c */
extern const struct xqm_kernel xqm_recurrent_kernel;

/* reduce.c */
extern const struct xqm_kernel xqm_reduce_kernel;

/* resize.c */
extern const struct xqm_kernel xqm_resize_kernel;

/* scatter.c */
extern const struct xqm_kernel xqm_scatter_elements_kernel;
extern const struct xqm_kernel xqm_scatter_nd_kernel;

/* select.c */
extern const struct xqm_kernel xqm_trilu_kernel;
extern const struct xqm_kernel xqm_eye_kernel;
extern const struct xqm_kernel xqm_one_hot_kernel;
extern const struct xqm_kernel xqm_hardmax_kernel;

/* shape.c */
extern const struct xqm_kernel xqm_reshape_kernel;
extern const struct xqm_kernel xqm_flatten_kernel;
extern const struct xqm_kernel xqm_squeeze_kernel;
extern const struct xqm_kernel xqm_unsqueeze_kernel;
extern const struct xqm_kernel xqm_shape_kernel;
extern const struct xqm_kernel xqm_size_kernel;
extern const struct xqm_kernel xqm_constant_of_shape_kernel;
extern const struct xqm_kernel xqm_range_kernel;

/* softmax.c */
extern const struct xqm_kernel xqm_softmax_kernel;

/* unary.c */
extern const struct xqm_kernel xqm_unary_kernel;
extern const struct xqm_kernel xqm_clip_kernel;

#endif
