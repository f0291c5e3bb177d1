// SPDX-License-Identifier: GPL-2.0
/*
 * Model files that were good before something was changed in them: never a crash, an error without a sentence, or
 * more memory than a few times the file. XQ_MODEL_FILES names the folder: the seeds of a reader's fuzzer.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "tests/fuzz/model_case.h"

#define MOST_FILES	512

/* Changed files in all. */
#define MUTATIONS	90000

/* What loading may take for each byte of the file, and in any case. Tables of a file are shared up to a limit. */
#define EACH_BYTE	64
#define ALWAYS		(1U << 20)

struct file {
	char name[320];
	uint8_t *data;
	size_t bytes;
};

static const char *folder_name;
static struct file files[MOST_FILES];
static unsigned int count;
static struct xq_device *dev;

/* ---- memory ---------------------------------------------------------------------------------------------- */

/* Bytes asked for since it was set to 0; only of this thread. */
static _Thread_local size_t asked;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t n, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t n, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
	asked += bytes;
	return __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	asked += n * bytes;
	return __real_calloc(n, bytes);
}

/* Arrays double, so what they grow by counts, not what they are. */
void *__wrap_realloc(void *old, size_t bytes)
{
	asked += bytes / 2;
	return __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t n, size_t bytes)
{
	asked += n * bytes / 2;
	return __real_reallocarray(old, n, bytes);
}

/* ---- files ------------------------------------------------------------------------------------------------- */

static void read_files(void)
{
	DIR *folder = opendir(folder_name);
	struct dirent *entry;

	while (folder && count < MOST_FILES && (entry = readdir(folder))) {
		struct file *f = &files[count];
		FILE *from;
		long bytes;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(f->name, sizeof(f->name), "%s/%s", folder_name, entry->d_name);
		from = fopen(f->name, "rb");
		if (!from)
			continue;
		fseek(from, 0, SEEK_END);
		bytes = ftell(from);
		rewind(from);
		f->data = bytes > 0 ? malloc((size_t)bytes) : NULL;
		f->bytes = f->data ? fread(f->data, 1, (size_t)bytes, from) : 0;
		count += f->bytes > 0;
		fclose(from);
	}
	if (folder)
		closedir(folder);
}

static void load(const struct file *f, const uint8_t *data, size_t bytes, const char *what, unsigned int number)
{
	struct xq_model *model;
	const char *wrong;

	asked = 0;
	if (!xq_model_create(&model)) {
		const int err = xq_model_load_memory(model, data, bytes);

		EXPECT(asked <= EACH_BYTE * bytes + ALWAYS, "%s, %s %u: %zu bytes of memory for a file of %zu", f->name, what,
		       number, asked, bytes);
		EXPECT(!err || *xq_model_error(model), "%s, %s %u: no sentence", f->name, what, number);
		xq_model_destroy(model);
	}
	wrong = fuzz_case(dev, data, bytes);
	EXPECT(!wrong, "%s, %s %u: %s", f->name, what, number, wrong);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void opens(void)
{
	EXPECT(!xq_device_open("soft", &dev), "no device");
	folder_name = getenv("XQ_MODEL_FILES");
	if (EXPECT(folder_name, "XQ_MODEL_FILES is not set"))
		read_files();
	EXPECT(count >= 8, "%u files; run from the top of the checkout", count);
}

static void good_files(void)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		/* What a fuzzer found once, and what has to be refused. */
		const bool good = !strstr(files[i].name, "/bad_");
		unsigned int runs = 0;
		const char *wrong = model_case(dev, files[i].data, files[i].bytes, &runs);

		EXPECT(!wrong && (runs == 1 || !good), "%s: %s, %u runs", files[i].name, wrong ? wrong : "no complaint", runs);
	}
}

static void cut_off(void)
{
	unsigned int i;
	size_t n;

	for (i = 0; i < count; i++) {
		for (n = 0; n < files[i].bytes; n++) {
			/* In memory of just that size, so that reading on is seen. */
			uint8_t *data = malloc(n ? n : 1);

			memcpy(data, files[i].data, n);
			load(&files[i], data, n, "cut to", (unsigned int)n);
			free(data);
		}
	}
}

/* A number that is near some end. */
static uint32_t odd_number(size_t bytes)
{
	static const uint32_t numbers[] = { 0, 1, 2, 3, 4, 8, 16, 127, 128, 255, 256, 0x7fff, 0xffff, 0x10000, 0x7fffffff,
					    0x80000000, 0xfffffffe, 0xffffffff };
	const uint32_t pick = (uint32_t)(ktap_random() % 24);

	if (pick < sizeof(numbers) / sizeof(numbers[0]))
		return numbers[pick];
	return pick < 21 ? (uint32_t)bytes - (uint32_t)(ktap_random() % 64) : (uint32_t)(ktap_random() % (2 * bytes));
}

static void mutate(uint8_t *data, size_t bytes)
{
	const size_t at = ktap_random() % bytes;
	uint32_t number = odd_number(bytes);

	switch (ktap_random() % 5) {
	case 0:
		data[at] ^= (uint8_t)(1U << ktap_random() % 8);
		break;
	case 1:
		data[at] = (uint8_t)ktap_random();
		break;
	case 2:
		memcpy(data + at / 2 * 2, &number, at / 2 * 2 + 2 <= bytes ? 2 : 1);
		break;
	case 3:
		if (at / 4 * 4 + 4 <= bytes)
			memcpy(data + at / 4 * 4, &number, 4);
		break;
	default: {
		/* A piece of itself in another place. */
		const size_t from = ktap_random() % bytes, room = bytes - (from > at ? from : at);

		memmove(data + at, data + from, room < 16 ? room : 16);
	}
	}
}

static void mutated(void)
{
	unsigned int i, n, k;

	for (i = 0; i < count; i++) {
		uint8_t *data = malloc(files[i].bytes);

		for (n = 0; n < MUTATIONS / count; n++) {
			memcpy(data, files[i].data, files[i].bytes);
			for (k = 0; k <= ktap_random() % 4; k++)
				mutate(data, files[i].bytes);
			load(&files[i], data, files[i].bytes, "mutation", n);
		}
		free(data);
	}
}

static void closes(void)
{
	xq_device_close(dev);
	while (count)
		free(files[--count].data);
}

KTAP_MAIN({ "a device and files", opens }, { "files as they were", good_files }, { "files that are cut off", cut_off },
	  { "files in which something was changed", mutated }, { "the device closes", closes })
