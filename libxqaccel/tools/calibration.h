/* SPDX-License-Identifier: MIT */
/* How the range of values is chosen, as an option says it. */
#ifndef XQ_TOOL_CALIBRATION_H
#define XQ_TOOL_CALIBRATION_H

#include <xqaccel/calibrate.h>

/* What the option takes. */
#define CALIBRATIONS	"minmax|percentile:P|mse|kl|laplace|gauss|ema:ALPHA"

/* NULL leaves what there is. 0, or an exit status after printing. */
int calibration_parse(const char *option, const char *text, struct xq_calibration *how);

#endif
