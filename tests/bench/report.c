// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "report.h"

void report_machine(struct report *report)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char *line = NULL;
	size_t size = 0;
	struct utsname system;
	bool virtual = false;

	while (file && getline(&line, &size, file) > 0) {
		if (!strncmp(line, "model name", 10) && !report->cpu[0])
			sscanf(line, "%*[^:]: %95[^\n]", report->cpu);
		if (!strncmp(line, "flags", 5) && strstr(line, " hypervisor"))
			virtual = true;
	}
	free(line);
	if (file)
		fclose(file);
	if (uname(&system) == 0)
		snprintf(report->system, sizeof(report->system), "%.16s, Linux %.60s%s",
			 system.machine, system.release, virtual ? ", in a virtual machine" : "");
}

__attribute__((format(printf, 2, 3))) static void put(char cell[REPORT_CELL], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(cell, REPORT_CELL, format, arguments);
	va_end(arguments);
}

const char *report_work(const struct row_result *result, char cell[REPORT_CELL])
{
	put(cell, "%s x %s", format_name(result->row->a_format),
	    format_name(result->row->b_format));
	return cell;
}

const char *report_share(const struct row_result *result, char cell[REPORT_CELL])
{
	if (!result->limit.name[0])
		put(cell, "-");
	else if (result->row->share > 0)
		put(cell, "%.1f %% (%.0f %%)", 100 * result->limit.ratio.median,
		    100 * result->row->share);
	else
		put(cell, "%.1f %%", 100 * result->limit.ratio.median);
	return cell;
}

const char *report_peer(const struct row_result *result, char cell[REPORT_CELL])
{
	const struct contestant *best = best_peer(result, ~0U);

	if (best)
		put(cell, "%.2f %s", best->ratio.median, best->name);
	else
		put(cell, "-");
	return cell;
}

const char *report_gain(const struct row_result *result, char cell[REPORT_CELL])
{
	if (!result->baseline.name[0])
		put(cell, "-");
	else
		put(cell, "%.2f %s (%g)", result->baseline.ratio.median, result->baseline.name,
		    result->row->gain);
	return cell;
}

const char *report_verdict(const struct row_result *result)
{
	/* By the targets missed: share, peer, gain. */
	static const char *const missed[] = {
		"met", "missed: share", "missed: peer", "missed: share, peer", "missed: gain",
		"missed: share, gain", "missed: peer, gain", "missed: share, peer, gain",
	};

	if (result->wrong[0])
		return "WRONG";
	if (result->skipped[0])
		return "skipped";
	return result->judged ? missed[result->missed] : "";
}

static const char *order_name(const struct bench_row *row)
{
	return row->isa ? row->isa : "";
}

void report_terminal_head(const struct report *report)
{
	printf("%s, %s; kernels: %s\n", report->cpu, report->system, report->isa);
	for (unsigned int peer = 0; peer < PEER_COUNT; peer++)
		printf("peer %-22s %s%s\n", peer_name(peer),
		       peer_client_has(report->peers, peer) ? "" : "can't be had: ",
		       peer_client_status(report->peers, peer));
	printf("\n%-11s %-16s %7s %7s %7s  %-16s %-30s %-24s %s\n", "work", "M x N x K", "min",
	       "median", "max", "share of limit", "to the best peer", "gain", "target");
}

void report_terminal_row(const struct row_result *result, bool new_section)
{
	const struct bench_row *row = result->row;
	char work[REPORT_CELL], shape[REPORT_CELL], share[REPORT_CELL], peer[REPORT_CELL];
	char gain[REPORT_CELL];

	if (new_section)
		printf("-- %s, GMAC/s %s\n", row->section, order_name(row));
	put(shape, "%ux%ux%u", row->m, row->n, row->k);
	printf("%-11s %-16s ", report_work(result, work), shape);
	if (result->wrong[0] || result->skipped[0])
		printf("%s: %s\n", report_verdict(result),
		       result->wrong[0] ? result->wrong : result->skipped);
	else
		printf("%7.1f %7.1f %7.1f  %-16s %-30s %-24s %s\n", result->ours.rate.min,
		       result->ours.rate.median, result->ours.rate.max,
		       report_share(result, share), report_peer(result, peer),
		       report_gain(result, gain), report_verdict(result));
	fflush(stdout);
}

static void markdown_row(const struct row_result *result, FILE *file)
{
	const struct bench_row *row = result->row;
	char work[REPORT_CELL], share[REPORT_CELL], peer[REPORT_CELL], gain[REPORT_CELL];

	fprintf(file, "| %s | %s | %u x %u x %u | ", row->section, report_work(result, work),
		row->m, row->n, row->k);
	if (result->wrong[0] || result->skipped[0])
		fprintf(file, "%s | | | | | %s |\n",
			result->wrong[0] ? result->wrong : result->skipped, report_verdict(result));
	else
		fprintf(file, "%.1f / %.1f / %.1f | %s | %s | %s | %s | %s |\n",
			result->ours.rate.min, result->ours.rate.median, result->ours.rate.max,
			report_share(result, share), report_peer(result, peer),
			report_gain(result, gain), result->check, report_verdict(result));
}

void report_markdown(const struct report *report, FILE *file)
{
	fprintf(file, "# GEMM kernels against the machine and against other libraries\n\n"
		"%s, %s; kernels: %s\n\n", report->cpu, report->system, report->isa);
	for (unsigned int peer = 0; peer < PEER_COUNT; peer++)
		fprintf(file, "- %s: %s%s\n", peer_name(peer),
			peer_client_has(report->peers, peer) ? "" : "can't be had: ",
			peer_client_status(report->peers, peer));
	fprintf(file, "\nRates are minimum / median / maximum over the rounds; shares and ratios are "
		"medians of the ratios of each round, with the target in brackets.\n\n"
		"| section | work | M x N x K | GMAC/s | share of limit | to the best peer | gain | "
		"check | target |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (unsigned int i = 0; i < report->count; i++)
		markdown_row(&report->rows[i], file);
}

static void json_contestant(const char *key, const struct contestant *c, FILE *file)
{
	fprintf(file, "\"%s\": {\"name\": \"%s\", \"min\": %.3f, \"median\": %.3f, \"max\": %.3f, "
		"\"ratio\": {\"min\": %.4f, \"median\": %.4f, \"max\": %.4f}}", key, c->name,
		c->rate.min, c->rate.median, c->rate.max, c->ratio.min, c->ratio.median,
		c->ratio.max);
}

/* The words come from this program and from loaders' messages, so quotes are all there is to mind. */
static const char *json_text(const char *text, char cell[128])
{
	char *out = cell;

	for (; *text && out < cell + 126; text++)
		*out++ = *text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '\'' : *text;
	*out = '\0';
	return cell;
}

static void json_row(const struct row_result *result, FILE *file)
{
	static const char *const orders[] = { "rows", "tiled", "scattered" };
	const struct bench_row *row = result->row;
	char text[128];

	fprintf(file, "{\"section\": \"%s\", \"a\": \"%s\", \"b\": \"%s\", \"m\": %u, \"n\": %u, "
		"\"k\": %u, \"group\": %u, \"order\": \"%s\", \"threads\": %u, \"isa\": \"%s\", "
		"\"verdict\": \"%s\"", row->section, format_name(row->a_format),
		format_name(row->b_format), row->m, row->n, row->k, row->group, orders[row->order],
		row->threads, result->isa ? result->isa : "", report_verdict(result));
	fprintf(file, ", \"targets\": {\"share\": %.2f, \"peer\": %.2f, \"gain\": %.2f}",
		row->share, row->ratio, row->gain);
	if (result->wrong[0] || result->skipped[0]) {
		fprintf(file, ", \"reason\": \"%s\"}",
			json_text(result->wrong[0] ? result->wrong : result->skipped, text));
		return;
	}
	fprintf(file, ", \"check\": \"%s\", \"rounds\": %u, \"bytes_copied\": %llu, "
		"\"bytes_moved\": %llu, ", result->check, result->rounds,
		(unsigned long long)result->bytes_copied, (unsigned long long)result->bytes_moved);
	json_contestant("ours", &result->ours, file);
	if (result->limit.name[0]) {
		fprintf(file, ", ");
		json_contestant("limit", &result->limit, file);
	}
	if (result->baseline.name[0]) {
		fprintf(file, ", ");
		json_contestant("baseline", &result->baseline, file);
	}
	for (unsigned int i = 0; i < result->peer_count; i++) {
		fprintf(file, ", ");
		json_contestant(result->peer[i].name, &result->peer[i], file);
	}
	fprintf(file, "}");
}

void report_json(const struct report *report, FILE *file)
{
	char text[128];

	fprintf(file, "{\"machine\": {\"cpu\": \"%s\", ", json_text(report->cpu, text));
	fprintf(file, "\"system\": \"%s\", \"isa\": \"%s\"},\n\"peers\": {",
		json_text(report->system, text), report->isa);
	for (unsigned int peer = 0; peer < PEER_COUNT; peer++)
		fprintf(file, "%s\"%s\": {\"present\": %s, \"status\": \"%s\"}", peer ? ", " : "",
			peer_name(peer), peer_client_has(report->peers, peer) ? "true" : "false",
			json_text(peer_client_status(report->peers, peer), text));
	fprintf(file, "},\n\"rows_there_are\": %u,\n\"rows\": [\n", bench_row_count);
	for (unsigned int i = 0; i < report->count; i++) {
		json_row(&report->rows[i], file);
		fprintf(file, "%s\n", i + 1 < report->count ? "," : "");
	}
	fprintf(file, "]}\n");
}
