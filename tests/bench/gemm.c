// SPDX-License-Identifier: MIT
/*
 * The speed of the kernels: every row of rows.c against the machine's limit and other libraries.
 *
 *	bench-gemm [-o FOLDER] [-p FOLDER] [-s SECONDS] [-r TEXT]
 *
 * -o: where gemm.md, gemm.json and roofline.svg go (build/bench)	-p: the peer process's folder
 * -s: time for the rounds of a row	-r: only rows whose section or "a x b MxNxK" contains TEXT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

static const char *output = "build/bench", *peer_folder = "build/bench/peers", *only = "";
static double seconds = 1.5;

static bool parse_arguments(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "o:p:s:r:")) != -1) {
		if (option == 'o')
			output = optarg;
		else if (option == 'p')
			peer_folder = optarg;
		else if (option == 's')
			seconds = atof(optarg);
		else if (option == 'r')
			only = optarg;
		else
			return false;
	}
	return optind == argc && seconds > 0;
}

static bool is_wanted(const struct bench_row *row)
{
	char name[64];

	snprintf(name, sizeof(name), "%s x %s %ux%ux%u", format_name(row->a_format),
		 format_name(row->b_format), row->m, row->n, row->k);
	return strstr(row->section, only) || strstr(name, only);
}

/* Or the files of an earlier run would be replaced by empty ones. */
static bool any_wanted(void)
{
	for (unsigned int i = 0; i < bench_row_count; i++)
		if (is_wanted(&bench_rows[i]))
			return true;
	return false;
}

static bool write_file(const struct report *report, const char *name,
		       void (*write)(const struct report *, FILE *))
{
	char path[4096];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", output, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return false;
	}
	write(report, file);
	ok = !ferror(file);
	ok &= fclose(file) == 0;
	printf("%s\n", path);
	return ok;
}

static void print_summary(const struct report *report)
{
	static const char *const names[TARGETS] = { "share of the limit", "peers", "gain" };
	unsigned int met[TARGETS + 1] = { 0 }, judged[TARGETS + 1] = { 0 }, wrong = 0, skipped = 0;

	for (unsigned int i = 0; i < report->count; i++) {
		const struct row_result *row = &report->rows[i];

		wrong += row->wrong[0] != '\0';
		skipped += row->skipped[0] != '\0';
		judged[TARGETS] += row->judged != 0;
		met[TARGETS] += row->judged && !row->missed;
		for (unsigned int t = 0; t < TARGETS; t++) {
			judged[t] += row->judged >> t & 1;
			met[t] += (row->judged & ~row->missed) >> t & 1;
		}
	}
	printf("\nrows that meet all of their targets: %u of %u", met[TARGETS], judged[TARGETS]);
	for (unsigned int t = 0; t < TARGETS; t++)
		printf("; %s: %u of %u", names[t], met[t], judged[t]);
	printf("; wrong: %u; skipped: %u\n", wrong, skipped);
}

static bool any_wrong(const struct report *report)
{
	for (unsigned int i = 0; i < report->count; i++)
		if (report->rows[i].wrong[0])
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct report report = { 0 };
	struct row_result *results = calloc(bench_row_count, sizeof(*results));
	const struct xqk_isa *isa = xqk_isa_select(NULL);
	const char *section = "";
	bool ok;

	if (!parse_arguments(argc, argv) || !results || !isa) {
		fprintf(stderr, "usage: %s [-o FOLDER] [-p FOLDER] [-s SECONDS] [-r TEXT]\n"
			"XQ_ISA must be unset or name an instruction set of this CPU\n", argv[0]);
		return 2;
	}
	if (!any_wanted()) {
		fprintf(stderr, "no row has \"%s\" in its section or its \"a x b MxNxK\"\n", only);
		free(results);
		return 2;
	}
	report.peers = peer_client_start(peer_folder);
	report.isa = xqk_isa_name(isa);
	report.rows = results;
	report_machine(&report);
	report_terminal_head(&report);
	for (unsigned int i = 0; i < bench_row_count; i++) {
		struct row_result *result = &results[report.count];

		if (!is_wanted(&bench_rows[i]))
			continue;
		measure_row(&bench_rows[i], report.peers, seconds, result);
		report_terminal_row(result, strcmp(section, bench_rows[i].section));
		section = bench_rows[i].section;
		report.count++;
	}
	print_summary(&report);
	ok = write_file(&report, "gemm.md", report_markdown) &
	     write_file(&report, "gemm.json", report_json) &
	     write_file(&report, "roofline.svg", report_roofline);
	ok &= !any_wrong(&report);
	peer_client_stop(report.peers);
	free(results);
	return ok ? 0 : 1;
}
