/* SPDX-License-Identifier: MIT */
/* The comparison as a table on the terminal, Markdown, CSV and a picture. */
#ifndef XQ_LAB_REPORT_H
#define XQ_LAB_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define LAB_MAX_ROWS 64
#define LAB_MAX_MODELS 3

struct lab_row {
	const char *scheme;
	unsigned int bits;
	double bits_per_weight;		/* scales and tables counted */
	size_t bytes;			/* with biases as float */
	double snr_db;			/* of the weights */
	double accuracy, gain;		/* per cent; against the naive scheme of the same width */
};

struct lab_result {
	const char *title;
	size_t images, weights, float_bytes;
	double float_accuracy;
	struct lab_row row[LAB_MAX_ROWS];
	size_t rows;
};

void lab_print_header(const struct lab_result *r);
void lab_print_row(const struct lab_result *r, const struct lab_row *row);

/* lab.md, lab.csv and lab.svg in a folder; false if one can't be written. */
bool lab_write(const char *folder, const struct lab_result *results, size_t n);

/* lab.svg's text */
bool lab_draw(const char *path, const struct lab_result *results, size_t n);

#endif
