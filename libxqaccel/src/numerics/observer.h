/* SPDX-License-Identifier: MIT */
/* Observers for those that may not lose by the method that somebody chose. Internal. */
#ifndef XQ_NUMERICS_OBSERVER_H
#define XQ_NUMERICS_OBSERVER_H

#include <xqaccel/calibrate.h>

/*
 * As xq_observer_create(). Whatever the method, the squared error of its ranges on what was seen is at most that of
 * min-max: a range that is not certainly better is not taken.
 */
int xq_observer_create_guarded(const struct xq_calibration *how, size_t channels, struct xq_observer **out);

#endif
