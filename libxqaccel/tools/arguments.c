// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "element.h"
#include "progress.h"
#include "tensor_file.h"

static const char *read_shown(const char *path, bool map, struct tensor *t)
{
	struct byte_share share = { 0 };
	const char *wrong;

	progress_follow("reading", &share.done, &share.total);
	wrong = map ? tensor_map(path, t, &share) : tensor_read(path, t, &share);
	progress_stop();
	return wrong;
}

int argument_tensor(const char *path, struct tensor *t)
{
	const char *wrong = read_shown(path, false, t);

	return wrong ? fail("cannot read %s: %s", path, wrong) : 0;
}

int argument_mapped(const char *path, struct tensor *t)
{
	const char *wrong = read_shown(path, true, t);

	return wrong ? fail("cannot read %s: %s", path, wrong) : 0;
}

/* The same of what is not a number. */
static int number_tensor(const char *option, const char *text, struct tensor *t)
{
	const char *wrong = read_shown(text, false, t);

	return wrong ? fail("--%s is neither a number nor a file of a tensor (%s: %s)", option, text, wrong) : 0;
}

int argument_ints_check(const char *option, const char *text, int64_t min, int64_t max,
			const struct tensor *t)
{
	size_t i;

	if (t->kind == 'f')
		return fail("--%s must be of an integer type (%s is %s)", option, text,
			    tensor_type_name(t));
	for (i = 0; i < t->count; i++) {
		if (tensor_fits_int64(t, i) && tensor_int(t, i) >= min && tensor_int(t, i) <= max)
			continue;
		if (!t->ndim)
			return fail("--%s must be %" PRId64 " to %" PRId64 " (%s)", option, min, max, element_text(t, i));
		return fail("--%s must be %" PRId64 " to %" PRId64 " (element %s is %s)", option, min, max,
			    element_place(t, i), element_text(t, i));
	}
	return 0;
}

int argument_ints(const char *option, const char *text, int64_t min, int64_t max,
		  struct tensor *t)
{
	char *end;
	int64_t value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end != text && !*end) {
		if (errno)
			return fail("--%s must be %" PRId64 " to %" PRId64 " (%s)", option, min, max, text);
		if (!tensor_alloc(t, 'i', 8, 0, NULL))
			return fail("there is not enough memory");
		*(int64_t *)t->data = value;
	} else if (number_tensor(option, text, t)) {
		return EXIT_ERROR;
	}
	return argument_ints_check(option, text, min, max, t);
}

int argument_floats(const char *option, const char *text, struct tensor *t)
{
	struct tensor any;
	char *end;
	float single;
	size_t i;

	strtod(text, &end);
	if (end != text && !*end) {
		if (!tensor_alloc(t, 'f', 4, 0, NULL))
			return fail("there is not enough memory");
		/* Straight to float32: by way of double it could be rounded twice. */
		single = *(float *)t->data = strtof(text, NULL);
		return isfinite(single) ? 0 : fail("--%s must be finite (%s)", option, text);
	}
	if (number_tensor(option, text, &any))
		return EXIT_ERROR;
	if (any.kind != 'f') {
		fail("--%s must be of a floating type (%s is %s)", option, text, tensor_type_name(&any));
		tensor_free(&any);
		return EXIT_ERROR;
	}
	if (!tensor_alloc(t, 'f', 4, any.ndim, any.dim)) {
		tensor_free(&any);
		return fail("there is not enough memory");
	}
	for (i = 0; i < any.count; i++)
		((float *)t->data)[i] = (float)tensor_double(&any, i);
	tensor_free(&any);
	return 0;
}

int argument_elements(const char *option, const char *path, const struct tensor *t,
		      enum xq_type wanted, enum xq_type *type)
{
	size_t i;

	if (t->kind == 'f' || t->bytes != 1)
		return fail("%s must be int8 or uint8 (it is %s)", path, tensor_type_name(t));
	*type = wanted != XQ_NONE ? wanted : t->kind == 'i' ? XQ_S8 : XQ_U8;
	for (i = 0; i < t->count; i++) {
		const int64_t value = tensor_int(t, i);

		if (value < xq_type_min(*type) || value > xq_type_max(*type) ||
		    (*type == XQ_B1 && !value))
			return fail("%s has a value that is not of --%s %s (element %s is %" PRId64 ")", path, option,
				    xq_type_name(*type), element_place(t, i), value);
	}
	return 0;
}

int argument_bias(const char *path, size_t count, struct tensor *t, const int32_t **values)
{
	if (!path)
		return 0;
	if (argument_tensor(path, t))
		return EXIT_ERROR;
	if (t->kind != 'i' || t->bytes != 4)
		return fail("--bias must be int32 (%s is %s)", path, tensor_type_name(t));
	if (t->ndim != 1 || t->dim[0] != count)
		return fail("--bias must be [%zu] (it is %s)", count, tensor_shape(t));
	*values = t->data;
	return 0;
}

int argument_device(const char *name, struct xq_device **dev)
{
	const int err = xq_device_open(name, dev);
	char text[256];

	if (!err)
		return 0;
	xq_device_error(name, err, text, sizeof(text));
	return fail("%s", text);
}

int argument_int(const char *option, const char *text, int64_t min, int64_t max, int64_t *value)
{
	struct tensor t = { 0 };
	int status;

	if (!text)
		return 0;
	status = argument_ints(option, text, min, max, &t);
	if (!status && t.count != 1)
		status = fail("--%s must be one number (it is %s)", option, tensor_shape(&t));
	if (!status)
		*value = tensor_int(&t, 0);
	tensor_free(&t);
	return status;
}

int argument_float(const char *option, const char *text, float *value)
{
	struct tensor t = { 0 };
	int status;

	if (!text)
		return 0;
	status = argument_floats(option, text, &t);
	if (!status && t.count != 1)
		status = fail("--%s must be one number (it is %s)", option, tensor_shape(&t));
	if (!status)
		*value = *(const float *)t.data;
	tensor_free(&t);
	return status;
}

int argument_workspace(const char *name, struct xq_workspace **workspace)
{
	struct xq_device *dev;
	int err;

	if (argument_device(name, &dev))
		return EXIT_ERROR;
	err = xq_workspace_create(dev, workspace);
	if (!err)
		return 0;
	fail("%s: %s", xq_device_name(dev), strerror(-err));
	xq_device_close(dev);
	return EXIT_ERROR;
}

void argument_workspace_close(struct xq_workspace *workspace)
{
	struct xq_device *dev = xq_workspace_device(workspace);

	xq_workspace_destroy(workspace);
	xq_device_close(dev);
}
