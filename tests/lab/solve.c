// SPDX-License-Identifier: MIT
/* Cholesky factorization of small symmetric systems. */
#include <math.h>

#include "solve.h"

bool lab_cholesky(double *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j <= i; j++) {
			double sum = a[i * n + j];

			for (size_t m = 0; m < j; m++)
				sum -= a[i * n + m] * a[j * n + m];
			if (i != j)
				a[i * n + j] = sum / a[j * n + j];
			else if (sum > 0)
				a[i * n + i] = sqrt(sum);
			else
				return false;
		}
	}
	return true;
}

void lab_cholesky_solve(const double *factor, size_t n, double *b)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			b[i] -= factor[i * n + j] * b[j];
		b[i] /= factor[i * n + i];
	}
	for (size_t i = n; i-- > 0;) {
		for (size_t j = i + 1; j < n; j++)
			b[i] -= factor[j * n + i] * b[j];
		b[i] /= factor[i * n + i];
	}
}
