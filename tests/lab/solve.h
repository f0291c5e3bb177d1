/* SPDX-License-Identifier: MIT */
/* Cholesky factorization. */
#ifndef XQ_LAB_SOLVE_H
#define XQ_LAB_SOLVE_H

#include <stdbool.h>
#include <stddef.h>

/* a[n][n] becomes its lower factor; false if it is not positive definite. */
bool lab_cholesky(double *a, size_t n);

/* b becomes the solution of a x = b, for a factor from lab_cholesky(). */
void lab_cholesky_solve(const double *factor, size_t n, double *b);

#endif
