// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codebook_values.h"
#include "command.h"
#include "json.h"
#include "quantize.h"

int quantize_back(const struct quantize *z, float *x)
{
	struct xq_fault fault = { 0 };
	int err;

	if (z->table.data)
		return codebook_values(&z->q, &z->table, z->scales.data, &z->cut.layout, x);
	err = xq_dequantize(z->q.data, &z->cut.layout, &z->type, z->scales.data, z->zps.data, x, &fault);
	return err ? quantize_fail(err, &fault) : 0;
}

static void member(const char *key, double value)
{
	printf("\"%s\": ", key);
	json_number(value);
	printf(", ");
}

static void print_json(const struct xq_error *e, const struct xq_storage *s)
{
	printf("{\"elements\": %zu, ", e->elements);
	member("mean_abs", e->mean_abs);
	member("max_abs", e->max_abs);
	member("mean_squared", e->mean_squared);
	member("mean_relative", e->mean_relative);
	member("relative", e->norm_relative);
	member("snr_db", e->snr_db);
	member("bits_per_element", s->bits_per_element);
	member("ratio", s->ratio);
	printf("\"bytes\": %" PRIu64 "}\n", s->bytes);
}

static void print_text(const struct xq_error *e, const struct xq_storage *s)
{
	printf("mean absolute error  %.6g (at most %.6g)\n", e->mean_abs, e->max_abs);
	printf("mean squared error   %.6g\n", e->mean_squared);
	printf("relative error       %.6g (mean of elements %.6g, signal to noise %.2f dB)\n", e->norm_relative,
	       e->mean_relative, e->snr_db);
	printf("bits an element      %.4f (%" PRIu64 " bytes, %.2f times smaller than float32)\n",
	       s->bits_per_element, s->bytes, s->ratio);
}

int quantize_report(const struct quantize *z)
{
	float *back = malloc(z->x.count * sizeof(*back) + 1);
	struct xq_error error = { 0 };
	int status;

	if (!back)
		return fail("not enough memory");
	status = quantize_back(z, back);
	if (!status && xq_error_measure(z->x.data, back, z->x.count, &error))
		status = fail("cannot measure the error");
	free(back);
	if (status)
		return status;
	if (z->json)
		print_json(&error, &z->storage);
	else
		print_text(&error, &z->storage);
	return 0;
}
