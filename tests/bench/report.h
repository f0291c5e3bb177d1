/* SPDX-License-Identifier: MIT */
/* The results as a table on the terminal, as Markdown, as JSON and as a roofline picture. */
#ifndef XQ_BENCH_REPORT_H
#define XQ_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "measure.h"

struct report {
	char cpu[96];
	char system[128];
	const char *isa;
	struct peer_client *peers;
	const struct row_result *rows;
	unsigned int count;
};

/* Finds out what this machine is. */
void report_machine(struct report *report);

/* The head of the terminal's table and a line of it. */
void report_terminal_head(const struct report *report);
void report_terminal_row(const struct row_result *result, bool new_section);

void report_markdown(const struct report *report, FILE *file);
void report_json(const struct report *report, FILE *file);
void report_roofline(const struct report *report, FILE *file);

/* Words that the forms share; each writes into a buffer and returns it. */
#define REPORT_CELL	48
const char *report_work(const struct row_result *result, char cell[REPORT_CELL]);
const char *report_share(const struct row_result *result, char cell[REPORT_CELL]);
const char *report_peer(const struct row_result *result, char cell[REPORT_CELL]);
const char *report_gain(const struct row_result *result, char cell[REPORT_CELL]);
const char *report_verdict(const struct row_result *result);

#endif
