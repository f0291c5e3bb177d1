// SPDX-License-Identifier: MIT
/*
 * The clip that loses least information (Migacz, 8-bit inference with TensorRT, 2017).
 *
 * P is the histogram of |x| up to a candidate, with everything above it in its last bin. Q is
 * the same histogram without what is above, merged into as many levels as there are codes and
 * spread out again over the bins that were not empty. The candidate with the least sum of
 * P log(P / Q) wins; of equal ones the largest.
 *
 * With counts c of the bins, C and b (counts and bins that are not empty) of a level, kept of
 * all n elements below the candidate, and a = n - kept added to the last bin's c and level's C, the
 * sum is
 *	(sum of c log c  -  sum of C log(C' / b)) / n  +  log(kept / n)
 * where C' is C without a. The first sum is a running one over the bins; so a candidate costs one
 * logarithm a level. There are never more bins than values. A candidate whose last bin is empty has Q = 0 where P is not, that is an
 * infinite sum: only bins that are not empty are tried.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "clip_kl.h"

/*
 * The published method has 2048 bins for 128 levels. Fewer values than that for each level tell
 * little of how they are spread: the sum then measures chance, and clipping would cut it.
 */
#define EACH_LEVEL 16

/* Sums closer than this are equal: the noise of rounding. */
#define EQUAL 1e-12

int xq_kl_init(struct xq_kl *kl, unsigned int room)
{
	*kl = (struct xq_kl){
		.room = room,
		.index = calloc(room, sizeof(*kl->index)),
		.count = calloc(room, sizeof(*kl->count)),
		.before = calloc(room + 1, sizeof(*kl->before)),
		.mass = calloc(room + 1, sizeof(*kl->mass)),
		.entropy = calloc(room + 1, sizeof(*kl->entropy)),
	};
	if (kl->index && kl->count && kl->before && kl->mass && kl->entropy)
		return 0;
	xq_kl_free(kl);
	return -ENOMEM;
}

void xq_kl_free(struct xq_kl *kl)
{
	free(kl->index);
	free(kl->count);
	free(kl->before);
	free(kl->mass);
	free(kl->entropy);
	*kl = (struct xq_kl){ 0 };
}

void xq_kl_begin(struct xq_kl *kl, float min, float max, uint64_t n)
{
	int exponent = 0;

	kl->min = min;
	kl->max = max;
	kl->filled = 0;
	for (kl->bins = kl->room; kl->bins > 1 && kl->bins > n;)
		kl->bins /= 2;
	frexp(fmax(fabs((double)min), fabs((double)max)), &exponent);
	kl->exponent = exponent - __builtin_ctz(kl->bins);
}

void xq_kl_bin(struct xq_kl *kl, unsigned int bin, double count)
{
	if (kl->filled && kl->index[kl->filled - 1] == bin) {
		kl->count[kl->filled - 1] += count;
		return;
	}
	kl->index[kl->filled] = bin;
	kl->count[kl->filled++] = count;
}

void xq_kl_values(struct xq_kl *kl, const struct xq_points *p)
{
	uint64_t filled = 0;
	double inverse;

	for (size_t i = 0; i < p->n; i++)
		filled += p->value[i] != 0;
	xq_kl_begin(kl, p->min, p->max, filled);
	inverse = ldexp(1, -kl->exponent);
	for (unsigned int b = 0; b < kl->bins; b++)
		kl->mass[b] = 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->value[i] != 0)
			kl->mass[(uint32_t)(fabs((double)p->value[i]) * inverse)]++;
	for (unsigned int b = 0; b < kl->bins; b++)
		if (kl->mass[b] > 0)
			xq_kl_bin(kl, b, kl->mass[b]);
}

static double entropy(double count)
{
	return count > 1 ? count * log(count) : 0;
}

/* Running sums over the bins that are not empty, and how many of these are below each bin. */
static void sum_up(struct xq_kl *kl)
{
	unsigned int bin = 0;

	kl->mass[0] = kl->entropy[0] = 0;
	for (unsigned int i = 0; i < kl->filled; i++) {
		kl->mass[i + 1] = kl->mass[i] + kl->count[i];
		kl->entropy[i + 1] = kl->entropy[i] + entropy(kl->count[i]);
		while (bin <= kl->index[i])
			kl->before[bin++] = i;
	}
	while (bin <= kl->bins)
		kl->before[bin++] = kl->filled;
}

/* Bin b has level ((b + 1) levels - 1) / clip: levels begin at floor(level clip / levels). */
static double divergence(const struct xq_kl *kl, unsigned int kept, double levels_exact)
{
	uint64_t clip = kl->index[kept - 1] + 1, levels = (uint64_t)levels_exact;
	double total = kl->mass[kl->filled], inside = kl->mass[kept], above = total - inside;
	double last = kl->count[kept - 1], sum = kl->entropy[kept - 1] + entropy(last + above);

	for (unsigned int from = 0; from < kept;) {
		uint64_t level = ((kl->index[from] + UINT64_C(1)) * levels - 1) / clip;
		uint64_t next = (level + 1) * clip / levels;
		unsigned int to = next >= clip ? kept : kl->before[next];
		double mass = kl->mass[to] - kl->mass[from], spread;

		spread = mass / (to - from);
		mass += to == kept ? above : 0;
		sum -= spread != 1 ? mass * log(spread) : 0;
		from = to;
	}
	return sum / total + (above > 0 ? log(inside / total) : 0);
}

/*
 * What any Q loses: merged into the last level and all the others, P and Q can only come nearer
 * to each other.
 */
static double least_divergence(const struct xq_kl *kl, unsigned int kept, double levels)
{
	uint64_t clip = kl->index[kept - 1] + 1, count = (uint64_t)levels;
	unsigned int from = kl->before[(count - 1) * clip / count];
	double total = kl->mass[kl->filled], inside = kl->mass[kept], level = inside - kl->mass[from];
	double p = (level + total - inside) / total, q = level / inside;

	return (p < 1 ? (1 - p) * log(inside / total) : 0) + p * log(p / q);
}

/* Codes for magnitudes up to a clip: an affine type shares them out between both signs. */
static double levels_of(const struct xq_kl *kl, const struct xq_qtype *type, enum xq_scheme scheme, double clip)
{
	double below = fmin(fmax(-(double)kl->min, 0), clip), above = fmin(fmax((double)kl->max, 0), clip);

	if (scheme == XQ_SYMMETRIC)
		return type->max + 1;
	return floor((type->max - type->min + 1) * clip / (below + above));
}

double xq_kl_clip(struct xq_kl *kl, const struct xq_qtype *type, enum xq_scheme scheme)
{
	double largest = fmax(fabs((double)kl->min), fabs((double)kl->max)), width = ldexp(1, kl->exponent);
	double least = INFINITY, best = largest;

	if (!kl->filled)
		return largest;
	sum_up(kl);
	if (kl->mass[kl->filled] < EACH_LEVEL * levels_of(kl, type, scheme, largest))
		return largest;
	for (unsigned int kept = kl->filled; kept > 0; kept--) {
		double clip = kept == kl->filled ? largest : (kl->index[kept - 1] + 1) * width, loss;
		double levels = levels_of(kl, type, scheme, clip);

		if (kl->index[kept - 1] + 1 < levels)
			break;
		if (kept < kl->filled && least_divergence(kl, kept, levels) > least - EQUAL)
			continue;
		loss = divergence(kl, kept, levels);
		if (loss < least - EQUAL) {
			least = loss;
			best = clip;
		}
		if (least <= EQUAL)
			break;
	}
	return best;
}
