// SPDX-License-Identifier: MIT
/*
 * xq show: what a tensor is and how its values are spread; or what a model is (show_model.c).
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "element.h"
#include "json.h"
#include "model_file.h"
#include "options.h"
#include "show_model.h"

#define BAR_WIDTH	40
#define MAX_BINS	1000
#define SINGLE_VALUES	32	/* integers of so few values get a line for each */

/**
 * struct spread - how the values of a tensor lie
 * @finite: how many are; all that follows is of those
 * @zeros: how many are 0
 * @nan: @infinite: the others
 * @least: @most: indices of the smallest and the largest
 * @mean: @deviation: of the values; of the population, not an estimate
 * @mean_abs: mean magnitude
 * @skewness: @kurtosis: third and fourth central moment over the deviation to that power;
 *	0 and 3 for a normal distribution, NaN where all values are equal
 * @bins: @counts: values in each of so many equal parts of the range
 */
struct spread {
	size_t finite, zeros, nan, infinite, least, most;
	double mean, deviation, mean_abs, skewness, kurtosis;
	size_t bins, *counts;
};

struct show {
	const char *path, *device;
	int64_t bins;
	bool json, has_bins;

	struct tensor t;
	struct spread spread;
};

static int parse(struct show *s, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "bins", 0, OPTION_INT, &s->bins, "N", "lines of the histogram, default 16; 0: none", &s->has_bins },
		{ "device", 0, OPTION_STRING, &s->device, "NAME", "on which a model would run: soft, or a path; default: the first that"
		  " works", NULL },
		{ "json", 0, OPTION_FLAG, &s->json, NULL, "one line of JSON", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), &s->path, 1, 1, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (s->bins < 0 || s->bins > MAX_BINS)
		return usage("--bins must be 0 to %d (%" PRId64 ")", MAX_BINS, s->bins);
	return OPTIONS_DONE;
}

/* ---- moments -------------------------------------------------------------------------------- */

static void first_pass(const struct tensor *t, struct spread *s)
{
	for (size_t i = 0; i < t->count; i++) {
		const double value = element_double(t, i);

		if (isnan(value)) {
			s->nan++;
			continue;
		}
		if (isinf(value)) {
			s->infinite++;
			continue;
		}
		if (!s->finite++)
			s->least = s->most = i;
		s->zeros += !value;
		if (element_order(t, i, t, s->least) < 0)
			s->least = i;
		if (element_order(t, i, t, s->most) > 0)
			s->most = i;
	}
}

/* In units of the largest magnitude, so that powers of huge and of tiny values stay in range. */
static void moments(const struct tensor *t, struct spread *s)
{
	const double unit = fmax(fabs(element_double(t, s->least)), fabs(element_double(t, s->most)));
	double sum = 0, sum_abs = 0, power[5] = { 0 };

	if (!unit) {
		s->skewness = s->kurtosis = NAN;
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		const double value = element_double(t, i) / unit;

		if (!isfinite(value))
			continue;
		sum += value;
		sum_abs += fabs(value);
	}
	sum /= (double)s->finite;
	for (size_t i = 0; i < t->count; i++) {
		const double value = element_double(t, i) / unit - sum;

		if (!isfinite(value))
			continue;
		power[2] += value * value;
		power[3] += value * value * value;
		power[4] += value * value * value * value;
	}
	for (int i = 2; i <= 4; i++)
		power[i] /= (double)s->finite;
	/* One value has no spread, whatever the rounding of its mean leaves. */
	if (!element_order(t, s->least, t, s->most)) {
		power[2] = 0;
		sum = element_double(t, s->least) / unit;
	}
	s->mean = sum * unit;
	s->mean_abs = sum_abs / (double)s->finite * unit;
	s->deviation = sqrt(power[2]) * unit;
	s->skewness = power[2] > 0 ? power[3] / (power[2] * sqrt(power[2])) : NAN;
	s->kurtosis = power[2] > 0 ? power[4] / (power[2] * power[2]) : NAN;
}

/* ---- histogram ------------------------------------------------------------------------------ */

static bool single_values(const struct show *s)
{
	return s->t.kind != 'f' && tensor_fits_int64(&s->t, s->spread.most) &&
	       element_difference(&s->t, s->spread.most, &s->t, s->spread.least) < SINGLE_VALUES;
}

static int histogram(struct show *s)
{
	const struct tensor *t = &s->t;
	struct spread *p = &s->spread;
	const double low = p->finite ? element_double(t, p->least) : 0, high = p->finite ? element_double(t, p->most) : 0;
	/* Halves, because the whole range may be more than a double holds; of the least it is nothing. */
	const double width = high / 2 - low / 2;
	const bool single = !s->has_bins && p->finite && single_values(s);

	p->bins = (size_t)s->bins;
	if (!p->finite)
		p->bins = 0;
	else if (single)
		p->bins = (size_t)element_difference(t, p->most, t, p->least) + 1;
	else if (p->bins && low == high)
		p->bins = 1;
	p->counts = calloc(p->bins + 1, sizeof(*p->counts));
	if (!p->counts)
		return fail("there is not enough memory for %zu bins", p->bins);
	for (size_t i = 0; p->bins && i < t->count; i++) {
		const double value = element_double(t, i);
		const double share = width > 0 ? (value / 2 - low / 2) / width : 0;
		size_t bin;

		if (!isfinite(value))
			continue;
		bin = single ? (size_t)element_difference(t, i, t, p->least) : (size_t)(share * (double)p->bins);
		p->counts[bin < p->bins ? bin : p->bins - 1]++;
	}
	return 0;
}

static double bin_edge(const struct show *s, size_t i)
{
	const double low = element_double(&s->t, s->spread.least), high = element_double(&s->t, s->spread.most);
	const double share = (double)i / (double)s->spread.bins;

	return low * (1 - share) + high * share;
}

static void print_bars(const struct show *s)
{
	const struct spread *p = &s->spread;
	const bool single = !s->has_bins && single_values(s);
	size_t most = 0;

	for (size_t i = 0; i < p->bins; i++)
		most = p->counts[i] > most ? p->counts[i] : most;
	printf("\n");
	for (size_t i = 0; i < p->bins; i++) {
		/* Whatever is there can be seen. */
		const int length = (int)((double)p->counts[i] / (double)most * BAR_WIDTH) + (p->counts[i] > 0);
		char bar[BAR_WIDTH + 2] = "";

		memset(bar, '#', (size_t)(length > BAR_WIDTH ? BAR_WIDTH : length));
		if (single)
			printf("  %5" PRId64 "  %-*s %zu\n", tensor_int(&s->t, p->least) + (int64_t)i, BAR_WIDTH, bar, p->counts[i]);
		else
			printf("  %11.4g to %11.4g  %-*s %zu\n", bin_edge(s, i), bin_edge(s, i + 1), BAR_WIDTH, bar, p->counts[i]);
	}
}

/* ---- output --------------------------------------------------------------------------------- */

static void print_text(const struct show *s)
{
	const struct tensor *t = &s->t;
	const struct spread *p = &s->spread;

	printf("%s: %s %s, %zu element%s, %zu bytes\n", s->path, tensor_type_name(t), tensor_shape(t), t->count,
	       t->count == 1 ? "" : "s", t->count * t->bytes);
	if (p->nan || p->infinite)
		printf("  not finite          %zu NaN, %zu infinite; what follows is of the others\n", p->nan, p->infinite);
	if (!p->finite)
		return;
	printf("  range               %s to %s\n", element_text(t, p->least), element_text(t, p->most));
	printf("  mean                %.6g, of magnitudes %.6g\n", p->mean, p->mean_abs);
	printf("  standard deviation  %.6g\n", p->deviation);
	if (isfinite(p->skewness))
		printf("  skewness            %.4f\n  kurtosis            %.4f (3 if normal)\n", p->skewness, p->kurtosis);
	printf("  zeros               %zu (%.2f %%)\n", p->zeros, 100 * (double)p->zeros / (double)p->finite);
	if (p->bins)
		print_bars(s);
}

static void print_member(const char *name, double value, bool known)
{
	printf("\"%s\": ", name);
	json_number(known ? value : NAN);
	printf(", ");
}

/* Integers as they are. */
static void print_element(const char *name, const struct tensor *t, size_t i, bool known)
{
	if (known && t->kind != 'f')
		printf("\"%s\": %s, ", name, element_text(t, i));
	else
		print_member(name, known ? element_double(t, i) : NAN, known);
}

static void print_json(const struct show *s)
{
	const struct spread *p = &s->spread;
	const bool known = p->finite;

	printf("{\"file\": ");
	json_string(s->path);
	printf(", \"type\": \"%s\", \"shape\": ", tensor_type_name(&s->t));
	json_sizes(s->t.dim, s->t.ndim);
	printf(", \"elements\": %zu, \"bytes\": %zu, \"nan\": %zu, \"infinite\": %zu, \"zeros\": %zu, ", s->t.count,
	       s->t.count * s->t.bytes, p->nan, p->infinite, p->zeros);
	print_element("min", &s->t, p->least, known);
	print_element("max", &s->t, p->most, known);
	print_member("mean", p->mean, known);
	print_member("mean_abs", p->mean_abs, known);
	print_member("standard_deviation", p->deviation, known);
	print_member("skewness", p->skewness, known);
	print_member("kurtosis", p->kurtosis, known);
	printf("\"histogram\": ");
	json_sizes(p->counts, p->bins);
	printf("}\n");
}

int cmd_show(int argc, char **argv)
{
	struct show s = { .bins = 16 };
	int status = parse(&s, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	if (model_file_is(s.path))
		return show_model(s.path, s.device, s.json);
	status = argument_mapped(s.path, &s.t);
	if (!status) {
		first_pass(&s.t, &s.spread);
		if (s.spread.finite)
			moments(&s.t, &s.spread);
		status = histogram(&s);
	}
	if (!status)
		(s.json ? print_json : print_text)(&s);
	free(s.spread.counts);
	tensor_free(&s.t);
	return status;
}
