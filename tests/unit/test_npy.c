// SPDX-License-Identifier: MIT
/*
 * .npy files: what numpy writes is read, and what isn't one is told apart.
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
	};
	struct tensor t;

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const char *wrong = parse(1 + i % 2, cases[i / 2].header, cases[i / 2].payload, &t);

		EXPECT(!wrong, "case %zu: %s", i / 2, wrong ? wrong : "");
		if (wrong)
			continue;
		EXPECT(t.kind == cases[i / 2].kind && t.bytes == cases[i / 2].bytes &&
		       t.ndim == cases[i / 2].ndim && t.count == cases[i / 2].count, "case %zu", i / 2);
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
		{ "{'descr': '<i4', 'fortran_order': True, 'shape': (1, 1), }", 4, "Fortran" },
		{ "{'descr': '>i4', 'fortran_order': False, 'shape': (1,), }", 4, "little-endian" },
		{ "{'descr': '=i4', 'fortran_order': False, 'shape': (1,), }", 4, "little-endian" },
		{ "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, "type" },
		{ "{'descr': '|f1', 'fortran_order': False, 'shape': (1,), }", 1, "type" },
		{ "{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", 1, "type" },
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
	EXPECT(parse(3, "{}", 0, &t), "version 3");
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
	  { "headers read back", headers }, { "files and pipes", files })
