// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "model_file.h"

#define TEXTS	4
#define TEXT	256

bool model_file_is(const char *path)
{
	const char *end = strrchr(path, '.');
	struct stat st;
	/* A pipe is opened once: its writer would not wait for a second time. */
	const int fd = !stat(path, &st) && S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char head[8] = "";
	bool tflite;

	if (fd < 0)
		return false;
	tflite = pread(fd, head, sizeof(head), 0) == sizeof(head) && !memcmp(head + 4, "TFL3", 4);
	close(fd);
	return tflite || (end && (!strcmp(end, ".onnx") || !strcmp(end, ".tflite")));
}

int model_file_load(const char *path, struct xq_model **model)
{
	int err = xq_model_create(model);

	if (err)
		return fail("there is not enough memory");
	err = xq_model_load(*model, path);
	if (!err)
		return 0;
	fail("%s: %s", path, xq_model_error(*model));
	xq_model_destroy(*model);
	*model = NULL;
	return EXIT_ERROR;
}

bool model_element(int type, char *kind, unsigned int *bytes)
{
	switch (type) {
	case XQ_NONE:
		return false;
	case XQ_F32:
	case XQ_F16:
	case XQ_MODEL_F64:
		*kind = 'f';
		break;
	case XQ_MODEL_S64:
		*kind = 'i';
		break;
	case XQ_MODEL_BOOL:
	case XQ_MODEL_U32:
	case XQ_MODEL_U64:
		*kind = 'u';
		break;
	case XQ_BF16:
	case XQ_E8M0:
		return false;
	default:
		*kind = xq_type_signed((enum xq_type)type) ? 'i' : 'u';
		break;
	}
	*bytes = (unsigned int)xq_model_type_bytes(type);
	return *bytes;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static char *new_text(void)
{
	static char text[TEXTS][TEXT];
	static unsigned int next;

	next = (next + 1) % TEXTS;
	text[next][0] = 0;
	return text[next];
}

const char *model_tensor_text(const struct xq_model_tensor *t)
{
	char *text = new_text();
	int n = snprintf(text, TEXT, "%s ", xq_model_type_name(t->type));

	if (!t->known) {
		snprintf(text + n, TEXT - (size_t)n, "[..]");
		return text;
	}
	n += snprintf(text + n, TEXT - (size_t)n, "[");
	for (unsigned int i = 0; i < t->dims; i++) {
		if (t->dim[i] < 0)
			n += snprintf(text + n, TEXT - (size_t)n, "%s?", i ? ", " : "");
		else
			n += snprintf(text + n, TEXT - (size_t)n, "%s%" PRId64, i ? ", " : "", t->dim[i]);
	}
	snprintf(text + n, TEXT - (size_t)n, "]");
	return text;
}

const char *model_scale_text(const struct xq_model_tensor *t)
{
	char *text = new_text();

	if (t->scales > 1)
		snprintf(text, TEXT, "%zu scales along dimension %u", t->scales, t->axis);
	else if (t->scales)
		snprintf(text, TEXT, "scale %.6g, zero point %d", (double)t->scale[0], t->zero_point ? t->zero_point[0] : 0);
	return text;
}

const char *model_name_text(const char *name)
{
	char *text = new_text();

	snprintf(text, TEXT, "%s", name);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

const char *model_where_text(enum xq_where where)
{
	switch (where) {
	case XQ_ON_DEVICE:
		return "device";
	case XQ_ON_CPU:
		return "CPU";
	case XQ_ON_BOTH:
		return "both";
	default:
		return "-";
	}
}
