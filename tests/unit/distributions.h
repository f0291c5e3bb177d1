/* SPDX-License-Identifier: MIT */
/* Values of every kind that calibration meets: the first kinds are small and exact, the last ones extreme. */
#ifndef XQ_TESTS_DISTRIBUTIONS_H
#define XQ_TESTS_DISTRIBUTIONS_H

#include <float.h>
#include <math.h>

#include "ktap.h"

enum distribution {
	ZEROS, CONSTANT, TWO_VALUES, SIGNS, SIGNS_AND_ZERO, SMALL_INTEGERS, INTEGERS, NORMAL, UNIFORM, LAPLACE, LOG_NORMAL,
	RELU, NEGATIVE, OFFSET, ONE_OUTLIER, FAR_OUTLIER, TWO_OUTLIERS, SPARSE, ONE_OF_ALL, CLUSTERS, MANY_SIZES,
	TINY, HUGE_VALUES, DENORMAL, LARGEST_FLOATS, DISTRIBUTIONS,
};

static inline double draw_laplace(void)
{
	double u = ktap_unit() - 0.5;

	return (u < 0 ? 1 : -1) * log(1 - 2 * fabs(u) + 1e-300);
}

static inline float draw(enum distribution kind, size_t i, size_t n)
{
	switch (kind) {
	case ZEROS: return 0;
	case CONSTANT: return -3.7f;
	case TWO_VALUES: return ktap_range(0, 1) ? 2.5f : -0.3f;
	case SIGNS: return i & 1 ? 1 : -1;
	case SIGNS_AND_ZERO: return (float)((int)(i % 3) - 1);
	case SMALL_INTEGERS: return (float)((int)(i % 15) - 7);
	case INTEGERS: return (float)ktap_range(-100, 100);
	case NORMAL: return (float)ktap_normal();
	case UNIFORM: return (float)(ktap_unit() * 3 - 1);
	case LAPLACE: return (float)draw_laplace();
	case LOG_NORMAL: return (float)exp(2 * ktap_normal());
	case RELU: return (float)fmax(ktap_normal(), 0);
	case NEGATIVE: return (float)-fabs(ktap_normal());
	case OFFSET: return (float)(100 + ktap_normal());
	case ONE_OUTLIER: return i == n / 2 ? 20 : (float)ktap_normal();
	case FAR_OUTLIER: return i == n / 3 ? -1e6f : (float)ktap_normal();
	case TWO_OUTLIERS: return i == 0 ? 50 : i == n - 1 ? -30 : (float)ktap_normal();
	case SPARSE: return ktap_range(0, 9) ? 0 : (float)ktap_normal();
	case ONE_OF_ALL: return i == n / 2 ? 5.5f : 0;
	case CLUSTERS: return (float)((double)ktap_range(-3, 3) + 1e-3 * ktap_normal());
	case MANY_SIZES: return (float)ldexp(ktap_normal(), (int)ktap_range(-30, 30));
	case TINY: return (float)(ktap_normal() * 1e-30);
	case HUGE_VALUES: return (float)(ktap_normal() * 1e30);
	case DENORMAL: return (float)(ktap_normal() * 1e-42);
	case LARGEST_FLOATS: return ktap_range(0, 1) ? FLT_MAX : -FLT_MAX;
	default: return 0;
	}
}

static inline void fill(enum distribution kind, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = draw(kind, i, n);
}

#endif
