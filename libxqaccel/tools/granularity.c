// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "granularity.h"

static int axis_of(const struct tensor *x, int64_t axis, unsigned int *out)
{
	if (axis < -(int64_t)x->ndim || axis >= (int64_t)x->ndim)
		return fail("there is no axis %" PRId64 " in a tensor of shape %s", axis, tensor_shape(x));
	*out = (unsigned int)(axis < 0 ? axis + x->ndim : axis);
	return 0;
}

static int whole_tensor(const struct tensor *x, struct granularity *g)
{
	*g = (struct granularity){ .rows = 1, .k = x->count };
	return xq_layout_tensor(x->dim, x->ndim, &g->layout) ? fail("the tensor is too large (it is %s)", tensor_shape(x)) : 0;
}

static int channels(const struct tensor *x, int64_t axis, struct granularity *g)
{
	*g = (struct granularity){ .ndim = 1 };
	if (axis_of(x, axis, &g->axis))
		return EXIT_ERROR;
	g->dim[0] = g->rows = x->dim[g->axis];
	g->k = g->rows ? x->count / g->rows : 0;
	return xq_layout_channel(x->dim, x->ndim, (int)g->axis, &g->layout) ? fail("the tensor is too large (it is %s)", tensor_shape(x)) : 0;
}

int granularity_blocks(const struct tensor *x, int64_t axis, int64_t block, struct granularity *g)
{
	size_t size;

	*g = (struct granularity){ .ndim = x->ndim };
	if (axis_of(x, axis, &g->axis))
		return EXIT_ERROR;
	if (block < 1)
		return fail("a group or block must have at least one element (%" PRId64 ")", block);
	size = x->dim[g->axis];
	memcpy(g->dim, x->dim, x->ndim * sizeof(*g->dim));
	g->dim[g->axis] = size / (size_t)block + !!(size % (size_t)block);
	g->rows = size ? x->count / size * g->dim[g->axis] : 0;
	g->k = (size_t)block;
	return xq_layout_block(x->dim, x->ndim, (int)g->axis, (size_t)block, &g->layout) ?
		fail("the tensor is too large (it is %s)", tensor_shape(x)) : 0;
}

/* The number behind a colon. */
static bool number_after(const char *text, const char *word, int64_t *value)
{
	size_t length = strlen(word);
	char *end;

	if (strncmp(text, word, length) || text[length] != ':' || !text[length + 1])
		return false;
	errno = 0;
	*value = strtoll(text + length + 1, &end, 10);
	return !*end && !errno;
}

int granularity_parse(const char *text, const struct tensor *x, struct granularity *g)
{
	int64_t value;

	if (!text || !strcmp(text, "tensor"))
		return whole_tensor(x, g);
	if (number_after(text, "channel", &value))
		return channels(x, value, g);
	if (!number_after(text, "group", &value))
		return usage("the number in --granularity must be an integer (%s)", text);
	return granularity_blocks(x, -1, value, g);
}

/* Whether the shape is that of one parameter per index of an axis. */
static bool fits_channels(const struct tensor *x, const struct tensor *scale, unsigned int axis)
{
	if (scale->ndim == 1)
		return scale->dim[0] == x->dim[axis];
	for (unsigned int i = 0; i < x->ndim; i++) {
		if (scale->ndim != x->ndim || scale->dim[i] != (i == axis ? x->dim[i] : 1))
			return false;
	}
	return true;
}

static bool fits_blocks(const struct tensor *x, const struct tensor *scale, unsigned int axis, int64_t block)
{
	for (unsigned int i = 0; i < x->ndim; i++) {
		const size_t size = x->dim[i], blocks = size / (size_t)block + !!(size % (size_t)block);

		if (scale->ndim != x->ndim || scale->dim[i] != (i == axis ? blocks : size))
			return false;
	}
	return true;
}

static bool fits(const struct tensor *x, const struct tensor *scale, unsigned int axis, const int64_t *block)
{
	return block ? fits_blocks(x, scale, axis, *block) : fits_channels(x, scale, axis);
}

/* The only axis that the scales fit. */
static int find_axis(const struct tensor *x, const struct tensor *scale, const int64_t *block, int64_t *axis)
{
	char axes[TENSOR_MAX_DIMS * 8];
	int found = 0;
	size_t at = 0;

	for (unsigned int i = 0; i < x->ndim; i++) {
		if (!fits(x, scale, i, block))
			continue;
		at += (size_t)snprintf(axes + at, sizeof(axes) - at, found ? " or %u" : "%u", i);
		*axis = i;
		found++;
	}
	if (found > 1)
		return fail("--scale fits more than one axis: say --axis %s (it is %s, the tensor %s)", axes,
			    tensor_shape(scale), tensor_shape(x));
	return found ? 0 : fail("--scale fits no axis of the tensor (it is %s, the tensor %s)", tensor_shape(scale),
				tensor_shape(x));
}

int granularity_of_scale(const struct tensor *x, const struct tensor *scale, const int64_t *axis, bool ask,
			 const int64_t *block, struct granularity *g)
{
	int64_t found = axis ? *axis : 1;

	if (!block && scale->count == 1)
		return whole_tensor(x, g);
	if (block && *block < 1)
		return fail("--block must be at least 1 (%" PRId64 ")", *block);
	/* One dimension does not say which axis it is, and one number fits all. */
	if (!axis && scale->count != 1 && (ask || (!block && scale->ndim > 1)) &&
	    find_axis(x, scale, block, &found))
		return EXIT_ERROR;
	if (!axis && scale->count == 1)
		found = x->ndim > 1 ? 1 : 0;
	if (block ? granularity_blocks(x, found, *block, g) : channels(x, found, g))
		return EXIT_ERROR;
	if (!fits(x, scale, g->axis, block) && !(scale->count == 1 && xq_layout_params(&g->layout) == 1))
		return fail("--scale does not fit axis %u of the tensor (it is %s, the tensor %s)", g->axis,
			    tensor_shape(scale), tensor_shape(x));
	return 0;
}

/* Only channels that are not the first axis lie apart. */
bool granularity_apart(const struct granularity *g)
{
	return g->layout.per == XQ_PER_CHANNEL && g->layout.outer > 1;
}

void granularity_to_rows(const struct granularity *g, const float *x, float *rows)
{
	const struct xq_layout *l = &g->layout;

	if (!granularity_apart(g)) {
		if (g->rows && g->k)
			memcpy(rows, x, g->rows * g->k * sizeof(*x));
		return;
	}
	for (size_t a = 0; a < l->axis; a++)
		for (size_t o = 0; o < l->outer; o++, rows += l->inner)
			memcpy(rows, x + (o * l->axis + a) * l->inner, l->inner * sizeof(*x));
}

void granularity_from_rows(const struct granularity *g, const uint8_t *rows, uint8_t *codes)
{
	const struct xq_layout *l = &g->layout;

	if (!granularity_apart(g)) {
		if (g->rows && g->k)
			memcpy(codes, rows, g->rows * g->k);
		return;
	}
	for (size_t a = 0; a < l->axis; a++)
		for (size_t o = 0; o < l->outer; o++, rows += l->inner)
			memcpy(codes + (o * l->axis + a) * l->inner, rows, l->inner);
}
