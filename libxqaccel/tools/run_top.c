// SPDX-License-Identifier: MIT
/*
 * xq run: the best classes of each row, and how they compare with labels.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "output.h"
#include "run.h"

/* Rows and classes of an output: everything behind the first dimension is a class. */
static bool rows_of(const struct tensor *y, size_t *rows, size_t *classes)
{
	*rows = y->ndim ? y->dim[0] : 0;
	*classes = *rows ? y->count / *rows : 0;
	return *rows && *classes;
}

/* How many classes of a row come before one: those that are greater, and of equal ones the first. */
static size_t place(const struct tensor *y, size_t row, size_t classes, size_t class)
{
	const double own = tensor_double(y, row * classes + class);
	size_t before = 0;

	for (size_t i = 0; i < classes; i++) {
		const double other = tensor_double(y, row * classes + i);

		before += other > own || (other == own && i < class);
	}
	return before;
}

int run_score(const struct tensor *y, const struct tensor *labels, struct run_scores *scores)
{
	size_t classes;

	if (!rows_of(y, &scores->rows, &classes))
		return fail("the first output has no rows of classes (%s)", tensor_shape(y));
	if (labels->kind == 'f' || labels->count != scores->rows)
		return fail("--labels has not one integer for each of %zu rows (%s %s)", scores->rows, tensor_type_name(labels),
			    tensor_shape(labels));
	for (size_t r = 0; r < scores->rows; r++) {
		const int64_t label = tensor_int(labels, r);
		size_t at;

		if (label < 0 || (uint64_t)label >= classes)
			return fail("label %zu is %" PRId64 ", the output has %zu classes", r, label, classes);
		at = place(y, r, classes, (size_t)label);
		scores->first += !at;
		scores->among += at < (uint64_t)scores->top;
	}
	return 0;
}

int run_print_top(const struct tensor *y, int64_t top, float scale, int32_t zero_point)
{
	size_t rows, classes, shown;

	if (!rows_of(y, &rows, &classes))
		return fail("the first output has no rows of classes (%s)", tensor_shape(y));
	shown = (uint64_t)top < classes ? (size_t)top : classes;
	for (size_t r = 0; r < rows; r++) {
		fprintf(output_report(), "%zu:", r);
		for (size_t n = 0; n < shown; n++) {
			for (size_t i = 0; i < classes; i++) {
				const double value = tensor_double(y, r * classes + i);

				if (place(y, r, classes, i) != n)
					continue;
				fprintf(output_report(), "%s %zu (%.4g)", n ? "," : "", i,
					scale > 0 ? (double)scale * (value - zero_point) : value);
				break;
			}
		}
		fputc('\n', output_report());
	}
	return 0;
}
