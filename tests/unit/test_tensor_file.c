// SPDX-License-Identifier: MIT
/*
 * Tensors from files of several: .npz by name, safetensors by name, all of them damaged at any byte.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "libxqaccel/tools/npy.h"
#include "libxqaccel/tools/tensor_file.h"

#include "ktap.h"

/* A .npy file of int8 counting from first. */
static uint8_t *npy_of(size_t count, int8_t first, size_t *size)
{
	struct tensor t;
	uint8_t *file;
	char *header;

	EXPECT(tensor_alloc(&t, 'i', 1, 1, &count), "alloc");
	header = npy_header(&t, size);
	file = malloc(*size + count);
	memcpy(file, header, *size);
	for (size_t i = 0; i < count; i++)
		file[*size + i] = (uint8_t)(first + (int8_t)i);
	*size += count;
	free(header);
	tensor_free(&t);
	return file;
}

/* A .npz of w (3 elements) and b (300), compressed or not; only w if alone. */
static uint8_t *npz_of(bool compressed, bool alone, size_t *size)
{
	char path[] = "/tmp/test_tensor_file.XXXXXX";
	const int fd = mkstemp(path);
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
	uint8_t *member[2], *file;

	EXPECT(fd >= 0 && zip, "a zip");
	for (int i = 0; i < 2 - alone; i++) {
		size_t bytes;
		zip_int64_t index;

		member[i] = npy_of(i ? 300 : 3, (int8_t)(5 - i), &bytes);
		index = zip_file_add(zip, i ? "b.npy" : "w.npy", zip_source_buffer(zip, member[i], bytes, 1), 0);
		zip_set_file_compression(zip, (zip_uint64_t)index, compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
	}
	EXPECT(!zip_close(zip), "write");
	close(fd);
	{
		const int in = open(path, O_RDONLY);
		struct byte_source from = byte_source_fd(in);

		EXPECT(!byte_source_all(&from, &file, size), "read");
		close(in);
	}
	unlink(path);
	return file;
}

static void expect_tensor(const char *what, const void *file, size_t size, const char *member, size_t count, int first)
{
	struct tensor t;
	const char *wrong = tensor_parse(file, size, member, &t);

	EXPECT(!wrong, "%s: %s", what, wrong ? wrong : "");
	if (wrong)
		return;
	EXPECT(t.count == count && tensor_int(&t, 0) == first, "%s: %zu elements from %ld", what, t.count,
	       (long)tensor_int(&t, 0));
	tensor_free(&t);
}

static void expect_wrong(const char *says, const void *file, size_t size, const char *member)
{
	struct tensor t;
	const char *wrong = tensor_parse(file, size, member, &t);

	EXPECT(wrong && strstr(wrong, says), "%s: %s", says, wrong ? wrong : "taken");
	EXPECT(wrong && !t.data, "%s leaves data", says);
}

static void npz(void)
{
	for (int compressed = 0; compressed < 2; compressed++) {
		size_t size;
		uint8_t *file = npz_of(compressed, false, &size);

		expect_tensor("w", file, size, "w", 3, 5);
		expect_tensor("b", file, size, "b", 300, 4);
		expect_tensor("b.npy", file, size, "b.npy", 300, 4);
		expect_tensor("w:uint4", file, size, "w:uint4", 3, 5);
		expect_wrong("several tensors; name one behind a colon: w, b", file, size, NULL);
		expect_wrong("no tensor called c; it has w, b", file, size, "c");
		expect_wrong("no element type", file, size, "w:int5");
		free(file);
		file = npz_of(compressed, true, &size);
		expect_tensor("the only one", file, size, NULL, 3, 5);
		free(file);
	}
}

/* Whatever byte is changed or missing, it is refused or a tensor; sanitizers see the rest. */
static void damaged(void)
{
	size_t size;
	uint8_t *file = npz_of(true, true, &size);
	struct tensor t;

	for (size_t i = 0; i < size; i++) {
		file[i] ^= 0x55;
		if (!tensor_parse(file, size, NULL, &t))
			tensor_free(&t);
		file[i] ^= 0x55;
		expect_wrong("", file, i, NULL);
	}
	free(file);
}

/* A safetensors file of this header and so many bytes. */
static uint8_t *safetensors_of(const char *header, size_t payload, size_t *size)
{
	const size_t length = strlen(header);
	uint8_t *file = calloc(1, 8 + length + payload);

	for (int i = 0; i < 8; i++)
		file[i] = (uint8_t)((uint64_t)length >> 8 * i);
	memcpy(file + 8, header, length);
	for (size_t i = 0; i < payload; i++)
		file[8 + length + i] = (uint8_t)i;
	*size = 8 + length + payload;
	return file;
}

#define ENTRY(name, type, shape, from, to) \
	"\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to "]}"

static void safetensors(void)
{
	static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," ENTRY("a", "I8", "3", "0", "3") ","
				     ENTRY("b.weight", "U8", "2,2", "3", "7") "," ENTRY("none", "F32", "0", "7", "7") "}  ";
	size_t size;
	uint8_t *file = safetensors_of(header, 7, &size);

	expect_tensor("a", file, size, "a", 3, 0);
	expect_tensor("b.weight", file, size, "b.weight", 4, 3);
	expect_wrong("several tensors; name one behind a colon: a, b.weight, none", file, size, NULL);
	expect_wrong("no tensor called __metadata__", file, size, "__metadata__");
	for (size_t i = 0; i < size - 4; i++)
		expect_wrong("", file, i, "b.weight");
	free(file);
	file = safetensors_of("{" ENTRY("only", "I8", "", "1", "2") "}", 2, &size);
	expect_tensor("the only one", file, size, NULL, 1, 1);
	free(file);
}

static void bad_safetensors(void)
{
	static const struct {
		const char *header, *says;
	} cases[] = {
		{ "{}", "no tensors" },
		{ "[]", "neither" },
		{ "{", "neither" },
		{ "{" ENTRY("a", "F4", "8", "0", "4") "}", "element type" },
		{ "{" ENTRY("a", "I8", "4", "0", "3") "}", "more or fewer" },
		{ "{" ENTRY("a", "I8", "4", "3", "0") "}", "no place" },
		{ "{" ENTRY("a", "I8", "4", "-1", "3") "}", "no place" },
		{ "{" ENTRY("a", "I8", "4", "8", "12") "}", "cut short" },
		{ "{" ENTRY("a", "I8", "-4", "0", "4") "}", "malformed" },
		{ "{" ENTRY("a", "I8", "1.5", "0", "4") "}", "malformed" },
		{ "{" ENTRY("a", "I8", "4611686018427387904,4", "0", "0") "}", "too large" },
		{ "{" ENTRY("a", "I8", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "0", "1") "}", "too many" },
		{ "{\"a\":{\"dtype\":\"I8\",\"data_offsets\":[0,4]}}", "no shape" },
		{ "{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", "no type" },
		{ "{\"a\":{\"dtype\":\"I8\",\"shape\":[4]}}", "no place" },
		{ "{" ENTRY("a", "I8", "4", "0", "4") "," ENTRY("a", "I8", "4", "0", "4") "}", "neither" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size;
		uint8_t *file = safetensors_of(cases[i].header, 4, &size);

		expect_wrong(cases[i].says, file, size, NULL);
		free(file);
	}
}

static void save(const char *path, const void *data, size_t size)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	EXPECT(fd >= 0 && write(fd, data, size) == (ssize_t)size, "%s", path);
	close(fd);
}

/* Names of files: colons in them, members behind them, and elements that are mapped. */
static void names(void)
{
	char folder[] = "/tmp/test_tensor_file.XXXXXX", name[8][100];
	size_t size;
	uint8_t *file;
	struct tensor t;

	EXPECT(mkdtemp(folder), "a folder");
	for (int i = 0; i < 8; i++) {
		static const char *const names[] = { "z.npz", "a:b.npy", "s.safetensors", "z.npz:w", "a:b.npy:int4",
						     "s.safetensors:a:b", "absent.npz:w", "z.npz:absent" };

		snprintf(name[i], sizeof(name[i]), "%s/%s", folder, names[i]);
	}
	file = npz_of(false, false, &size);
	save(name[0], file, size);
	free(file);
	file = npy_of(70000, 1, &size);
	save(name[1], file, size);
	free(file);
	file = safetensors_of("{" ENTRY("a:b", "I16", "3", "2", "8") "," ENTRY("c", "I8", "1", "0", "1") "}", 8, &size);
	save(name[2], file, size);
	free(file);
	for (int i = 1; i < 6; i++) {
		struct byte_share share = { 0 };
		const char *wrong = i == 2 ? NULL : tensor_read(name[i], &t, &share);

		EXPECT(!wrong, "%s: %s", name[i], wrong ? wrong : "");
		EXPECT(i == 2 || (share.done == share.total && share.done > 0), "%s: %lu of %lu", name[i], (long)share.done,
		       (long)share.total);
		if (!wrong && i != 2)
			tensor_free(&t);
	}
	EXPECT(tensor_read(name[6], &t, NULL) && tensor_read(name[7], &t, NULL), "what is not there");
	EXPECT(!tensor_map(name[1], &t, NULL) && t.map && tensor_int(&t, 69999) == (int8_t)(1 + 69999), "a mapping");
	tensor_free(&t);
	EXPECT(!tensor_map(name[3], &t, NULL) && !t.map && t.count == 3, "what can't be mapped");
	tensor_free(&t);
	for (int i = 0; i < 3; i++)
		unlink(name[i]);
	rmdir(folder);
}

KTAP_MAIN({ ".npz", npz }, { ".npz damaged", damaged }, { "safetensors", safetensors },
	  { "safetensors that are refused", bad_safetensors }, { "names", names })
