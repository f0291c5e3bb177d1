// SPDX-License-Identifier: MIT
/* Epilogues for AVX2. */
#include "epilogue/avx2/requantize.h"
#include "epilogue/template.h"

XQK_REQUANT_DEFINE_ALL

const struct xqk_epilogue_kernels xqk_epilogue_avx2 = {
	.requant = XQK_REQUANT_TABLE,
	.steps = steps_loop,
	.reals = reals_loop,
	.lookup = lookup_loop,
	.pack = pack_loop,
};
