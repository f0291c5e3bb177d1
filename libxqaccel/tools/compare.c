// SPDX-License-Identifier: MIT
/*
 * xq compare: two tensors element by element, with cmp's exit statuses.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "element.h"
#include "json.h"
#include "options.h"
#include "output.h"

#define EXIT_SAME	0
#define EXIT_DIFFERENT	1
#define EXIT_TROUBLE	2

/**
 * struct comparison - of two tensors of one shape
 * @differing: elements that differ by more than the tolerance
 * @first: the first of them
 * @one_finite: elements of which only one is finite, or that are infinite otherwise; they
 *	differ, whatever the tolerance, and take no part in what follows
 * @largest: greatest difference, and @where
 * @sum: of the differences' magnitudes
 * @unit: greatest finite magnitude in A, so that squares stay in range
 * @noise: @signal: sums of squares of the differences and of A, in that unit
 */
struct comparison {
	size_t differing, first, one_finite, measured, where;
	double largest, sum, unit, noise, signal;
};

struct compare {
	const char *path[2];
	double tolerance, relative;
	bool json, quiet;

	struct tensor a, b;
	struct comparison c;
};

static int parse(struct compare *c, int argc, char **argv)
{
	const struct option_spec specs[] = {
		{ "tolerance", 0, OPTION_DOUBLE, &c->tolerance, "T", "elements are equal up to T + R |b|, default T 0", NULL },
		{ "relative", 0, OPTION_DOUBLE, &c->relative, "R", "default R 0", NULL },
		{ "quiet", 'q', OPTION_FLAG, &c->quiet, NULL, "print nothing; the exit status tells", NULL },
		{ "json", 0, OPTION_FLAG, &c->json, NULL, "one line of JSON", NULL },
	};
	const int status = options_parse(argc, argv, specs, sizeof(specs) / sizeof(specs[0]), c->path, 2, 2, NULL);

	if (status != OPTIONS_DONE)
		return status;
	if (c->tolerance < 0)
		return usage("--tolerance must not be negative (%g)", c->tolerance);
	if (c->relative < 0)
		return usage("--relative must not be negative (%g)", c->relative);
	if (c->quiet && c->json)
		return usage("--quiet does not go with --json");
	return OPTIONS_DONE;
}

static bool same_shape(const struct tensor *a, const struct tensor *b)
{
	return a->ndim == b->ndim && !memcmp(a->dim, b->dim, a->ndim * sizeof(*a->dim));
}

static double greatest_magnitude(const struct tensor *t)
{
	double greatest = 0;

	for (size_t i = 0; i < t->count; i++) {
		const double value = fabs(element_double(t, i));

		if (isfinite(value) && value > greatest)
			greatest = value;
	}
	return greatest > 0 ? greatest : 1;
}

static void differ(struct comparison *c, size_t i)
{
	if (!c->differing++)
		c->first = i;
}

static void compare_element(struct compare *z, size_t i)
{
	const double a = element_double(&z->a, i), b = element_double(&z->b, i);
	struct comparison *c = &z->c;
	double difference;

	if (!isfinite(a) || !isfinite(b)) {
		if ((isnan(a) && isnan(b)) || a == b)
			return;
		c->one_finite++;
		differ(c, i);
		return;
	}
	difference = fabs(element_difference(&z->a, i, &z->b, i));
	if (difference > z->tolerance + z->relative * fabs(b) ||
	    (!difference && !z->tolerance && !z->relative && element_order(&z->a, i, &z->b, i)))
		differ(c, i);
	if (!c->measured++ || difference > c->largest) {
		c->largest = difference;
		c->where = i;
	}
	c->sum += difference;
	c->noise += difference / c->unit * (difference / c->unit);
	c->signal += a / c->unit * (a / c->unit);
}

/* ---- output --------------------------------------------------------------------------------- */

/* 10 log10(sum a^2 / sum (a - b)^2); infinite if nothing is lost. */
static double signal_to_noise(const struct comparison *c)
{
	return 10 * log10(c->signal / c->noise);
}

/* ||a - b|| / ||a|| */
static double relative_error(const struct comparison *c)
{
	return c->noise > 0 ? sqrt(c->noise / c->signal) : 0;
}

static void print_text(const struct compare *z)
{
	const struct comparison *c = &z->c;
	const bool types = strcmp(tensor_type_name(&z->a), tensor_type_name(&z->b));
	const char *within = z->tolerance || z->relative ? " by more than the tolerance" : "";

	if (types)
		printf("%s is %s, %s is %s\n", z->path[0], tensor_type_name(&z->a), z->path[1], tensor_type_name(&z->b));
	if (!c->differing && !(c->largest > 0)) {
		printf("equal: all %zu elements of %s\n", z->a.count, tensor_shape(&z->a));
		return;
	}
	printf("%zu of %zu elements of %s differ%s%s (%.4g %%)\n", c->differing, z->a.count, tensor_shape(&z->a),
	       c->differing == 1 ? "s" : "", within, 100 * (double)c->differing / (double)z->a.count);
	if (c->differing)
		printf("  first               %s: %s and %s\n", element_place(&z->a, c->first),
		       element_text(&z->a, c->first), element_text(&z->b, c->first));
	if (c->one_finite)
		printf("  not finite          %zu elements of one or the other; what follows is without them\n", c->one_finite);
	if (!c->measured)
		return;
	printf("  largest difference  %.6g at %s\n", c->largest, element_place(&z->a, c->where));
	printf("  mean difference     %.6g\n", c->sum / (double)c->measured);
	printf("  relative error      %.6g (signal to noise %.2f dB)\n", relative_error(c), signal_to_noise(c));
}

static void print_place(const char *name, const struct tensor *t, size_t i, bool known)
{
	size_t place[TENSOR_MAX_DIMS];

	printf("\"%s\": ", name);
	if (known) {
		element_indices(t, i, place);
		json_sizes(place, t->ndim);
	} else {
		printf("null");
	}
	printf(", ");
}

static void print_member(const char *name, double value, const char *after)
{
	printf("\"%s\": ", name);
	json_number(value);
	printf("%s", after);
}

static void print_json(const struct compare *z)
{
	const struct comparison *c = &z->c;
	const bool shape = same_shape(&z->a, &z->b);

	printf("{\"equal\": %s, \"types\": [\"%s\", \"%s\"], \"shapes\": [", shape && !c->differing ? "true" : "false",
	       tensor_type_name(&z->a), tensor_type_name(&z->b));
	json_sizes(z->a.dim, z->a.ndim);
	printf(", ");
	json_sizes(z->b.dim, z->b.ndim);
	printf("]");
	if (shape) {
		printf(", \"elements\": %zu, \"differing\": %zu, \"not_finite\": %zu, ", z->a.count, c->differing, c->one_finite);
		print_place("first", &z->a, c->first, c->differing);
		print_place("largest_at", &z->a, c->where, c->measured);
		print_member("largest", c->measured ? c->largest : NAN, ", ");
		print_member("mean", c->measured ? c->sum / (double)c->measured : NAN, ", ");
		print_member("relative", relative_error(c), ", ");
		print_member("snr_db", signal_to_noise(c), "");
	}
	printf("}\n");
}

static int compare(struct compare *z)
{
	const bool shape = same_shape(&z->a, &z->b);

	z->c.unit = greatest_magnitude(&z->a);
	for (size_t i = 0; shape && i < z->a.count; i++)
		compare_element(z, i);
	if (z->json)
		print_json(z);
	else if (!z->quiet && shape)
		print_text(z);
	else if (!z->quiet)
		printf("the shapes differ: %s is %s, %s is %s\n", z->path[0], tensor_shape(&z->a), z->path[1],
		       tensor_shape(&z->b));
	return shape && !z->c.differing ? EXIT_SAME : EXIT_DIFFERENT;
}

int cmd_compare(int argc, char **argv)
{
	struct compare z = { 0 };
	int status = parse(&z, argc, argv);

	if (status != OPTIONS_DONE)
		return status;
	if (argument_mapped(z.path[0], &z.a) || argument_mapped(z.path[1], &z.b))
		status = EXIT_TROUBLE;
	else
		status = compare(&z);
	/* 1 is an answer here, so what went wrong must not end with it. */
	if (output_flush())
		status = EXIT_TROUBLE;
	tensor_free(&z.a);
	tensor_free(&z.b);
	return status;
}
