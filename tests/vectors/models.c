// SPDX-License-Identifier: GPL-2.0
/*
 * Whole models from their files: every row of models/golden.tsv, element by element, as a board or the integer reference
 * computed it; one row at a time, and several at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xqaccel/model.h>

#include "support.h"

#define MOST_CASES	64
#define FIELDS		6
#define BATCH		7	/* divides none of the numbers of rows */

/* A row of the table: case, model, input, rows, form of the input, output. */
struct golden {
	char line[1024];
	char *field[FIELDS];
};

static struct golden table[MOST_CASES];
static unsigned int cases;
static struct xq_device *dev;

static bool split(struct golden *g)
{
	char *at = g->line;
	unsigned int i;

	g->line[strcspn(g->line, "\r\n")] = 0;
	for (i = 0; i < FIELDS; i++) {
		g->field[i] = strsep(&at, "\t");
		if (!g->field[i])
			return false;
	}
	return true;
}

static void read_table(void)
{
	FILE *file = fopen(data_path("models", "golden.tsv"), "r");
	struct golden head;

	if (!file)
		return;
	if (!fgets(head.line, sizeof(head.line), file))
		head.line[0] = 0;
	while (cases < MOST_CASES && fgets(table[cases].line, sizeof(table[cases].line), file))
		cases += split(&table[cases]);
	fclose(file);
}

/* Rows first to end of a tensor whose first dimension has them; a row is as many bytes as the model wants. */
struct rows {
	const uint8_t *data;
	size_t count, bytes;
};

static void part(const struct golden *g, struct rows *r)
{
	size_t first, end;

	if (sscanf(g->field[3], "%zu:%zu", &first, &end) != 2 || r->count <= end - first)
		return;
	r->data += first * r->bytes;
	r->count = end - first;
}

static size_t row_bytes(const struct xq_model_tensor *t)
{
	size_t bytes = xq_model_type_bytes(t->type);
	unsigned int i;

	for (i = 1; i < t->dims; i++)
		bytes *= (size_t)t->dim[i];
	return bytes;
}

static void compare(const struct rows *want, size_t row, size_t rows, const uint8_t *got)
{
	const uint8_t *from = want->data + row * want->bytes;
	size_t i;

	for (i = 0; i < rows * want->bytes; i++)
		if (from[i] != got[i])
			result_differs("row %zu: element %zu is %u and not %u", row + i / want->bytes, i % want->bytes, got[i], from[i]);
}

/* Runs of batch rows; of the last one, what there is. */
static void run(struct xq_session *s, const struct rows *x, const struct rows *y, size_t batch)
{
	uint8_t *in = calloc(batch, x->bytes), *out = malloc(batch * y->bytes);
	size_t row;

	for (row = 0; row < x->count && in && out; row += batch) {
		const size_t rows = x->count - row < batch ? x->count - row : batch;
		int err;

		memcpy(in, x->data + row * x->bytes, rows * x->bytes);
		err = xq_session_write(s, 0, in);
		if (!err)
			err = xq_session_run(s);
		if (!err)
			err = xq_session_read(s, 0, out);
		if (err) {
			result_differs("row %zu: error %d", row, err);
			break;
		}
		compare(y, row, rows, out);
	}
	free(in);
	free(out);
}

static void with_batch(struct xq_model *model, struct rows x, struct rows y, const struct golden *g, size_t batch)
{
	const struct xq_session_options options = { .batch = batch };
	struct xq_model_tensor in, out;
	struct xq_session *s;

	if (xq_session_create(model, dev, &options, &s)) {
		result_differs("%s", xq_model_error(model));
		return;
	}
	xq_session_input(s, 0, &in);
	xq_session_output(s, 0, &out);
	x.bytes = row_bytes(&in);
	y.bytes = row_bytes(&out);
	part(g, &x);
	part(g, &y);
	if (in.dim[0] != (int64_t)batch || out.dim[0] != (int64_t)batch)
		result_differs("%lld rows in, %lld out for a batch of %zu", (long long)in.dim[0], (long long)out.dim[0], batch);
	else if (x.count != y.count)
		result_differs("%zu rows and %zu results", x.count, y.count);
	else
		run(s, &x, &y, batch);
	xq_session_destroy(s);
}

/* Files of the table are below the folder of the data. */
static const char *file_path(const char *name)
{
	static char paths[3][4096];
	static unsigned int next;
	char *path = paths[next++ % 3];

	snprintf(path, sizeof(paths[0]), "%s/%s", data_folder(), name);
	return path;
}

static void test_case(const struct golden *g)
{
	struct tensor x = { 0 }, y = { 0 };
	struct xq_model *model = NULL;
	int err;

	if (!data_read(file_path(g->field[2]), &x) || !data_read(file_path(g->field[5]), &y)) {
		result_differs("its tensors can't be read");
	} else {
		const struct rows in = { x.data, x.ndim ? x.dim[0] : 0, 0 }, out = { y.data, y.ndim ? y.dim[0] : 0, 0 };

		err = xq_model_create(&model);
		if (!err)
			err = xq_model_load(model, file_path(g->field[1]));
		if (err) {
			result_differs("%s", model ? xq_model_error(model) : "no memory");
		} else {
			with_batch(model, in, out, g, 1);
			with_batch(model, in, out, g, BATCH);
		}
	}
	xq_model_destroy(model);
	tensor_free(&x);
	tensor_free(&y);
}

int main(void)
{
	struct xq_workspace *workspace;
	unsigned int i, failed = 0;

	read_table();
	if (!cases) {
		result_skip_all("whole models", "XQ_VECTORS has no models/golden.tsv");
		return 0;
	}
	result_plan(cases + 1);
	if (!device_open(&dev, &workspace))
		return 1;
	for (i = 0; i < cases; i++) {
		test_case(&table[i]);
		failed += result_end(table[i].field[0]) == 'f';
	}
	device_close(dev, workspace);
	return failed != 0;
}
