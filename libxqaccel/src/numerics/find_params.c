// SPDX-License-Identifier: MIT
/* Parameters of a tensor from its own values. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/calibrate.h>

#include "clip_analytic.h"
#include "clip_kl.h"
#include "clip_percentile.h"
#include "layout.h"
#include "points.h"
#include "quantize_kernels.h"
#include "stats.h"

/* Channels with fewer contiguous elements than this are visited row by row. */
#define SHORT_RUN 32

/* Elements before the first that is not finite; only a cell without steps is checked. */
static size_t range_of_cell(const struct xq_quantize_kernels *kernels, const float *x,
			    const struct xq_cell *cell, float range[2])
{
	range[0] = INFINITY;
	range[1] = -INFINITY;
	for (size_t r = 0; r < cell->runs; r++) {
		const float *run = x + cell->start + r * cell->stride;

		if (cell->step == 1) {
			size_t good = kernels->range(run, cell->run, range);

			if (good < cell->run)
				return good;
			continue;
		}
		for (size_t e = 0; e < cell->run; e++) {
			float v = run[e * cell->step];

			range[0] = v < range[0] ? v : range[0];
			range[1] = v > range[1] ? v : range[1];
		}
	}
	/* An empty cell has the range of a row of zeros. */
	if (range[0] > range[1])
		range[0] = range[1] = 0;
	return cell->run;
}

/* Channels whose elements are far apart: all of them in one pass over the tensor. */
static int ranges_of_rows(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
			  enum xq_scheme scheme, float *scale, int32_t *zero_point)
{
	size_t channels = layout->axis;
	float *low = calloc(channels, sizeof(*low)), *high = calloc(channels, sizeof(*high));
	int err = !low || !high ? -ENOMEM : 0;

	for (size_t c = 0; c < channels && !err && layout->outer; c++)
		low[c] = high[c] = x[c * layout->inner];
	for (size_t o = 0; o < layout->outer && !err; o++) {
		for (size_t c = 0; c < channels; c++) {
			for (size_t i = 0; i < layout->inner; i++) {
				float v = *x++;

				low[c] = v < low[c] ? v : low[c];
				high[c] = v > high[c] ? v : high[c];
			}
		}
	}
	for (size_t c = 0; c < channels && !err; c++)
		err = xq_range_params(low[c], high[c], type, scheme, &scale[c],
				      zero_point ? &zero_point[c] : NULL);
	free(low);
	free(high);
	return err;
}

/* What the search for one range after the other needs. */
struct finder {
	const struct xq_calibration *how;
	const struct xq_qtype *type;
	enum xq_scheme scheme;
	float *copy;
	size_t room;
	struct xq_kl kl;
};

static int finder_init(struct finder *f)
{
	return f->how->method == XQ_CAL_KL ? xq_kl_init(&f->kl, f->how->bins ? f->how->bins : XQ_DEFAULT_BINS) : 0;
}

static void finder_free(struct finder *f)
{
	free(f->copy);
	xq_kl_free(&f->kl);
}

static int range_of_points(struct finder *f, const struct xq_points *p, float range[2])
{
	enum xq_calibrate method = f->how->method;
	double from = 0, to = 0;
	float low, high;
	int err = 0;

	xq_clamp_range(p->min, p->max, f->scheme, (double)p->min, (double)p->max, &range[0], &range[1]);
	switch (method) {
	case XQ_CAL_MSE:
		return xq_points_best_range(p, f->type, f->scheme, &range[0], &range[1]);
	case XQ_CAL_PERCENTILE:
		err = xq_percentile_of_points(p, xq_calibration_percentile(f->how), f->scheme, &from, &to);
		break;
	case XQ_CAL_KL:
		xq_kl_values(&f->kl, p);
		to = xq_kl_clip(&f->kl, f->type, f->scheme);
		from = -to;
		break;
	case XQ_CAL_LAPLACE:
	case XQ_CAL_GAUSS:
		xq_analytic_of_points(p, method, f->type, f->scheme, &from, &to);
		break;
	default:
		/* One batch: its own smallest and largest value. */
		return 0;
	}
	if (err)
		return err;
	xq_clamp_range(p->min, p->max, f->scheme, from, to, &low, &high);
	/* A distribution that was assumed wrongly must not cost more than no assumption. */
	if ((method == XQ_CAL_LAPLACE || method == XQ_CAL_GAUSS) &&
	    !(xq_points_error(p, f->type, f->scheme, low, high) <
	      xq_points_error(p, f->type, f->scheme, range[0], range[1])))
		return 0;
	range[0] = low;
	range[1] = high;
	return 0;
}

static int calibrated_range(struct finder *f, const float *x, const struct xq_cell *cell, float range[2])
{
	struct xq_points points;
	int err = xq_points_of_cell(x, cell, &f->copy, &f->room, &points);

	range[0] = range[1] = 0;
	if (err || !points.n || (points.min == 0 && points.max == 0))
		return err;
	return range_of_points(f, &points, range);
}

int xq_find_params(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		   enum xq_scheme scheme, const struct xq_calibration *how, float *scale,
		   int32_t *zero_point, struct xq_fault *fault)
{
	const struct xq_quantize_kernels *kernels = xq_quantize_kernels_best();
	struct finder finder = { .how = how, .type = type, .scheme = scheme };
	size_t n, bad, params;
	int err = 0;

	if (!xq_layout_valid(layout) || !xq_qtype_valid(type) || (how && !xq_calibration_valid(how)) ||
	    scheme > XQ_AFFINE)
		return -EINVAL;
	n = xq_layout_elements(layout);
	params = xq_layout_params(layout);
	if ((n && !x) || (params && (!scale || (scheme == XQ_AFFINE && !zero_point))))
		return -EINVAL;
	/* A whole tensor's range finds it on its own way. */
	bad = layout->per != XQ_PER_TENSOR || how ? xq_first_not_finite(x, n) : n;
	if (bad == n && n && layout->per == XQ_PER_CHANNEL && layout->inner < SHORT_RUN &&
	    (!how || how->method == XQ_CAL_MINMAX))
		return ranges_of_rows(x, layout, type, scheme, scale, zero_point);
	if (how)
		err = finder_init(&finder);
	for (size_t p = 0; p < params && !err && bad == n; p++) {
		struct xq_cell cell = xq_layout_cell(layout, p);
		float range[2];

		if (how && how->method != XQ_CAL_MINMAX)
			err = calibrated_range(&finder, x, &cell, range);
		else if (layout->per == XQ_PER_TENSOR)
			bad = range_of_cell(kernels, x, &cell, range);
		else
			range_of_cell(kernels, x, &cell, range);
		if (!err && bad == n)
			err = xq_range_params(range[0], range[1], type, scheme, &scale[p],
					      zero_point ? &zero_point[p] : NULL);
	}
	finder_free(&finder);
	if (bad < n)
		return xq_fault_set(fault, XQ_FAULT_INPUT, bad, x[bad], -EDOM);
	return err;
}

int xq_quantize_found(const float *x, const struct xq_layout *layout, const struct xq_qtype *type,
		      enum xq_scheme scheme, const struct xq_calibration *how,
		      const struct xq_rounding *rounding, void *q, float *scale,
		      int32_t *zero_point, struct xq_fault *fault)
{
	struct xq_qtype used;
	int err = xq_find_params(x, layout, type, scheme, how, scale, zero_point, fault);

	if (err)
		return err;
	used = scheme == XQ_SYMMETRIC ? xq_qtype_symmetric(type) : *type;
	return xq_quantize(x, layout, &used, scale, scheme == XQ_SYMMETRIC ? NULL : zero_point,
			   rounding, q, fault);
}
