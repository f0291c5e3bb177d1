// SPDX-License-Identifier: MIT
/* Tables: terminal, Markdown, CSV. */
#include <stdio.h>

#include "report.h"

void lab_print_header(const struct lab_result *r)
{
	printf("\n%s: float %.2f %%, %zu weights, %zu bytes\n", r->title, r->float_accuracy,
	       r->weights, r->float_bytes);
	printf("%4s  %-28s %8s %9s %6s %8s %8s %8s\n", "bits", "scheme", "bits/w", "bytes", "ratio",
	       "SNR dB", "top-1 %", "gain");
}

void lab_print_row(const struct lab_result *r, const struct lab_row *row)
{
	printf("%4u  %-28s %8.2f %9zu %5.1fx %8.1f %8.2f %+8.2f\n", row->bits, row->scheme,
	       row->bits_per_weight, row->bytes, (double)r->float_bytes / (double)row->bytes,
	       row->snr_db, row->accuracy, row->gain);
	fflush(stdout);
}

static void write_markdown(FILE *f, const struct lab_result *r)
{
	fprintf(f, "## %s\n\nFloat: %.2f %%, %zu weights, %zu bytes.\n\n", r->title,
		r->float_accuracy, r->weights, r->float_bytes);
	fprintf(f,
		"| bits | scheme | bits a weight | bytes | ratio | weights' SNR, dB | top-1, %% | gain over naive |\n");
	fprintf(f, "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
	for (size_t i = 0; i < r->rows; i++) {
		const struct lab_row *row = &r->row[i];

		fprintf(f, "| %u | %s | %.2f | %zu | %.1f | %.1f | %.2f | %+.2f |\n", row->bits,
			row->scheme, row->bits_per_weight, row->bytes,
			(double)r->float_bytes / (double)row->bytes, row->snr_db, row->accuracy,
			row->gain);
	}
	fprintf(f, "\n");
}

static void write_csv(FILE *f, const struct lab_result *r)
{
	fprintf(f, "\"%s\",32,float,32,%zu,,%.2f,\n", r->title, r->float_bytes, r->float_accuracy);
	for (size_t i = 0; i < r->rows; i++) {
		const struct lab_row *row = &r->row[i];

		fprintf(f, "\"%s\",%u,\"%s\",%.4f,%zu,%.2f,%.2f,%.2f\n", r->title, row->bits,
			row->scheme, row->bits_per_weight, row->bytes, row->snr_db, row->accuracy,
			row->gain);
	}
}

bool lab_write(const char *folder, const struct lab_result *results, size_t n)
{
	char path[4096];
	bool ok = true;
	FILE *f;

	snprintf(path, sizeof(path), "%s/lab.md", folder);
	f = fopen(path, "w");
	if (!f)
		return false;
	fprintf(f,
		"# Weight-only quantization after training\n\n"
		"Weights are quantized, activations and biases stay float. Bits a weight and bytes count all scales,\n"
		"tables and exponents; bytes also count the biases. Gain is in percentage points over the first scheme\n"
		"of the same width.\n\n");
	for (size_t i = 0; i < n; i++)
		write_markdown(f, &results[i]);
	ok = !fclose(f) && ok;
	snprintf(path, sizeof(path), "%s/lab.csv", folder);
	f = fopen(path, "w");
	if (!f)
		return false;
	fprintf(f, "model,bits,scheme,bits_per_weight,bytes,snr_db,top1_percent,gain_points\n");
	for (size_t i = 0; i < n; i++)
		write_csv(f, &results[i]);
	ok = !fclose(f) && ok;
	snprintf(path, sizeof(path), "%s/lab.svg", folder);
	return lab_draw(path, results, n) && ok;
}
