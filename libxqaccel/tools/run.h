/* SPDX-License-Identifier: MIT */
/* xq run, and what it tells of a run. */
#ifndef XQ_TOOL_RUN_H
#define XQ_TOOL_RUN_H

#include <xqaccel/model.h>

#include "tensor.h"

/**
 * struct run_profile - sums over all runs of a session
 * @operators: how many there are
 * @device_ns: @cpu_ns: of each
 * @totals: of all
 * @runs: how many there were
 */
struct run_profile {
	unsigned int operators;
	uint64_t *device_ns, *cpu_ns;
	struct xq_session_totals totals;
	uint64_t runs;
};

/* Room for a session's operators; false if there is no memory. */
bool run_profile_begin(struct run_profile *p, const struct xq_session *session);
void run_profile_add(struct run_profile *p, const struct xq_session *session);
void run_profile_end(struct run_profile *p);

/* A table on the report's stream, or a member of a JSON object. */
void run_profile_print(const struct run_profile *p, const struct xq_session *session);
void run_profile_json(const struct run_profile *p, const struct xq_session *session);

/* A picture: time of each operator. 0, or EXIT_ERROR after printing. */
int run_profile_picture(const struct run_profile *p, const struct xq_session *session, const char *model, const char *path);

/**
 * struct run_scores - how often the right class was among the best
 * @rows: that were looked at
 * @first: @among: rows whose label is the best, and among the best @top
 */
struct run_scores {
	size_t rows, first, among;
	int64_t top;
};

/* Compares rows of y, [rows][classes], with labels. 0, or EXIT_ERROR after printing. */
int run_score(const struct tensor *y, const struct tensor *labels, struct run_scores *scores);

/* Prints the best classes of each row. scale and zero_point: of y's elements; 0 for a scale that it has not. */
int run_print_top(const struct tensor *y, int64_t top, float scale, int32_t zero_point);

#endif
