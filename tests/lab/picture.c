// SPDX-License-Identifier: MIT
/* Accuracy against bits a weight, one panel for each model. */
#include <stdio.h>
#include <string.h>

#include "report.h"

#define PANEL_WIDTH 430
#define PANEL_HEIGHT 380
#define LEFT 56
#define TOP 62
#define PLOT_WIDTH 350
#define PLOT_HEIGHT 250
#define MOST_BITS 9.0

/* Schemes that are joined by a line, by the beginning of their names. */
static const struct {
	const char *begins, *label, *colour;
} series[] = {
	{ "naive", "naive rounding", "#c0392b" },
	{ "AdaRound", "AdaRound", "#8e6bbf" },
	{ "k-means, per channel", "k-means per channel", "#d68910" },
	{ "reconstruction", "layer reconstruction", "#1f6fb2" },
};

#define SERIES (sizeof(series) / sizeof(series[0]))

static double x_of(double bits)
{
	return LEFT + PLOT_WIDTH * bits / MOST_BITS;
}

static double y_of(double accuracy)
{
	return TOP + PLOT_HEIGHT * (1 - accuracy / 100);
}

static int series_of(const struct lab_row *row)
{
	for (size_t s = 0; s < SERIES; s++)
		if (!strncmp(row->scheme, series[s].begins, strlen(series[s].begins)))
			return (int)s;
	return -1;
}

static void axes(FILE *f, const struct lab_result *r)
{
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", LEFT, TOP - 18, r->title);
	for (int a = 0; a <= 100; a += 20) {
		fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT,
			LEFT + PLOT_WIDTH, y_of(a), y_of(a));
		fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", LEFT - 8, y_of(a) + 4, a);
	}
	for (int b = 0; b <= (int)MOST_BITS; b++)
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", x_of(b),
			TOP + PLOT_HEIGHT + 18, b);
	fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">bits a weight, scales counted</text>\n",
		LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 38);
	fprintf(f, "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">top-1, %%</text>\n",
		TOP + PLOT_HEIGHT / 2);
	fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#333\" stroke-dasharray=\"6 4\"/>\n",
		LEFT, LEFT + PLOT_WIDTH, y_of(r->float_accuracy), y_of(r->float_accuracy));
	fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#333\">float %.1f</text>\n",
		LEFT + PLOT_WIDTH, y_of(r->float_accuracy) - 5, r->float_accuracy);
}

/* The best of a series at each width is on its line. */
static void line(FILE *f, const struct lab_result *r, int which)
{
	fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", series[which].colour);
	for (unsigned int bits = 9; bits > 0; bits--) {
		const struct lab_row *best = NULL;

		for (size_t i = 0; i < r->rows; i++)
			if (r->row[i].bits == bits && series_of(&r->row[i]) == which &&
			    (!best || r->row[i].accuracy > best->accuracy))
				best = &r->row[i];
		if (best)
			fprintf(f, "%.1f,%.1f ", x_of(best->bits_per_weight), y_of(best->accuracy));
	}
	fprintf(f, "\"/>\n");
}

static void panel(FILE *f, const struct lab_result *r, int left)
{
	fprintf(f, "<g transform=\"translate(%d 0)\">\n", left);
	axes(f, r);
	for (int s = 0; s < (int)SERIES; s++)
		line(f, r, s);
	for (size_t i = 0; i < r->rows; i++) {
		int s = series_of(&r->row[i]);

		fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"><title>%s, %u bits: %.2f %%</title></circle>\n",
			x_of(r->row[i].bits_per_weight), y_of(r->row[i].accuracy), s < 0 ? "3" : "4",
			s < 0 ? "#888" : series[s].colour, r->row[i].scheme, r->row[i].bits, r->row[i].accuracy);
	}
	fprintf(f, "</g>\n");
}

static void legend(FILE *f)
{
	int x = LEFT;

	for (size_t s = 0; s <= SERIES; s++) {
		fprintf(f, "<circle cx=\"%d\" cy=\"16\" r=\"5\" fill=\"%s\"/>", x, s < SERIES ? series[s].colour : "#888");
		fprintf(f, "<text x=\"%d\" y=\"20\">%s</text>\n", x + 10, s < SERIES ? series[s].label : "other schemes");
		x += 170;
	}
}

bool lab_draw(const char *path, const struct lab_result *results, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n",
		(int)n * PANEL_WIDTH > 900 ? (int)n * PANEL_WIDTH : 900, PANEL_HEIGHT);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
	legend(f);
	for (size_t i = 0; i < n; i++)
		panel(f, &results[i], (int)i * PANEL_WIDTH);
	fprintf(f, "</svg>\n");
	return !fclose(f);
}
