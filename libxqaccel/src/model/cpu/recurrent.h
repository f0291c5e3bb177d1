/* SPDX-License-Identifier: MIT */
/* Parameters of recurrent layers. Internal. */
#ifndef XQ_MODEL_CPU_RECURRENT_H
#define XQ_MODEL_CPU_RECURRENT_H

#include <stdbool.h>
#include <stddef.h>

enum xqm_cell {
	XQM_RNN,
	XQM_GRU,
	XQM_LSTM,
};

/**
 * struct xqm_recurrent - of xqm_recurrent_kernel; operands as in ONNX
 * @hidden: size of the state
 * @backward: the first direction runs from the end; @both: there is a second one, which does
 * @batch_first: layout 1
 * @reset_last: of GRU, linear_before_reset
 */
struct xqm_recurrent {
	enum xqm_cell cell;
	size_t hidden;
	bool backward, both, batch_first, reset_last;
};

#endif
