// SPDX-License-Identifier: MIT
/*
 * Which kernel computes which operator on the processor.
 */
#include "kernels.h"

static const struct xqm_kernel *const kernels[XQM_OPS] = {
	[XQM_IDENTITY] = &xqm_identity_kernel,
};

const struct xqm_kernel *xqm_kernel(const struct xqm_operator *op)
{
	return op->op == XQM_OTHER ? op->params.other.kernel : kernels[op->op];
}
