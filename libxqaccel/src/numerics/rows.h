/* SPDX-License-Identifier: MIT */
/* Checks and sums of matrices [rows][k]. Internal. */
#ifndef XQ_NUMERICS_ROWS_H
#define XQ_NUMERICS_ROWS_H

#include <xqaccel/quantize.h>

/* Sets n = rows * k; 0, -EOVERFLOW, -EINVAL, or -EDOM with the element that isn't finite. */
int xq_check_rows(const float *x, size_t rows, size_t k, size_t *n, struct xq_fault *fault);

double xq_mean_abs(const float *x, size_t n);

#endif
