// SPDX-License-Identifier: MIT
/*
 * The range with the least squared error, by search.
 *
 * A scale S and a zero point Z give the codes c = q - Z from low <= 0 to high >= 0, and each value
 * costs (x - c S)^2. As a function of S that is a parabola wherever no code changes, so each
 * scale that is tried also yields the best one for its codes, S + slope / curve (see struct
 * xq_span_error), and the few most promising of these are followed until they stay.
 *
 * Scales are tried from somewhat above the one that just holds all values down to where clipping
 * alone costs more than the best found. The clipped part of the error only grows on that way, so
 * nothing better is missed below. Above, an evenly spaced set of values may meet its own spacing.
 */
#include <errno.h>
#include <float.h>
#include <math.h>

#include "points.h"
#include "round.h"

/* Candidates that are followed at the end. */
#define KEPT 4

/* Most steps of following one of them. */
#define FOLLOWED 12

/* Values times scales that a search may try: many scales for few values, and at least some. */
#define EFFORT 400000
#define LEAST_TRIES 48
#define MOST_TRIES 400

/* The longest step down while looking closely; then the factor, and where the search ends. */
#define COARSE 0.03
#define LARGE_STEP 0.8
#define TINY 0x1p-40

/*
 * The search begins above the scale that just holds all values. With twice that scale all codes
 * are even ones of the scale itself. With more levels than a few the last codes' worth must do.
 */
#define ABOVE 2
#define FEW_LEVELS 15
#define CODES_ABOVE 4

/* An affine search of at most this many points tries every zero point that may be of use. */
#define FEW 256

struct candidate {
	float scale;
	int32_t zero_point;
	double error;
};

struct search {
	const struct xq_points *points;
	xq_error_span cost;
	struct xq_qtype type;	/* the codes that are used */
	struct candidate best;
	struct candidate kept[KEPT];	/* with the error of the fitted scale, in rising order */
};

static void keep(struct search *s, struct candidate c)
{
	int at = KEPT;

	while (at > 0 && c.error < s->kept[at - 1].error)
		at--;
	if (at == KEPT)
		return;
	for (int i = KEPT - 1; i > at; i--)
		s->kept[i] = s->kept[i - 1];
	s->kept[at] = c;
}

/* Returns the clipped part of the error. */
static double try_scale(struct search *s, float scale, int32_t zero_point, struct candidate *fitted)
{
	struct candidate c = { scale, zero_point, INFINITY }, f = c;
	struct xq_span_error e;

	if (!(scale > 0) || !xq_is_finite(scale))
		return INFINITY;
	s->cost(s->points->value, s->points->weight, s->points->n, scale, s->type.min - zero_point,
		s->type.max - zero_point, &e);
	c.error = e.error;
	if (c.error < s->best.error)
		s->best = c;
	if (e.curve > 0 && isfinite(e.error)) {
		f.scale = (float)((double)scale + e.slope / e.curve);
		f.error = e.error - e.slope * e.slope / e.curve;
	}
	if (fitted)
		*fitted = f;
	else
		keep(s, f);
	return e.clipped;
}

/* The least scale with which no value is clipped. */
static double whole_scale(const struct search *s, int32_t zero_point)
{
	double above = s->type.max - zero_point, below = zero_point - s->type.min, scale = 0;

	if (above > 0)
		scale = fmax(scale, (double)s->points->max / above);
	if (below > 0)
		scale = fmax(scale, -(double)s->points->min / below);
	return scale;
}

static int tries(const struct search *s)
{
	return (int)fmin(fmax(EFFORT / ((double)s->points->n + 1), LEAST_TRIES), MOST_TRIES);
}

/*
 * Scales for one zero point, from down to where it can't get better. Steps are an eighth of a
 * code's worth, or what the number of tries allows. False: not even the first can get better.
 */
static bool scan(struct search *s, int32_t zero_point, double from, int count)
{
	double codes = fmax(s->type.max - zero_point, zero_point - s->type.min);
	double step = 1 / (8 * codes), whole = whole_scale(s, zero_point), least, scale;

	if (whole <= 0)
		return false;
	from = fmin(from, whole * (1 + count / 4 * step));
	/* The largest magnitude alone must not cost more than the best found. */
	least = fmax(whole - sqrt(s->best.error) / codes, whole / 1024);
	step = fmax(step, fmin(log(from / least) / count, COARSE));
	scale = from;
	for (int i = 0; i < count; i++, scale *= 1 - step)
		if (try_scale(s, (float)scale, zero_point, NULL) > s->best.error)
			return i > 0;
	/* A body that is tiny beside what is clipped: large steps until the end. */
	for (; scale > whole * TINY; scale *= LARGE_STEP)
		if (try_scale(s, (float)scale, zero_point, NULL) > s->best.error)
			break;
	return true;
}

static void follow(struct search *s)
{
	for (int i = 0; i < KEPT; i++) {
		struct candidate at = s->kept[i];

		for (int step = 0; step < FOLLOWED && isfinite(at.error); step++) {
			float scale = at.scale;

			try_scale(s, scale, at.zero_point, &at);
			if (at.scale == scale)
				break;
		}
	}
}

/* Around the best: smaller and smaller steps of the scale, and other zero points if there are any. */
static void refine(struct search *s, int zero_points)
{
	static const double steps[] = { 0.03, 0.007, 0.0016 };

	for (size_t round = 0; round < sizeof(steps) / sizeof(steps[0]); round++) {
		struct candidate centre = s->best;

		for (int z = -zero_points; z <= zero_points; z++) {
			int32_t zero_point = centre.zero_point + z;

			if (zero_point < s->type.min || zero_point > s->type.max)
				continue;
			for (int i = -4; i <= 4; i++)
				if (i || z)
					try_scale(s, (float)((double)centre.scale * (1 + i * steps[round])),
						  zero_point, NULL);
		}
	}
}

/* Every zero point beside the first until clipping alone costs too much, to both sides. */
static void all_zero_points(struct search *s, int32_t first)
{
	double levels = s->type.max - s->type.min;
	double from = whole_scale(s, first) * (levels <= FEW_LEVELS ? ABOVE : 1 + CODES_ABOVE / levels);

	scan(s, first, from, tries(s) / 2);
	for (int side = -1; side <= 1; side += 2)
		for (int32_t z = first + side; z >= s->type.min && z <= s->type.max; z += side)
			if (!scan(s, z, from, tries(s) / 4))
				break;
}

static void try_range(struct search *s, double low, double high, double *clipped)
{
	double levels = s->type.max - s->type.min, scale = (high - low) / levels;
	double zero_point = fmin(fmax(rint(s->type.min - low / scale), s->type.min), s->type.max);

	*clipped = try_scale(s, (float)scale, (int32_t)zero_point, NULL);
}

/* Moves one end or both inwards until clipping alone costs too much; returns the best place. */
static void move_ends(struct search *s, double *low, double *high, bool move_low, bool move_high)
{
	double share = 1, best_share = 1, clipped = 0;
	int count = 0;

	while (share > TINY) {
		double before = s->best.error;

		try_range(s, move_low ? *low * share : *low, move_high ? *high * share : *high, &clipped);
		if (s->best.error < before)
			best_share = share;
		if (clipped > s->best.error)
			break;
		share *= count++ < LEAST_TRIES ? 1 - COARSE : LARGE_STEP;
	}
	*low *= move_low ? best_share : 1;
	*high *= move_high ? best_share : 1;
}

static void both_ends(struct search *s, float from, float to)
{
	double low = from, high = to;

	move_ends(s, &low, &high, true, true);
	move_ends(s, &low, &high, false, true);
	move_ends(s, &low, &high, true, false);
	low = from;
	high = to;
	move_ends(s, &low, &high, false, true);
	move_ends(s, &low, &high, true, false);
}

static struct search begin(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme)
{
	struct search s = {
		.points = p,
		.cost = xq_quantize_kernels_best()->error,
		.type = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(type) : *type,
		.best = { .error = INFINITY },
	};

	for (int i = 0; i < KEPT; i++)
		s.kept[i] = (struct candidate){ .error = INFINITY };
	return s;
}

double xq_points_error(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme,
		       float low, float high)
{
	struct search s = begin(p, type, scheme);
	int32_t zero_point = 0;
	float scale;

	if (xq_range_params(low, high, type, scheme, &scale, &zero_point))
		return INFINITY;
	try_scale(&s, scale, zero_point, NULL);
	return s.best.error;
}

/* The range that xq_range_params() makes the same parameters of. */
static void range_of(const struct candidate *c, const struct xq_qtype *type, enum xq_scheme scheme,
		     float *low, float *high)
{
	double to = (double)c->scale * (type->max - c->zero_point), from;

	*high = (float)fmin(to, FLT_MAX);
	from = (double)c->scale * (type->min - c->zero_point);
	*low = scheme == XQ_SYMMETRIC ? -*high : (float)fmax(from, -FLT_MAX) + 0.0f;
}

static void search_range(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme,
			 float *low, float *high)
{
	struct search s = begin(p, type, scheme);
	float from = *low, to = *high, scale;
	int32_t zero_point = 0;

	if (xq_range_params(from, to, type, scheme, &scale, &zero_point))
		return;
	try_scale(&s, scale, zero_point, NULL);
	if (s.best.error == 0)
		return;
	if (scheme == XQ_SYMMETRIC)
		scan(&s, 0, whole_scale(&s, 0) * ABOVE, tries(&s));
	else if (p->n <= FEW)
		all_zero_points(&s, zero_point);
	else
		both_ends(&s, from, to);
	refine(&s, scheme == XQ_SYMMETRIC || p->n <= FEW ? 0 : 2);
	follow(&s);
	range_of(&s.best, &s.type, scheme, low, high);
}

int xq_points_best_range(const struct xq_points *p, const struct xq_qtype *type, enum xq_scheme scheme,
			 float *low, float *high)
{
	float from = *low, to = *high;
	struct xq_points gathered;
	int err = 0;

	if (p->n > XQ_POINTS_MANY && !p->weight) {
		err = xq_points_gather(p, &gathered);
		if (!err) {
			search_range(&gathered, type, scheme, low, high);
			xq_points_free(&gathered);
		}
	} else {
		search_range(p, type, scheme, low, high);
	}
	if (!err && !(xq_points_error(p, type, scheme, *low, *high) < xq_points_error(p, type, scheme, from, to))) {
		*low = from;
		*high = to;
	}
	return err;
}
