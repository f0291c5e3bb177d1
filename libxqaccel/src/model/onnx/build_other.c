// SPDX-License-Identifier: MIT
/*
 * Nodes that only kernels know: no pass looks at them.
 */
#include <errno.h>

#include "libxqaccel/src/model/cpu/kernels.h"
#include "libxqaccel/src/model/cpu/norm_runs.h"
#include "libxqaccel/src/model/cpu/pick.h"
#include "libxqaccel/src/model/cpu/scatter.h"
#include "libxqaccel/src/model/cpu/select.h"
#include "reader.h"

int xqo_add_other(struct xqo_node *node, const struct xqm_kernel *kernel, const void *data,
		  size_t bytes)
{
	struct xqm_operator *op = xqo_add(node, XQM_OTHER, node->inputs);
	void *kept = op && bytes ? xqm_keep(node->graph, data, bytes) : NULL;

	if (!op || (bytes && !kept))
		return -ENOMEM;
	op->params.other.kernel = kernel;
	op->params.other.data = kept;
	return 0;
}

/* ---- scatter ----------------------------------------------------------------------------- */

static int reduction(struct xqo_node *node, struct xqm_scatter *p)
{
	static const char *const names[] = {
		[XQM_SCATTER_SET] = "none", [XQM_SCATTER_ADD] = "add", [XQM_SCATTER_MUL] = "mul",
		[XQM_SCATTER_MIN] = "min", [XQM_SCATTER_MAX] = "max",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!xqo_text_is(node, "reduction", "none", names[i]))
			continue;
		p->how = (enum xqm_scatter_how)i;
		return 0;
	}
	return xqo_refuse(node, -EINVAL, "its reduction is not known");
}

int xqo_build_scatter_elements(struct xqo_node *node)
{
	struct xqm_scatter p = { .axis = xqo_int(node, "axis", 0) };
	int err = reduction(node, &p);

	return err ? err : xqo_add_other(node, &xqm_scatter_elements_kernel, &p, sizeof(p));
}

int xqo_build_scatter_nd(struct xqo_node *node)
{
	struct xqm_scatter p = { 0 };
	int err = reduction(node, &p);

	return err ? err : xqo_add_other(node, &xqm_scatter_nd_kernel, &p, sizeof(p));
}

/* ---- select.c ---------------------------------------------------------------------------- */

int xqo_build_trilu(struct xqo_node *node)
{
	const struct xqm_select p = { .upper = xqo_int(node, "upper", 1) != 0 };

	return xqo_add_other(node, &xqm_trilu_kernel, &p, sizeof(p));
}

int xqo_build_eye(struct xqo_node *node)
{
	const struct xqm_select p = { .axis = xqo_int(node, "k", 0) };
	int64_t code = xqo_int(node, "dtype", 0);
	int type = code > 0 && code < 100 ? xqo_type((int32_t)code) : XQ_NONE;

	if (code && type == XQ_NONE)
		return xqo_refuse(node, -EOPNOTSUPP, "its dtype is not known");
	if (node->output[0])
		xqm_tensor(node->graph, node->output[0])->type = type;
	return xqo_add_other(node, &xqm_eye_kernel, &p, sizeof(p));
}

int xqo_build_one_hot(struct xqo_node *node)
{
	const struct xqm_select p = { .axis = xqo_int(node, "axis", -1) };

	return xqo_add_other(node, &xqm_one_hot_kernel, &p, sizeof(p));
}

int xqo_build_hardmax(struct xqo_node *node)
{
	const struct xqm_select p = {
		.flatten = node->reader->opset < 13,
		.axis = xqo_int(node, "axis", node->reader->opset < 13 ? 1 : -1),
	};

	return xqo_add_other(node, &xqm_hardmax_kernel, &p, sizeof(p));
}

/* ---- pick.c ------------------------------------------------------------------------------ */

int xqo_build_compress(struct xqo_node *node)
{
	const struct xqm_compress p = {
		.flat = !xqo_attribute(node, "axis"), .axis = xqo_int(node, "axis", 0),
	};

	return xqo_add_other(node, &xqm_compress_kernel, &p, sizeof(p));
}

int xqo_build_non_zero(struct xqo_node *node)
{
	return xqo_add_other(node, &xqm_non_zero_kernel, NULL, 0);
}

int xqo_build_det(struct xqo_node *node)
{
	return xqo_add_other(node, &xqm_det_kernel, NULL, 0);
}

/* ---- norm_runs.c ------------------------------------------------------------------------- */

int xqo_build_rms_norm(struct xqo_node *node)
{
	const struct xqm_norm_run p = { .epsilon = xqo_float(node, "epsilon", 1e-5f),
					.axis = xqo_int(node, "axis", -1) };

	return xqo_add_other(node, &xqm_rms_norm_kernel, &p, sizeof(p));
}

int xqo_build_group_norm(struct xqo_node *node)
{
	int64_t groups = xqo_int(node, "num_groups", 0);
	const struct xqm_norm_run p = { .epsilon = xqo_float(node, "epsilon", 1e-5f),
					.groups = (size_t)groups };

	if (groups < 1 || groups > XQM_MAX_SIZE)
		return xqo_refuse(node, -EINVAL, "%lld groups", (long long)groups);
	return xqo_add_other(node, &xqm_group_norm_kernel, &p, sizeof(p));
}

int xqo_build_lp_norm(struct xqo_node *node)
{
	int64_t power = xqo_int(node, "p", 2);
	const struct xqm_norm_run p = { .squares = power == 2, .axis = xqo_int(node, "axis", -1) };

	if (power != 1 && power != 2)
		return xqo_refuse(node, -EINVAL, "a power of %lld", (long long)power);
	return xqo_add_other(node, &xqm_lp_norm_kernel, &p, sizeof(p));
}
