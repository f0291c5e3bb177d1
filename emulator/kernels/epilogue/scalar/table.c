// SPDX-License-Identifier: MIT
/* Epilogues in portable C. */
#include "epilogue/scalar/requantize.h"
#include "epilogue/template.h"

XQK_REQUANT_DEFINE_ALL

const struct xqk_epilogue_kernels xqk_epilogue_scalar = {
	.requant = XQK_REQUANT_TABLE,
	.steps = steps_loop,
	.reals = reals_loop,
	.lookup = lookup_loop,
	.pack = pack_loop,
};
