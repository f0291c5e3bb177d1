/* SPDX-License-Identifier: MIT */
/* xq convert: what it tells of a conversion. */
#ifndef XQ_TOOL_CONVERT_H
#define XQ_TOOL_CONVERT_H

#include <xqaccel/post_training.h>

#include "run.h"

/**
 * struct convert_report - what there is to tell
 * @path: of the float model
 * @source: @quantized: how often each model is right; no rows if that was not asked
 */
struct convert_report {
	const char *path;
	const struct xq_post_training *conversion;
	struct run_scores source, quantized;
};

/* As text: layers if they are wanted, the frontier if there was a budget, the evaluation if there was one. */
void convert_report_print(const struct convert_report *report, bool layers);

/* As one line of JSON. */
void convert_report_json(const struct convert_report *report);

/* Bytes before and after, and signal-to-noise ratios, layer by layer. 0, or 1 after printing an error. */
int convert_picture(const struct convert_report *report, const char *path);

#endif
