// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npy.h"

#define MAGIC		"\x93NUMPY"
#define MAGIC_BYTES	6

/* ---- the header: a Python dictionary of three keys ------------------------------------------ */

struct text {
	const char *at, *end;
};

static void skip_space(struct text *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
		s->at++;
}

/* Takes the token if it stands next. */
static bool take(struct text *s, const char *token)
{
	const size_t len = strlen(token);

	skip_space(s);
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, token, len))
		return false;
	s->at += len;
	return true;
}

static bool take_string(struct text *s, char *out, size_t size)
{
	size_t len = 0;
	char quote;

	skip_space(s);
	if (s->at == s->end || (*s->at != '\'' && *s->at != '"'))
		return false;
	quote = *s->at++;
	while (s->at < s->end && *s->at != quote) {
		if (len + 1 == size || *s->at == '\\')
			return false;
		out[len++] = *s->at++;
	}
	out[len] = 0;
	return take(s, quote == '"' ? "\"" : "'");
}

static bool take_size(struct text *s, size_t *value)
{
	const char *start;

	skip_space(s);
	start = s->at;
	for (*value = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
		if (__builtin_mul_overflow(*value, (size_t)10, value) ||
		    __builtin_add_overflow(*value, (size_t)(*s->at - '0'), value))
			return false;
	return s->at > start;
}

/* "()", "(3,)", "(2, 3)", "(2, 3,)" */
static const char *take_shape(struct text *s, struct tensor *t)
{
	bool comma = true;

	if (!take(s, "("))
		return "its header has no shape";
	while (!take(s, ")")) {
		if (t->ndim == TENSOR_MAX_DIMS)
			return "it has too many dimensions";
		if (!comma || !take_size(s, &t->dim[t->ndim++]))
			return "the shape in its header is malformed";
		comma = take(s, ",");
	}
	if (t->ndim == 1 && !comma)
		return "the shape in its header is malformed";
	return NULL;
}

/* "<i4", "|i1", "<f8": sets kind and bytes. */
static const char *read_type(const char *type, struct tensor *t)
{
	if (strlen(type) != 3 || !strchr("<>|=", type[0]) || !strchr("iuf", type[1]) ||
	    !strchr("1248", type[2]) || (type[1] == 'f' && type[2] < '2'))
		return "its element type is not an integer, float16, float32 or float64";
	t->kind = type[1];
	t->bytes = (unsigned int)(type[2] - '0');
	if (t->bytes > 1 && type[0] != '<')
		return "it is not little-endian";
	return NULL;
}

static const char *read_header(struct text s, struct tensor *t)
{
	enum { TYPE = 1, ORDER = 2, SHAPE = 4 };
	unsigned int seen = 0;
	char key[32], type[32];
	const char *wrong;

	if (!take(&s, "{"))
		return "its header is malformed";
	while (!take(&s, "}")) {
		unsigned int this;

		if (!take_string(&s, key, sizeof(key)) || !take(&s, ":"))
			return "its header is malformed";
		this = !strcmp(key, "descr") ? TYPE : !strcmp(key, "fortran_order") ? ORDER :
		       !strcmp(key, "shape") ? SHAPE : 0;
		if (!this || seen & this)
			return "its header has a key that is unknown or twice there";
		seen |= this;
		wrong = NULL;
		if (this == TYPE)
			wrong = take_string(&s, type, sizeof(type)) ? read_type(type, t) :
				"its elements are structures";
		else if (this == SHAPE)
			wrong = take_shape(&s, t);
		else if (take(&s, "True"))
			wrong = "it is in Fortran order; save it with numpy.ascontiguousarray";
		else if (!take(&s, "False"))
			wrong = "its header is malformed";
		if (wrong)
			return wrong;
		if (!take(&s, ",")) {
			if (!take(&s, "}"))
				return "its header is malformed";
			break;
		}
	}
	skip_space(&s);
	return seen != (TYPE | ORDER | SHAPE) || s.at != s.end ? "its header is malformed" : NULL;
}

/* ---- the file --------------------------------------------------------------------------------- */

const char *npy_parse(const void *file, size_t bytes, struct tensor *t)
{
	const uint8_t *f = file;
	size_t length, skip;
	const char *wrong;

	*t = (struct tensor){ 0 };
	if (bytes < MAGIC_BYTES + 2 || memcmp(f, MAGIC, MAGIC_BYTES))
		return "it is not a .npy file";
	if ((f[6] != 1 && f[6] != 2) || f[7])
		return "its .npy version is neither 1.0 nor 2.0";
	skip = f[6] == 1 ? 10 : 12;
	if (bytes < skip)
		return "it is cut short";
	length = f[8] | (size_t)f[9] << 8;
	if (f[6] == 2)
		length |= (size_t)f[10] << 16 | (size_t)f[11] << 24;
	if (length > bytes - skip)
		return "it is cut short";
	f += skip;
	wrong = read_header((struct text){ (const char *)f, (const char *)f + length }, t);
	if (wrong)
		return wrong;
	if (!tensor_count(t))
		return "its shape is too large";
	f += length;
	bytes -= skip + length;
	if (bytes < t->count * t->bytes)
		return "it is cut short";
	if (bytes > t->count * t->bytes)
		return "more bytes follow its elements";
	t->data = malloc(bytes ? bytes : 1);
	if (!t->data)
		return "there is not enough memory for it";
	memcpy(t->data, f, bytes);
	return NULL;
}

/* Reads to the end: a pipe has no size. */
static const char *read_all(int fd, uint8_t **data, size_t *bytes)
{
	struct stat st;
	size_t room = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 ?
		      (size_t)st.st_size + 1 : 65536;
	ssize_t got;

	*bytes = 0;
	*data = malloc(room);
	while (*data) {
		if (*bytes == room) {
			uint8_t *more = realloc(*data, room *= 2);

			if (!more)
				break;
			*data = more;
		}
		got = read(fd, *data + *bytes, room - *bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return strerror(errno);
		if (!got)
			return NULL;
		*bytes += (size_t)got;
	}
	return "there is not enough memory for it";
}

const char *npy_read(const char *path, struct tensor *t)
{
	uint8_t *data = NULL;
	const char *wrong;
	size_t bytes;
	int fd;

	*t = (struct tensor){ 0 };
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	wrong = read_all(fd, &data, &bytes);
	if (!wrong)
		wrong = npy_parse(data, bytes, t);
	free(data);
	close(fd);
	return wrong;
}

char *npy_header(const struct tensor *t, size_t *size)
{
	char *header = calloc(1, 1024);
	size_t at = 10, i, length;

	if (!header)
		return NULL;
	at += (size_t)sprintf(header + at, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': (",
			      t->bytes == 1 ? '|' : '<', t->kind, t->bytes);
	for (i = 0; i < t->ndim; i++)
		at += (size_t)sprintf(header + at, "%zu, ", t->dim[i]);
	at -= t->ndim > 1 ? 2 : t->ndim;
	at += (size_t)sprintf(header + at, "), }");
	while ((at + 1) % 64)
		header[at++] = ' ';
	header[at++] = '\n';
	length = at - 10;
	memcpy(header, MAGIC "\x01\x00", MAGIC_BYTES + 2);
	header[8] = (char)(length & 0xff);
	header[9] = (char)(length >> 8);
	*size = at;
	return header;
}
