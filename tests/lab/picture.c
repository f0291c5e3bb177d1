// SPDX-License-Identifier: MIT
/*
 * Accuracy against bits a weight, one panel for each model. Both axes are logarithmic, the
 * vertical one in the share of wrong answers, so that 97 % and 99 % can be told apart.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

#define PANEL_WIDTH 410
#define LEFT 58
#define TOP 132
#define PLOT_WIDTH 332
#define PLOT_HEIGHT 300
#define HEIGHT (TOP + PLOT_HEIGHT + 62)
#define LEGEND_STEP 204
#define FEWEST_BITS 1.0
#define MOST_BITS 9.2
#define TICK_GAP 17.0

#define INK "#22303c"
#define PALE "#6b7885"
#define GRID "#e4e8ec"
#define OTHER "#b3bcc5"

/* Schemes that are joined by a line: the first whose name begins so. */
static const struct {
	const char *begins, *label, *colour;
} series[] = {
	{ "naive", "naive rounding", "#d1495b" },
	{ "k-means, per channel", "k-means per channel", "#e09f1f" },
	{ "AdaRound", "AdaRound", "#8e6bbf" },
	{ "reconstruction, codebook", "reconstruction, codebook", "#2a9d6f" },
	{ "reconstruction", "reconstruction, linear", "#1f6fb2" },
};

#define SERIES (sizeof(series) / sizeof(series[0]))

/* Accuracies that may be written at the axis, if there is room. */
static const double ticks[] = { 0, 20, 40, 60, 70, 80, 85, 90, 95, 97, 98, 99, 99.5, 99.9 };

static double x_of(double bits)
{
	return LEFT + PLOT_WIDTH * log(bits / FEWEST_BITS) / log(MOST_BITS / FEWEST_BITS);
}

/* The upper edge is a little above the float model, the lower one is 0 %. */
static double y_of(const struct lab_result *r, double accuracy)
{
	double least = fmax(100 - r->float_accuracy, 0.1) * 0.75,
	       wrong = fmax(100 - accuracy, least);

	return TOP + PLOT_HEIGHT * (1 - log(wrong / 100) / log(least / 100));
}

static int series_of(const struct lab_row *row)
{
	for (size_t s = 0; s < SERIES; s++)
		if (!strncmp(row->scheme, series[s].begins, strlen(series[s].begins)))
			return (int)s;
	return -1;
}

static void vertical_axis(FILE *f, const struct lab_result *r)
{
	double free = HEIGHT;

	for (size_t t = 0; t < sizeof(ticks) / sizeof(ticks[0]); t++) {
		double y = y_of(r, ticks[t]);

		if (y < TOP + 1 || y > free)
			continue;
		fprintf(f,
			"<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"" GRID "\"/>\n",
			LEFT, LEFT + PLOT_WIDTH, y, y);
		fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 8,
			y + 4, ticks[t]);
		free = y - TICK_GAP;
	}
	fprintf(f,
		"<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\" fill=\"" PALE
		"\">"
		"top-1 accuracy, %%</text>\n",
		TOP + PLOT_HEIGHT / 2);
}

static void horizontal_axis(FILE *f)
{
	static const int bits[] = { 1, 2, 3, 4, 5, 6, 8 };

	for (size_t b = 0; b < sizeof(bits) / sizeof(bits[0]); b++) {
		fprintf(f,
			"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"" GRID "\"/>\n",
			x_of(bits[b]), x_of(bits[b]), TOP, TOP + PLOT_HEIGHT);
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n",
			x_of(bits[b]), TOP + PLOT_HEIGHT + 18, bits[b]);
	}
	fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"" PALE "\"/>\n", LEFT,
		LEFT + PLOT_WIDTH, TOP + PLOT_HEIGHT, TOP + PLOT_HEIGHT);
	fprintf(f,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"" PALE
		"\">bits a weight, scales and tables "
		"counted</text>\n",
		LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 40);
}

static void float_line(FILE *f, const struct lab_result *r)
{
	double y = y_of(r, r->float_accuracy);

	fprintf(f,
		"<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"" INK
		"\" stroke-dasharray=\"5 4\"/>\n",
		LEFT, LEFT + PLOT_WIDTH, y, y);
	fprintf(f, "<text x=\"%d\" y=\"%.1f\">float %.2f</text>\n", LEFT + 6, y - 6,
		r->float_accuracy);
}

/* The best of a series at each width is on its line. */
static void line(FILE *f, const struct lab_result *r, int which)
{
	fprintf(f,
		"<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2.2\" stroke-linejoin=\"round\" points=\"",
		series[which].colour);
	for (unsigned int bits = 9; bits > 0; bits--) {
		const struct lab_row *best = NULL;

		for (size_t i = 0; i < r->rows; i++)
			if (r->row[i].bits == bits && series_of(&r->row[i]) == which &&
			    (!best || r->row[i].accuracy > best->accuracy))
				best = &r->row[i];
		if (best)
			fprintf(f, "%.1f,%.1f ", x_of(best->bits_per_weight),
				y_of(r, best->accuracy));
	}
	fprintf(f, "\"/>\n");
}

static void dots(FILE *f, const struct lab_result *r, int which)
{
	for (size_t i = 0; i < r->rows; i++) {
		const struct lab_row *row = &r->row[i];

		if (series_of(row) != which)
			continue;
		fprintf(f,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\" stroke=\"white\">"
			"<title>%s, %u bits: %.2f %%</title></circle>\n",
			x_of(row->bits_per_weight), y_of(r, row->accuracy),
			which < 0 ? "3.6" : "4.6", which < 0 ? OTHER : series[which].colour,
			row->scheme, row->bits, row->accuracy);
	}
}

static void panel(FILE *f, const struct lab_result *r, int left)
{
	fprintf(f, "<g transform=\"translate(%d 0)\">\n", left);
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"14\" font-weight=\"bold\">%s</text>\n",
		LEFT, TOP - 14, r->title);
	vertical_axis(f, r);
	horizontal_axis(f);
	float_line(f, r);
	dots(f, r, -1);
	for (int s = 0; s < (int)SERIES; s++) {
		line(f, r, s);
		dots(f, r, s);
	}
	fprintf(f, "</g>\n");
}

static void heading(FILE *f)
{
	fprintf(f,
		"<text x=\"%d\" y=\"32\" font-size=\"19\" font-weight=\"bold\">Weights quantized after training: "
		"accuracy against size</text>\n",
		LEFT);
	fprintf(f,
		"<text x=\"%d\" y=\"54\" fill=\"" PALE
		"\">Activations stay float. Lines join one family's best at each "
		"width; both axes are logarithmic, the vertical one in the wrong answers.</text>\n",
		LEFT);
	for (size_t s = 0; s <= SERIES; s++) {
		int x = LEFT + (int)s * LEGEND_STEP;

		if (s < SERIES)
			fprintf(f,
				"<line x1=\"%d\" x2=\"%d\" y1=\"82\" y2=\"82\" stroke=\"%s\" stroke-width=\"2.2\"/>\n",
				x, x + 22, series[s].colour);
		fprintf(f, "<circle cx=\"%d\" cy=\"82\" r=\"4.6\" fill=\"%s\"/>\n", x + 11,
			s < SERIES ? series[s].colour : OTHER);
		fprintf(f, "<text x=\"%d\" y=\"86\">%s</text>\n", x + 28,
			s < SERIES ? series[s].label : "other schemes");
	}
}

bool lab_draw(const char *path, const struct lab_result *results, size_t n)
{
	const int least = LEFT + (int)SERIES * LEGEND_STEP + 120;
	int width = (int)n * PANEL_WIDTH + 10;
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	width = width > least ? width : least;
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"12\" fill=\"" INK
		"\">\n",
		width, HEIGHT, width, HEIGHT);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
	heading(f);
	for (size_t i = 0; i < n; i++)
		panel(f, &results[i], (int)i * PANEL_WIDTH);
	fprintf(f, "</svg>\n");
	return !fclose(f);
}
