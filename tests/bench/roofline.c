// SPDX-License-Identifier: MIT
/*
 * The rows in a roofline picture: intensity in multiply-accumulates for a byte moved once, and the
 * rate as a share of the 8-bit peak, both on logarithmic axes.
 */
#include <math.h>
#include <string.h>

#include "report.h"

#define WIDTH		860
#define HEIGHT		460
#define LEFT		70
#define RIGHT		250
#define TOP		30
#define BOTTOM		55

/* log10 of the axes' ends */
#define X_MIN		0.0
#define X_MAX		4.0
#define Y_MIN		-1.5
#define Y_MAX		1.0

#define MAX_SECTIONS	16

static double x_of(double intensity)
{
	const double at = (fmin(fmax(log10(intensity), X_MIN), X_MAX) - X_MIN) / (X_MAX - X_MIN);

	return LEFT + at * (WIDTH - LEFT - RIGHT);
}

static double y_of(double share)
{
	const double at = (fmin(fmax(log10(share), Y_MIN), Y_MAX) - Y_MIN) / (Y_MAX - Y_MIN);

	return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM);
}

/* The limit of the first measured row of a kind on the best instruction set. */
static double limit_rate(const struct report *report, enum row_limit limit)
{
	for (unsigned int i = 0; i < report->count; i++) {
		const struct row_result *r = &report->rows[i];

		if (r->row->limit == limit && !r->row->isa && r->limit.name[0] &&
		    r->limit.rate.median > 0)
			return r->limit.rate.median;
	}
	return 0;
}

static void draw_axes(FILE *file)
{
	static const struct {
		double value;
		const char *label;
	} x[] = { { 1, "1" }, { 10, "10" }, { 100, "100" }, { 1000, "1000" }, { 10000, "10000" } },
	  y[] = { { 0.1, "0.1" }, { 1, "1" }, { 10, "10" } };

	for (unsigned int i = 0; i < sizeof(x) / sizeof(x[0]); i++)
		fprintf(file, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x_of(x[i].value), x_of(x[i].value), TOP, HEIGHT - BOTTOM, x_of(x[i].value),
			HEIGHT - BOTTOM + 18, x[i].label);
	for (unsigned int i = 0; i < sizeof(y) / sizeof(y[0]); i++)
		fprintf(file, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT,
			WIDTH - RIGHT, y_of(y[i].value), y_of(y[i].value), LEFT - 8,
			y_of(y[i].value) + 4, y[i].label);
	fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">multiply-accumulates for a byte "
		"of A, B and C moved once</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14);
	fprintf(file, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">rate, "
		"share of the 8-bit peak</text>\n", (TOP + HEIGHT - BOTTOM) / 2);
}

/* A roof: the slope of the bandwidth up to where it meets a peak. */
static void draw_roofs(double dot, double bits, double bandwidth, FILE *file)
{
	const double top = bits > 0 ? bits : dot;

	fprintf(file, "<line class=\"roof\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		x_of(dot / bandwidth), y_of(1), x_of(1e4), y_of(1));
	fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">8-bit dot products</text>\n",
		WIDTH - RIGHT - 4, y_of(1) - 6);
	if (bits > 0) {
		fprintf(file, "<line class=\"roof\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			x_of(bits / bandwidth), y_of(bits / dot), x_of(1e4), y_of(bits / dot));
		fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">1-bit dot products</text>\n",
			WIDTH - RIGHT - 4, y_of(bits / dot) - 6);
	}
	/* Where the slope leaves the picture at the bottom. */
	fprintf(file, "<line class=\"roof\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		x_of(fmax(1, pow(10, Y_MIN) * dot / bandwidth)),
		y_of(fmax(pow(10, Y_MIN), bandwidth / dot)), x_of(top / bandwidth), y_of(top / dot));
	fprintf(file, "<text transform=\"translate(%.1f %.1f) rotate(%.1f)\">reading the weights</text>\n",
		x_of(1.2) - 4, y_of(1.2 * bandwidth / dot) - 4,
		atan2(y_of(10) - y_of(1), x_of(10) - x_of(1)) * 180 / 3.14159265);
}

static void draw_row(const struct row_result *r, unsigned int color, double dot, FILE *file)
{
	const double macs = (double)r->row->m * r->row->n * r->row->k;
	char work[REPORT_CELL];

	fprintf(file, "<circle class=\"c%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>%s %u x %u x %u: "
		"%.2f</title></circle>\n", color, x_of(macs / (double)r->bytes_moved),
		y_of(r->ours.rate.median / dot), report_work(r, work), r->row->m, r->row->n,
		r->row->k, r->ours.rate.median / dot);
}

static void draw_rows(const struct report *report, double dot, FILE *file)
{
	const char *sections[MAX_SECTIONS];
	unsigned int count = 0, s;

	for (unsigned int i = 0; i < report->count; i++) {
		const struct row_result *r = &report->rows[i];

		/* The roofs are those of one core. */
		if (r->skipped[0] || r->wrong[0] || r->row->threads > 1)
			continue;
		for (s = 0; s < count && strcmp(sections[s], r->row->section); s++)
			;
		if (s == MAX_SECTIONS)
			continue;
		if (s == count) {
			sections[count++] = r->row->section;
			fprintf(file, "<circle class=\"c%u\" cx=\"%d\" cy=\"%u\" r=\"4.5\"/>"
				"<text x=\"%d\" y=\"%u\">%s</text>\n", s, WIDTH - RIGHT + 22,
				TOP + 10 + 22 * s, WIDTH - RIGHT + 34, TOP + 14 + 22 * s,
				r->row->section);
		}
		draw_row(r, s, dot, file);
	}
}

void report_roofline(const struct report *report, FILE *file)
{
	static const char *const colors[] = { "#1f5fa8", "#d1701e", "#2a8a4a", "#b32d3a", "#6f4fa3",
					      "#7a5a46", "#c253a0", "#555555", "#8a8a1a", "#1a8fa3" };
	const double dot = limit_rate(report, LIMIT_DOT), bits = limit_rate(report, LIMIT_POPCOUNT);
	const double bandwidth = limit_rate(report, LIMIT_READ);

	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\">\n<style>text { font: 12px sans-serif; fill: #222 } "
		".grid { stroke: #ddd } .roof { stroke: #222; stroke-width: 1.5 }", WIDTH, HEIGHT,
		WIDTH, HEIGHT);
	for (unsigned int i = 0; i < MAX_SECTIONS; i++)
		fprintf(file, " .c%u { fill: %s; fill-opacity: .8 }", i,
			colors[i % (sizeof(colors) / sizeof(colors[0]))]);
	fprintf(file, "</style>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
	draw_axes(file);
	if (dot > 0 && bandwidth > 0)
		draw_roofs(dot, bits, bandwidth, file);
	if (dot > 0)
		draw_rows(report, dot, file);
	fprintf(file, "</svg>\n");
}
