// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npy.h"

/* numpy itself writes a few hundred bytes. */
#define MOST_HEADER_BYTES	(1U << 20)

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

/* "()", "(3,)", "(2, 3)", "(2, 3,)"; Python 2 wrote "(2L, 3L)" */
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
		if (s->at < s->end && *s->at == 'L')
			s->at++;
		comma = take(s, ",");
	}
	if (t->ndim == 1 && !comma)
		return "the shape in its header is malformed";
	return NULL;
}

/* Types of ml_dtypes that are held one a byte: what a tensor has instead, and the bits that count. */
static const struct {
	const char *name, *type;
	unsigned int bits;
} narrow_types[] = {
	{ "int4", "int8", 4 }, { "uint4", "uint8", 4 }, { "int2", "int8", 2 }, { "uint2", "uint8", 2 },
};

static const char *rename_type(const char *as, struct tensor *t, unsigned int *narrow)
{
	struct tensor named = *t;

	for (size_t i = 0; i < sizeof(narrow_types) / sizeof(narrow_types[0]); i++) {
		if (!strcmp(as, narrow_types[i].name)) {
			as = narrow_types[i].type;
			*narrow = narrow_types[i].bits;
		}
	}
	if (!tensor_set_type(&named, as))
		return "no element type is called as it says behind the colon";
	if (named.bytes != t->bytes)
		return "its elements have another size than the type behind the colon";
	*t = named;
	return NULL;
}

/* "<i4", "|i1", "<f8", "=f4": sets kind and bytes. */
static const char *read_type(const char *type, const char *as, struct tensor *t, unsigned int *narrow)
{
	t->format = XQ_FLOAT_FP16;
	*narrow = 0;
	if (strlen(type) != 3 || !strchr("<>|=", type[0]) || !strchr("iufbV", type[1]) || !strchr("1248", type[2]) ||
	    (type[1] == 'b' && type[2] != '1'))
		return "its element type is not a bool, an integer or a float";
	t->kind = type[1] == 'b' ? 'u' : type[1];
	t->bytes = (unsigned int)(type[2] - '0');
	if (t->bytes > 1 && type[0] == '>')
		return "it is not little-endian";
	if (as)
		return rename_type(as, t, narrow);
	/* How ml_dtypes' float8_e5m2 and bfloat16 are saved. */
	if (t->kind == 'f' && t->bytes == 1)
		t->format = XQ_FLOAT_E5M2;
	if (t->kind != 'V')
		return NULL;
	if (t->bytes != 2)
		return "its elements are of a type that numpy has no name for; name it behind a colon, like x.npy:int4"
		       " or x.npy:float8_e4m3fn";
	t->kind = 'f';
	t->format = XQ_FLOAT_BF16;
	return NULL;
}

/* Fortran order is C order where all but one dimension are 1. */
static bool order_matters(const struct tensor *t)
{
	unsigned int wide = 0;

	for (unsigned int i = 0; i < t->ndim; i++) {
		if (!t->dim[i])
			return false;
		wide += t->dim[i] != 1;
	}
	return wide > 1;
}

static const char *read_header(struct text s, const char *as, struct tensor *t, unsigned int *narrow)
{
	enum { TYPE = 1, ORDER = 2, SHAPE = 4 };
	unsigned int seen = 0;
	bool fortran = false;
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
			wrong = take_string(&s, type, sizeof(type)) ? read_type(type, as, t, narrow) :
				"its elements are structures";
		else if (this == SHAPE)
			wrong = take_shape(&s, t);
		else if (take(&s, "True"))
			fortran = true;
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
	if (seen != (TYPE | ORDER | SHAPE) || s.at != s.end)
		return "its header is malformed";
	return fortran && order_matters(t) ? "it is in Fortran order; save it with numpy.ascontiguousarray" : NULL;
}

/* ---- the file --------------------------------------------------------------------------------- */

const char *npy_read_header(const uint8_t *start, struct byte_source *from, const char *as,
			    struct tensor *t, unsigned int *narrow)
{
	uint8_t size[4] = { 0 };
	const char *wrong;
	size_t length;
	char *text;

	*t = (struct tensor){ 0 };
	if (memcmp(start, NPY_MAGIC, NPY_MAGIC_BYTES))
		return "it is not a .npy file";
	/* Version 3 has UTF-8 where version 2 has Latin-1; what we take is ASCII. */
	if (start[6] < 1 || start[6] > 3 || start[7])
		return "its .npy version is none of 1.0, 2.0 and 3.0";
	wrong = byte_source_get(from, size, start[6] == 1 ? 2 : 4);
	if (wrong)
		return wrong;
	length = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
	if (byte_source_short(from, length))
		return "it is cut short";
	if (length > MOST_HEADER_BYTES)
		return "its header is too long";
	text = malloc(length + 1);
	if (!text)
		return "there is not enough memory for it";
	wrong = byte_source_get(from, text, length);
	if (!wrong)
		wrong = read_header((struct text){ text, text + length }, as, t, narrow);
	free(text);
	if (!wrong && !tensor_count(t))
		wrong = "its shape is too large";
	return wrong;
}

const char *npy_read_source(struct byte_source *from, const char *as, struct tensor *t)
{
	uint8_t start[NPY_START_BYTES];
	unsigned int narrow = 0;
	const char *wrong;

	*t = (struct tensor){ 0 };
	if (byte_source_get(from, start, sizeof(start)))
		return "it is not a .npy file";
	wrong = npy_read_header(start, from, as, t, &narrow);
	if (!wrong)
		wrong = tensor_take(from, narrow, t);
	if (!wrong)
		wrong = byte_source_end(from);
	if (wrong)
		tensor_free(t);
	return wrong;
}

const char *npy_parse(const void *file, size_t bytes, struct tensor *t)
{
	struct byte_span span = { file, bytes };
	struct byte_source from = byte_source_memory(&span);

	return npy_read_source(&from, NULL, t);
}

const char *npy_read(const char *path, struct tensor *t)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct byte_source from;
	const char *wrong;

	*t = (struct tensor){ 0 };
	if (fd < 0)
		return strerror(errno);
	from = byte_source_fd(fd);
	wrong = npy_read_source(&from, NULL, t);
	close(fd);
	return wrong;
}

char *npy_header(const struct tensor *t, size_t *size)
{
	char *header = calloc(1, 1024);
	size_t at = 10, i, length;
	char kind = t->kind;

	if (!header)
		return NULL;
	/* As ml_dtypes' types are saved. */
	if (t->kind == 'f' && t->bytes <= 2 && (t->format == XQ_FLOAT_BF16 || t->format == XQ_FLOAT_E4M3))
		kind = 'V';
	at += (size_t)sprintf(header + at, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': (",
			      t->bytes == 1 && kind != 'V' ? '|' : '<', kind, t->bytes);
	for (i = 0; i < t->ndim; i++)
		at += (size_t)sprintf(header + at, "%zu, ", t->dim[i]);
	at -= t->ndim > 1 ? 2 : t->ndim;
	at += (size_t)sprintf(header + at, "), }");
	while ((at + 1) % 64)
		header[at++] = ' ';
	header[at++] = '\n';
	length = at - 10;
	memcpy(header, NPY_MAGIC "\x01\x00", NPY_MAGIC_BYTES + 2);
	header[8] = (char)(length & 0xff);
	header[9] = (char)(length >> 8);
	*size = at;
	return header;
}
