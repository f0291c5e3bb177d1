// SPDX-License-Identifier: MIT
/*
 * xq convert: what became of each layer, what a budget allowed, as text, as JSON and as a picture.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "convert.h"
#include "json.h"
#include "model_file.h"
#include "output.h"
#include "svg.h"

/* Sizes of the picture. */
#define ROW		30
#define NAMES		260
#define BARS		560
#define TOP		80

static double share(const struct run_scores *s)
{
	return s->rows ? 100 * (double)s->first / (double)s->rows : 0;
}

/* Bytes of all layers, after and before. */
static void sizes(const struct convert_report *r, size_t *bytes, size_t *before)
{
	*bytes = *before = 0;
	for (unsigned int i = 0; i < xq_post_training_layers(r->conversion); i++) {
		struct xq_post_training_layer l;

		xq_post_training_layer(r->conversion, i, &l);
		*bytes += l.bytes;
		*before += l.float_bytes;
	}
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_layers(FILE *out, const struct convert_report *r)
{
	size_t bytes, before;

	fprintf(out, "%-10s %-28s %5s %10s %10s %7s %12s %12s %12s\n", "layer", "name", "type", "weights", "bytes", "ratio", "weights dB",
		"output dB", "output mse");
	for (unsigned int i = 0; i < xq_post_training_layers(r->conversion); i++) {
		struct xq_post_training_layer l;

		xq_post_training_layer(r->conversion, i, &l);
		fprintf(out, "%-10s %-28.28s %5s %10zu %10zu %6.2fx ", l.type, model_name_text(l.name), xq_type_name(l.weights), l.elements,
			l.bytes, (double)l.float_bytes / (double)l.bytes);
		if (l.excluded)
			fprintf(out, "%12s %12s %12s\n", "float", "", "");
		else
			fprintf(out, "%12.2f %12.2f %12.3g\n", l.weight_snr_db, l.output_snr_db, l.output_mse);
	}
	sizes(r, &bytes, &before);
	fprintf(out, "%-10s %-28s %5s %10s %10zu %6.2fx\n", "all", "", "", "", bytes, (double)before / (double)bytes);
}

static void print_point(FILE *out, const struct convert_report *r, const struct xq_post_training_point *p)
{
	fprintf(out, "%10zu %10.3f %10.2f  %-9s %s ", p->bytes, p->ms, p->output_snr_db, p->chosen ? "chosen" : p->frontier ? "frontier" : "",
		p->uniform == XQ_NONE ? "mixed:" : "all:");
	if (p->uniform != XQ_NONE)
		fprintf(out, "%s", xq_type_name(p->uniform));
	for (unsigned int i = 0; i < xq_post_training_layers(r->conversion) && p->uniform == XQ_NONE; i++)
		fprintf(out, "%s%s", i ? " " : "", xq_type_name(p->weights[i]));
	fprintf(out, "\n");
}

void convert_report_print(const struct convert_report *r, bool layers)
{
	FILE *out = output_report();

	if (xq_post_training_points(r->conversion))
		fprintf(out, "%10s %10s %10s  %-9s %s\n", "bytes", "ms", "output dB", "", "types of the layers");
	for (unsigned int i = 0; i < xq_post_training_points(r->conversion); i++) {
		struct xq_post_training_point p;

		xq_post_training_point(r->conversion, i, &p);
		print_point(out, r, &p);
	}
	if (layers)
		print_layers(out, r);
	if (r->quantized.rows)
		fprintf(out, "top-1 of %zu rows: float %.2f %%, quantized %.2f %%\n", r->quantized.rows, share(&r->source), share(&r->quantized));
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void number(const char *name, double x)
{
	printf(", \"%s\": ", name);
	if (isfinite(x))
		printf("%.6g", x);
	else
		printf("null");
}

static void json_layers(const struct convert_report *r)
{
	for (unsigned int i = 0; i < xq_post_training_layers(r->conversion); i++) {
		struct xq_post_training_layer l;

		xq_post_training_layer(r->conversion, i, &l);
		printf("%s{\"name\": ", i ? ", " : "");
		json_string(l.name);
		printf(", \"type\": ");
		json_string(l.type);
		printf(", \"excluded\": %s, \"weights_type\": \"%s\", \"weights\": %zu, \"bytes\": %zu, \"float_bytes\": %zu",
		       l.excluded ? "true" : "false", xq_type_name(l.weights), l.elements, l.bytes, l.float_bytes);
		number("weight_snr_db", l.weight_snr_db);
		number("output_snr_db", l.output_snr_db);
		number("output_mse", l.output_mse);
		printf("}");
	}
}

static void json_points(const struct convert_report *r)
{
	for (unsigned int i = 0; i < xq_post_training_points(r->conversion); i++) {
		struct xq_post_training_point p;

		xq_post_training_point(r->conversion, i, &p);
		printf("%s{\"bytes\": %zu", i ? ", " : "", p.bytes);
		number("ms", p.ms);
		number("output_snr_db", p.output_snr_db);
		printf(", \"frontier\": %s, \"chosen\": %s, \"uniform\": %s, \"weights_types\": [", p.frontier ? "true" : "false",
		       p.chosen ? "true" : "false", p.uniform == XQ_NONE ? "false" : "true");
		for (unsigned int k = 0; k < xq_post_training_layers(r->conversion); k++)
			printf("%s\"%s\"", k ? ", " : "", xq_type_name(p.weights[k]));
		printf("]}");
	}
}

void convert_report_json(const struct convert_report *r)
{
	printf("{\"model\": ");
	json_string(r->path);
	printf(", \"layers\": [");
	json_layers(r);
	printf("]");
	if (xq_post_training_points(r->conversion)) {
		printf(", \"points\": [");
		json_points(r);
		printf("]");
	}
	if (r->quantized.rows)
		printf(", \"rows\": %zu, \"float_top1\": %zu, \"top1\": %zu", r->quantized.rows, r->source.first, r->quantized.first);
	printf("}\n");
}

/* ---- picture ----------------------------------------------------------------------------------------------------- */

static void add_bar(struct svg *t, double y, double width, const char *colour)
{
	svg_add(t, "<rect x=\"%d\" y=\"%.1f\" width=\"%.2f\" height=\"10\" fill=\"%s\"/>\n", NAMES, y, width, colour);
}

/* Two bars, of bytes before and after, and in words what was lost. */
static void add_layer(struct svg *t, const struct xq_post_training_layer *l, double y, double most)
{
	const double before = (double)l->float_bytes / most * BARS, after = (double)l->bytes / most * BARS;

	svg_add(t, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", NAMES - 8, y + 14);
	svg_escaped(t, l->type);
	svg_add(t, " ");
	svg_escaped(t, l->name);
	svg_add(t, "</text>\n");
	add_bar(t, y, before, "#bbb");
	add_bar(t, y + 11, after, l->excluded ? "#888" : "#2a6f97");
	svg_add(t, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555\">%s, %zu bytes, %.1fx", NAMES + before + 5, y + 14, xq_type_name(l->weights), l->bytes,
		(double)l->float_bytes / (double)l->bytes);
	if (!l->excluded && isfinite(l->output_snr_db))
		svg_add(t, ", output %.1f dB", l->output_snr_db);
	svg_add(t, "</text>\n");
}

int convert_picture(const struct convert_report *r, const char *path)
{
	const unsigned int layers = xq_post_training_layers(r->conversion);
	struct xq_post_training_layer l;
	size_t bytes, before;
	struct svg t = { 0 };
	double most = 1;
	int status;

	for (unsigned int i = 0; i < layers; i++) {
		xq_post_training_layer(r->conversion, i, &l);
		most = fmax(most, (double)l.float_bytes);
	}
	sizes(r, &bytes, &before);
	svg_add(&t, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" font-family=\"sans-serif\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"10\" y=\"20\" font-size=\"14\">", NAMES + BARS + 240,
		TOP + layers * ROW + 10);
	svg_escaped(&t, r->path);
	svg_add(&t, ": %zu bytes of weights, %.1f times fewer than %zu</text>\n<text x=\"10\" y=\"40\">bytes: <tspan fill=\"#888\">before"
		"</tspan>, <tspan fill=\"#2a6f97\">after</tspan></text>\n", bytes, (double)before / (double)(bytes ? bytes : 1), before);
	if (r->quantized.rows)
		svg_add(&t, "<text x=\"10\" y=\"56\">top-1 of %zu rows: float %.2f %%, quantized %.2f %%</text>\n", r->quantized.rows,
			share(&r->source), share(&r->quantized));
	for (unsigned int i = 0; i < layers; i++) {
		xq_post_training_layer(r->conversion, i, &l);
		add_layer(&t, &l, TOP + (double)i * ROW, most);
	}
	svg_add(&t, "</svg>\n");
	status = t.failed ? fail("there is not enough memory for the picture") : output_bytes(path, t.data, t.length);
	free(t.data);
	return status ? EXIT_ERROR : 0;
}
