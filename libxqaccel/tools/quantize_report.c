// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codebook_values.h"
#include "command.h"
#include "json.h"
#include "output.h"
#include "progress.h"
#include "quantize.h"

/* The codes back to floats. */
static int decode(const struct quantize *z, float *x)
{
	struct xq_fault fault = { 0 };
	int err;

	if (z->table.data)
		/* Tables may be many, the scale is one. */
		return codebook_values(&z->q, &z->table, &z->scales, &(struct layout_piece){
			.layout = { .per = XQ_PER_TENSOR, .outer = 1, .axis = 1, .inner = z->q.count,
				    .block = 1 },
			.elements = z->q.count }, x);
	err = xq_dequantize(z->q.data, &z->cut.layout, &z->type, z->scales.data, z->zps.data, x, &fault);
	return err ? quantize_fail(err, &fault) : 0;
}

static void member(FILE *to, const char *key, double value)
{
	fprintf(to, "\"%s\": %s, ", key, json_number_text(value));
}

static void print_json(FILE *to, const struct xq_error *e, const struct xq_storage *s)
{
	fprintf(to, "{\"elements\": %zu, ", e->elements);
	member(to, "mean_abs", e->mean_abs);
	member(to, "max_abs", e->max_abs);
	member(to, "mean_squared", e->mean_squared);
	member(to, "mean_relative", e->mean_relative);
	member(to, "relative", e->norm_relative);
	member(to, "snr_db", e->snr_db);
	member(to, "bits_per_element", s->bits_per_element);
	member(to, "ratio", s->ratio);
	fprintf(to, "\"bytes\": %" PRIu64 "}\n", s->bytes);
}

static void print_text(FILE *to, const struct xq_error *e, const struct xq_storage *s)
{
	fprintf(to, "mean absolute error  %.6g (at most %.6g)\n", e->mean_abs, e->max_abs);
	fprintf(to, "mean squared error   %.6g\n", e->mean_squared);
	fprintf(to, "relative error       %.6g (mean of elements %.6g, signal to noise %.2f dB)\n", e->norm_relative,
	       e->mean_relative, e->snr_db);
	fprintf(to, "bits an element      %.4f (%" PRIu64 " bytes, %.2f times smaller than float32)\n",
	       s->bits_per_element, s->bytes, s->ratio);
}

int quantize_report(const struct quantize *z)
{
	struct xq_error error = { 0 };
	FILE *to = output_report();
	struct tensor back;
	int status;

	if (quantize_alloc(NULL, &back, 'f', 4, z->x.ndim, z->x.dim))
		return EXIT_ERROR;
	progress_start("measuring", NULL, 0);
	status = decode(z, back.data);
	if (!status && xq_error_measure(z->x.data, back.data, z->x.count, &error))
		status = fail("cannot measure the error");
	progress_stop();
	tensor_free(&back);
	if (status)
		return status;
	if (z->json)
		print_json(to, &error, &z->storage);
	else
		print_text(to, &error, &z->storage);
	return 0;
}
