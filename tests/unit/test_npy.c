// SPDX-License-Identifier: MIT
/*
 * .npy files: what numpy (and Python 2's, and ml_dtypes) writes is read, and what isn't one is told apart.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxqaccel/tools/npy.h"

#include "ktap.h"

/* A file of a version with this header text, padded, and so many bytes after it. */
static uint8_t *make(int version, const char *header, size_t payload, size_t *size)
{
	const size_t length = strlen(header), start = version == 1 ? 10 : 12;
	uint8_t *f = calloc(1, start + length + payload + 1);

	memcpy(f, "\x93NUMPY", 6);
	f[6] = (uint8_t)version;
	f[8] = (uint8_t)length;
	f[9] = (uint8_t)(length >> 8);
	memcpy(f + start, header, length);
	for (size_t i = 0; i < payload; i++)
		f[start + length + i] = (uint8_t)(i + 1);
	*size = start + length + payload;
	return f;
}

static const char *parse(int version, const char *header, size_t payload, struct tensor *t)
{
	size_t size;
	uint8_t *f = make(version, header, payload, &size);
	const char *wrong = npy_parse(f, size, t);

	free(f);
	return wrong;
}

static void good_files(void)
{
	static const struct {
		const char *header;
		size_t payload;
		char kind;
		unsigned int bytes, ndim;
		size_t count;
	} cases[] = {
		{ "{'descr': '|i1', 'fortran_order': False, 'shape': (3, 4), }   \n", 12, 'i', 1, 2, 12 },
		{ "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }\n", 5, 'u', 1, 1, 5 },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (), }\n", 4, 'i', 4, 0, 1 },
		{ "{'shape': (2, 0, 7), 'descr': '<f4', 'fortran_order': False}", 0, 'f', 4, 3, 0 },
		{ "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (1, 2)}", 16, 'f', 8, 2, 2 },
		{ "{'descr':'<u2','fortran_order':False,'shape':(2,)}", 4, 'u', 2, 1, 2 },
		{ "{'descr': '=f4', 'fortran_order': False, 'shape': (2,), }", 8, 'f', 4, 1, 2 },
		{ "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", 3, 'u', 1, 1, 3 },
		{ "{'descr': '<i2', 'fortran_order': False, 'shape': (3L, 4L), }", 24, 'i', 2, 2, 12 },
		{ "{'descr': '<i2', 'fortran_order': False, 'shape': (5L,), }", 10, 'i', 2, 1, 5 },
		{ "{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }", 4, 'f', 2, 1, 2 },
		{ "{'descr': '<f1', 'fortran_order': False, 'shape': (2,), }", 2, 'f', 1, 1, 2 },
		{ "{'descr': '<i4', 'fortran_order': True, 'shape': (1, 3, 1), }", 12, 'i', 4, 3, 3 },
		{ "{'descr': '<i4', 'fortran_order': True, 'shape': (), }", 4, 'i', 4, 0, 1 },
		{ "{'descr': '<i4', 'fortran_order': True, 'shape': (0, 5), }", 0, 'i', 4, 2, 0 },
	};
	struct tensor t;

	for (size_t i = 0; i < 3 * sizeof(cases) / sizeof(*cases); i++) {
		const char *wrong = parse(1 + i % 3, cases[i / 3].header, cases[i / 3].payload, &t);

		EXPECT(!wrong, "case %zu: %s", i / 3, wrong ? wrong : "");
		if (wrong)
			continue;
		EXPECT(t.kind == cases[i / 3].kind && t.bytes == cases[i / 3].bytes &&
		       t.ndim == cases[i / 3].ndim && t.count == cases[i / 3].count, "case %zu", i / 3);
		if (t.count)
			EXPECT(((uint8_t *)t.data)[0] == 1, "data");
		tensor_free(&t);
	}
	EXPECT(!parse(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", 4, &t), "int32");
	EXPECT(tensor_int(&t, 0) == 0x04030201, "%ld", (long)tensor_int(&t, 0));
	tensor_free(&t);
}

static void bad_files(void)
{
	static const struct {
		const char *header;
		size_t payload;
		const char *says;
	} cases[] = {
		{ "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 1, 2), }", 16, "Fortran" },
		{ "{'descr': '<i4', 'shape': (2, 2), 'fortran_order': True, }", 16, "Fortran" },
		{ "{'descr': '>i4', 'fortran_order': False, 'shape': (1,), }", 4, "little-endian" },
		{ "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, "type" },
		{ "{'descr': '<b4', 'fortran_order': False, 'shape': (1,), }", 4, "type" },
		{ "{'descr': '|V1', 'fortran_order': False, 'shape': (1,), }", 1, "name it behind a colon" },
		{ "{'descr': '<V4', 'fortran_order': False, 'shape': (1,), }", 4, "name it behind a colon" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1l,), }", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (L,), }", 4, "malformed" },
		{ "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "type" },
		{ "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", 4, "structures" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", 7, "cut short" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", 9, "more bytes" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0, "large" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (9223372036854775807,), }", 0, "large" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", 0, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (-1,), }", 0, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (3), }", 12, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (,), }", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1 2), }", 8, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), 'shape': (1,), }", 4, "key" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), 'x': 1, }", 4, "key" },
		{ "{'descr': '<i4', 'fortran_order': False, }", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), } x", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1,)", 4, "malformed" },
		{ "{'descr': '<i4", 4, "structures" },
		{ "{'descr' '<i4'}", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': Maybe, 'shape': (1,), }", 4, "malformed" },
		{ "{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", 4,
		  "too many" },
		{ "", 0, "malformed" },
	};
	struct tensor t;
	size_t size;
	uint8_t *f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *wrong = parse(1, cases[i].header, cases[i].payload, &t);

		EXPECT(wrong && strstr(wrong, cases[i].says), "case %zu: %s", i, wrong ? wrong : "taken");
		EXPECT(wrong && !t.data, "case %zu leaves data", i);
	}
	EXPECT(npy_parse("", 0, &t) && npy_parse("\x93NUMPY", 6, &t), "magic");
	EXPECT(npy_parse("\x93NUMPZ\x01\0\0\0", 10, &t), "magic");
	EXPECT(parse(4, "{}", 0, &t) && parse(0, "{}", 0, &t), "versions 4 and 0");
	/* Cut anywhere, it is never taken for whole. */
	f = make(2, "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, &size);
	for (size_t i = 0; i < size; i++) {
		uint8_t *cut = malloc(i + 1);

		memcpy(cut, f, i);
		EXPECT(npy_parse(cut, i, &t), "cut at %zu", i);
		free(cut);
	}
	free(f);
}

/* Types that a .npy file does not name, named behind the colon. */
static void named_types(void)
{
	static const struct {
		const char *descr, *as, *type;
		uint8_t bytes[2];
		double value;
	} cases[] = {
		{ "<V2", NULL, "bfloat16", { 0x40, 0xc0 }, -3 },
		{ "<V2", "float16", "float16", { 0x00, 0x42 }, 3 },
		{ "<u2", "bfloat16", "bfloat16", { 0x80, 0x3f }, 1 },
		{ "<f1", NULL, "float8_e5m2", { 0x42 }, 3 },
		{ "|V1", "float8_e5m2", "float8_e5m2", { 0xc2 }, -3 },
		{ "|V1", "float8_e4m3fn", "float8_e4m3fn", { 0x7e }, 448 },
		{ "|V1", "int4", "int8", { 0xf8 }, -8 },
		{ "<V1", "int4", "int8", { 0x08 }, -8 },	/* whatever is above the four bits */
		{ "|V1", "int4", "int8", { 0x07 }, 7 },
		{ "|V1", "uint4", "uint8", { 0x0f }, 15 },
		{ "|V1", "int2", "int8", { 0x02 }, -2 },
		{ "|V1", "uint2", "uint8", { 0x03 }, 3 },
		{ "|V1", "int8", "int8", { 0x80 }, -128 },
	};
	char header[100];
	struct tensor t;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct byte_span span;
		struct byte_source from;
		const char *wrong;
		size_t size, width = (size_t)(cases[i].descr[2] - '0');
		uint8_t *f;

		snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': (1,)}", cases[i].descr);
		f = make(1, header, width, &size);
		memcpy(f + size - width, cases[i].bytes, width);
		span = (struct byte_span){ f, size };
		from = byte_source_memory(&span);
		wrong = npy_read_source(&from, cases[i].as, &t);
		EXPECT(!wrong, "case %zu: %s", i, wrong ? wrong : "");
		if (!wrong) {
			EXPECT(!strcmp(tensor_type_name(&t), cases[i].type), "case %zu: %s", i, tensor_type_name(&t));
			EXPECT(tensor_double(&t, 0) == cases[i].value, "case %zu: %g", i, tensor_double(&t, 0));
			tensor_free(&t);
		}
		free(f);
	}
}

static void headers(void)
{
	static const struct {
		unsigned int ndim;
		size_t dim[3];
	} shapes[] = { { 0, { 0 } }, { 1, { 7 } }, { 2, { 3, 0 } }, { 3, { 1, 2, 3 } } };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct tensor t, back;
		size_t size;
		uint8_t *file;
		char *header;

		EXPECT(tensor_alloc(&t, 'i', 2, shapes[i].ndim, shapes[i].dim), "alloc");
		header = npy_header(&t, &size);
		EXPECT(size % 64 == 0, "%zu", size);
		file = calloc(1, size + t.count * 2 + 1);
		memcpy(file, header, size);
		EXPECT(!npy_parse(file, size + t.count * 2, &back), "read back");
		EXPECT(back.ndim == t.ndim && back.count == t.count && back.kind == 'i' && back.bytes == 2 &&
		       !memcmp(back.dim, t.dim, sizeof(t.dim)), "shape %zu", i);
		tensor_free(&t);
		tensor_free(&back);
		free(header);
		free(file);
	}
}

static void files(void)
{
	struct tensor t;
	int fd[2];

	EXPECT(npy_read("/no/such/file", &t), "no file");
	EXPECT(npy_read("/", &t), "a folder");
	EXPECT(npy_read("/dev/null", &t), "nothing");
	EXPECT(!pipe(fd), "pipe");
	if (!fork()) {
		size_t size;
		uint8_t *f = make(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (200000,), }", 200000, &size);

		close(fd[0]);
		_exit(write(fd[1], f, size) < 0);
	}
	close(fd[1]);
	dup2(fd[0], 0);
	EXPECT(!npy_read("/proc/self/fd/0", &t) && t.count == 200000, "a pipe");
	tensor_free(&t);
	close(fd[0]);
}

KTAP_MAIN({ "files as numpy writes them", good_files }, { "files that are refused", bad_files },
	  { "types named behind a colon", named_types },
	  { "headers read back", headers }, { "files and pipes", files })
