// SPDX-License-Identifier: MIT
#include <math.h>

#include "accumulator.h"
#include "command.h"

double accumulator_reach(const struct tensor *t, const int32_t *zps, size_t n, const int8_t *entries)
{
	int64_t low = 0, high = 0, least = 0, most = 0;

	for (size_t i = 0; i < t->count; i++) {
		const int64_t code = tensor_int(t, i), value = entries ? entries[(uint8_t)code] : code;

		low = !i || value < low ? value : low;
		high = !i || value > high ? value : high;
	}
	for (size_t i = 0; i < n; i++) {
		least = !i || zps[i] < least ? zps[i] : least;
		most = !i || zps[i] > most ? zps[i] : most;
	}
	return fmax(fabs((double)(low - most)), fabs((double)(high - least)));
}

double accumulator_largest(const int32_t *values, size_t n)
{
	double largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)values[i]));
	return values ? largest : 1;
}

void accumulator_check(double reach, size_t terms)
{
	if (reach > INT32_MAX)
		warn("accumulators may have wrapped: sums of %zu products of these elements can reach %.3g, int32 ends at %d",
		     terms, reach, INT32_MAX);
}
