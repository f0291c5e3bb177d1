// SPDX-License-Identifier: MIT
/* The calibration observer: statistics of each channel and the questions one may ask of them. */
#include <errno.h>
#include <stdlib.h>

#include "observer.h"
#include "quantize_kernels.h"
#include "stats.h"

/**
 * struct xq_observer - what was seen of some channels
 * @guarded: ranges are min-max unless the method's certainly have less squared error
 */
struct xq_observer {
	struct xq_calibration how;
	bool guarded;
	size_t channels;
	struct xq_stats *stats;
};

static int create(const struct xq_calibration *how, bool guarded, size_t channels, struct xq_observer **out)
{
	struct xq_observer *o;
	unsigned int bins = 0;
	int err = 0;

	if (!out || !xq_calibration_valid(how) || !channels)
		return -EINVAL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->how = *how;
	o->guarded = guarded;
	o->stats = calloc(channels, sizeof(*o->stats));
	if (!o->stats)
		err = -ENOMEM;
	if (guarded || xq_calibration_needs_histogram(how))
		bins = how->bins ? how->bins : XQ_DEFAULT_BINS;
	while (!err && o->channels < channels) {
		err = xq_stats_init(&o->stats[o->channels], bins);
		if (!err)
			o->channels++;
	}
	if (err) {
		xq_observer_free(o);
		return err;
	}
	*out = o;
	return 0;
}

int xq_observer_create(const struct xq_calibration *how, size_t channels, struct xq_observer **out)
{
	return create(how, false, channels, out);
}

int xq_observer_create_guarded(const struct xq_calibration *how, size_t channels, struct xq_observer **out)
{
	return create(how, how && how->method != XQ_CAL_MINMAX, channels, out);
}

void xq_observer_free(struct xq_observer *observer)
{
	if (!observer)
		return;
	for (size_t c = 0; c < observer->channels; c++)
		xq_stats_free(&observer->stats[c]);
	free(observer->stats);
	free(observer);
}

int xq_observer_feed(struct xq_observer *observer, const float *x, const struct xq_layout *layout,
		     struct xq_fault *fault)
{
	size_t n, bad;

	if (!observer || !xq_layout_valid(layout) || layout->per == XQ_PER_BLOCK ||
	    xq_layout_params(layout) != observer->channels)
		return -EINVAL;
	n = xq_layout_elements(layout);
	if (!n)
		return 0;
	if (!x)
		return -EINVAL;
	bad = xq_first_not_finite(x, n);
	if (bad < n)
		return xq_fault_set(fault, XQ_FAULT_INPUT, bad, x[bad], -EDOM);
	for (size_t c = 0; c < observer->channels; c++) {
		struct xq_cell cell = xq_layout_cell(layout, c);

		xq_stats_feed(&observer->stats[c], &observer->how, x, &cell);
	}
	return 0;
}

int xq_observer_range(const struct xq_observer *observer, size_t channel,
		      const struct xq_qtype *type, enum xq_scheme scheme, float *low, float *high)
{
	if (!observer || channel >= observer->channels || !xq_qtype_valid(type) || !low || !high)
		return -EINVAL;
	return xq_stats_range(&observer->stats[channel], &observer->how, observer->guarded, type, scheme, low, high);
}

int xq_observer_params(const struct xq_observer *observer, const struct xq_qtype *type,
		       enum xq_scheme scheme, float *scale, int32_t *zero_point)
{
	int err = 0;

	if (!observer || !scale)
		return -EINVAL;
	for (size_t c = 0; c < observer->channels && !err; c++) {
		float low, high;

		err = xq_observer_range(observer, c, type, scheme, &low, &high);
		if (!err)
			err = xq_range_params(low, high, type, scheme, &scale[c],
					      zero_point ? &zero_point[c] : NULL);
	}
	return err;
}
