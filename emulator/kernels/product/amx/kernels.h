/* SPDX-License-Identifier: MIT */
/* The micro-kernels of AMX, which table.c puts into its table beside those of AVX-512. */
#ifndef XQK_KERN_AMX_H
#define XQK_KERN_AMX_H

#include "product/micro_kernels.h"

/* Signs: of A, then of B. */
xqk_dot_panel_fn xqk_dot_panel_ss_amx, xqk_dot_panel_su_amx, xqk_dot_panel_us_amx;
xqk_dot_real_fn xqk_dot_real_ss_amx, xqk_dot_real_su_amx;
xqk_dot_summed_fn xqk_dot_summed_amx;

#endif
