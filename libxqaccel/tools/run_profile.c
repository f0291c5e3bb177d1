// SPDX-License-Identifier: MIT
/*
 * xq run: where the time went, operator by operator, as a table and as a picture.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "model_file.h"
#include "output.h"
#include "run.h"
#include "svg.h"

/* Sizes of the picture. */
#define ROW		18
#define NAMES		330
#define BARS		560
#define TOP		58

bool run_profile_begin(struct run_profile *p, const struct xq_session *session)
{
	*p = (struct run_profile){ .operators = xq_session_operators(session) };
	p->device_ns = calloc((size_t)p->operators + 1, sizeof(*p->device_ns));
	p->cpu_ns = calloc((size_t)p->operators + 1, sizeof(*p->cpu_ns));
	return p->device_ns && p->cpu_ns;
}

void run_profile_end(struct run_profile *p)
{
	free(p->device_ns);
	free(p->cpu_ns);
}

void run_profile_add(struct run_profile *p, const struct xq_session *session)
{
	struct xq_session_totals totals;

	for (unsigned int i = 0; i < p->operators; i++) {
		struct xq_session_operator op;

		xq_session_operator(session, i, &op);
		p->device_ns[i] += op.device_ns;
		p->cpu_ns[i] += op.cpu_ns;
	}
	xq_session_totals(session, &totals);
	p->totals.run_ns += totals.run_ns;
	p->totals.device_ns += totals.device_ns;
	p->totals.cpu_ns += totals.cpu_ns;
	p->totals.changes = totals.changes;
	p->runs++;
}

/* Microseconds of one run. */
static double each(const struct run_profile *p, uint64_t ns)
{
	return p->runs ? (double)ns / 1000 / (double)p->runs : 0;
}

/* What is left of a run without its operators; device and CPU may work at the same time. */
static double between(const struct run_profile *p)
{
	const double rest = each(p, p->totals.run_ns) - each(p, p->totals.device_ns) - each(p, p->totals.cpu_ns);

	return rest > 0 ? rest : 0;
}

static void first_output(const struct xq_session *session, const struct xq_session_operator *op, struct xq_model_tensor *t)
{
	*t = (struct xq_model_tensor){ .name = "" };
	for (unsigned int i = 0; i < op->op.outputs; i++)
		if (op->op.output[i] && !xq_session_tensor(session, op->op.output[i], t))
			return;
}

/* The most that the process had in memory until now, mapped files with it; 0 if unknown. */
static size_t peak_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtoul(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib * 1024;
}

/* ---- table ------------------------------------------------------------------------------------------------- */

void run_profile_print(const struct run_profile *p, const struct xq_session *session)
{
	FILE *to = output_report();
	struct xq_plan_memory m;

	fprintf(to, "%4s %-24s %-30s %-6s %10s %10s %12s %6s\n", "", "operator", "output", "where", "us device", "us CPU",
		"products", "%");
	for (unsigned int i = 0; i < p->operators; i++) {
		const double all = (double)(p->totals.device_ns + p->totals.cpu_ns);
		struct xq_session_operator op;
		struct xq_model_tensor t;

		xq_session_operator(session, i, &op);
		first_output(session, &op, &t);
		fprintf(to, "%4u %-24.24s %-30.30s %-6s %10.1f %10.1f %12" PRIu64 " %6.1f\n", i, model_name_text(op.op.type),
			model_tensor_text(&t), model_where_text(op.where), each(p, p->device_ns[i]), each(p, p->cpu_ns[i]), op.macs,
			all > 0 ? 100 * (double)(p->device_ns[i] + p->cpu_ns[i]) / all : 0);
	}
	xq_session_memory(session, &m);
	fprintf(to, "%" PRIu64 " run%s, each %.1f us: %.1f on the device, %.1f on the CPU, %.1f for handing over (%u changes)\n", p->runs,
		p->runs == 1 ? "" : "s", each(p, p->totals.run_ns), each(p, p->totals.device_ns), each(p, p->totals.cpu_ns),
		between(p), p->totals.changes);
	fprintf(to, "memory: %zu bytes of weights, %zu of other constants, %zu of activations (%zu live at once), %zu of inputs and"
		" outputs; %zu the process at its peak\n", m.weights,
		m.constants - m.weights, m.activations, m.live, m.inputs + m.outputs, peak_bytes());
}

void run_profile_json(const struct run_profile *p, const struct xq_session *session)
{
	struct xq_plan_memory m;

	xq_session_memory(session, &m);
	printf("\"runs\": %" PRIu64 ", \"us\": ", p->runs);
	json_number(each(p, p->totals.run_ns));
	printf(", \"us_device\": ");
	json_number(each(p, p->totals.device_ns));
	printf(", \"us_cpu\": ");
	json_number(each(p, p->totals.cpu_ns));
	printf(", \"us_between\": ");
	json_number(between(p));
	printf(", \"changes\": %u, \"memory\": {\"weights\": %zu, \"constants\": %zu, \"activations\": %zu, \"live\": %zu, \"inputs\": %zu,"
	       " \"outputs\": %zu, \"process\": %zu}, \"operators\": [", p->totals.changes,
	       m.weights, m.constants, m.activations, m.live, m.inputs, m.outputs, peak_bytes());
	for (unsigned int i = 0; i < p->operators; i++) {
		struct xq_session_operator op;

		xq_session_operator(session, i, &op);
		printf("%s{\"type\": ", i ? ", " : "");
		json_string(op.op.type);
		printf(", \"name\": ");
		json_string(op.op.name);
		printf(", \"where\": \"%s\", \"us_device\": ", model_where_text(op.where));
		json_number(each(p, p->device_ns[i]));
		printf(", \"us_cpu\": ");
		json_number(each(p, p->cpu_ns[i]));
		printf(", \"products\": %" PRIu64 "}", op.macs);
	}
	printf("]");
}

/* ---- picture ------------------------------------------------------------------------------------------------- */

static void add_bar(struct svg *t, double x, double y, double width, const char *colour)
{
	if (width > 0)
		svg_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n", x, y, width, ROW - 5, colour);
}

static void add_row(struct svg *t, const struct run_profile *p, unsigned int i, const struct xq_session *session, double most)
{
	const double y = TOP + (double)i * ROW, device = each(p, p->device_ns[i]), cpu = each(p, p->cpu_ns[i]);
	struct xq_session_operator op;
	struct xq_model_tensor output;

	xq_session_operator(session, i, &op);
	first_output(session, &op, &output);
	svg_add(t, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u ", NAMES - 8, y + ROW - 7, i);
	svg_escaped(t, op.op.type);
	svg_add(t, " ");
	svg_escaped(t, model_tensor_text(&output));
	svg_add(t, "</text>\n");
	add_bar(t, NAMES, y, device / most * BARS, "#2a6f97");
	add_bar(t, NAMES + device / most * BARS, y, cpu / most * BARS, "#e07a3f");
	svg_add(t, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555\">%.1f</text>\n", NAMES + (device + cpu) / most * BARS + 4, y + ROW - 7,
	    device + cpu);
}

int run_profile_picture(const struct run_profile *p, const struct xq_session *session, const char *model, const char *path)
{
	const int height = TOP + (int)(p->operators + 2) * ROW;
	struct svg t = { 0 };
	double most = between(p);
	int status;

	for (unsigned int i = 0; i < p->operators; i++)
		if (each(p, p->device_ns[i] + p->cpu_ns[i]) > most)
			most = each(p, p->device_ns[i] + p->cpu_ns[i]);
	most = most > 0 ? most : 1;
	svg_add(&t, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"10\" y=\"20\" font-size=\"14\">", NAMES + BARS + 80, height);
	svg_escaped(&t, model);
	svg_add(&t, ": %.1f us a run, %" PRIu64 " run%s</text>\n<text x=\"10\" y=\"40\">microseconds: <tspan fill=\"#2a6f97\">device"
	    " %.1f</tspan>, <tspan fill=\"#e07a3f\">CPU %.1f</tspan>, <tspan fill=\"#888\">handing over %.1f (%u changes)</tspan></text>\n",
	    each(p, p->totals.run_ns), p->runs, p->runs == 1 ? "" : "s", each(p, p->totals.device_ns), each(p, p->totals.cpu_ns),
	    between(p), p->totals.changes);
	for (unsigned int i = 0; i < p->operators; i++)
		add_row(&t, p, i, session, most);
	svg_add(&t, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">handing over</text>\n", NAMES - 8, TOP + (int)p->operators * ROW + ROW - 7);
	add_bar(&t, NAMES, TOP + (double)p->operators * ROW, between(p) / most * BARS, "#bbb");
	svg_add(&t, "</svg>\n");
	status = t.failed ? fail("there is not enough memory for the picture") : output_bytes(path, t.data, t.length);
	free(t.data);
	return status ? EXIT_ERROR : 0;
}
