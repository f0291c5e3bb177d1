// SPDX-License-Identifier: MIT
/* RNN, GRU, LSTM. */
#include <errno.h>

#include "libxqaccel/src/model/cpu/kernels.h"
#include "libxqaccel/src/model/cpu/recurrent.h"
#include "reader.h"

int xqo_build_recurrent(struct xqo_node *node)
{
	const bool lstm = node->type[0] == 'L', gru = node->type[0] == 'G';
	const int64_t hidden = xqo_int(node, "hidden_size", 0), layout = xqo_int(node, "layout", 0);
	struct xqm_recurrent p = {
		.cell = lstm ? XQM_LSTM : gru ? XQM_GRU : XQM_RNN, .batch_first = layout,
		.both = xqo_text_is(node, "direction", "forward", "bidirectional"),
		.backward = xqo_text_is(node, "direction", "forward", "reverse"),
		.reset_last = xqo_int(node, "linear_before_reset", 0) != 0,
	};

	if (!p.both && !p.backward && !xqo_text_is(node, "direction", "forward", "forward"))
		return xqo_refuse(node, -EINVAL, "its direction is not known");
	if (hidden < 1 || hidden > XQM_MAX_SIZE || layout < 0 || layout > 1)
		return xqo_refuse(node, -EINVAL, "a hidden size of %lld, layout %lld", (long long)hidden, (long long)layout);
	if (xqo_attribute(node, "clip") || xqo_attribute(node, "activations") || xqo_int(node, "input_forget", 0))
		return xqo_refuse(node, -EOPNOTSUPP, "a clip, input_forget, or functions of its own");
	p.hidden = (size_t)hidden;
	return xqo_add_other(node, &xqm_recurrent_kernel, &p, sizeof(p));
}
