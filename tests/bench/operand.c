// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/xqaccel.h>

#include "operand.h"
#include "xq_geometry.h"

#define HUGE_PAGE	(2UL << 20)

/* The mapping is larger than asked for, so that it holds an aligned part; its size precedes that. */
void *bench_alloc(size_t bytes)
{
	const size_t mapped = bytes + 2 * HUGE_PAGE;
	uint8_t *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *aligned;

	if (map == MAP_FAILED)
		return NULL;
	aligned = (uint8_t *)(((uintptr_t)map + HUGE_PAGE) & ~(HUGE_PAGE - 1));
	memcpy(aligned - sizeof(map), &map, sizeof(map));
	madvise(aligned, bytes, MADV_HUGEPAGE);
	memset(aligned, 0, bytes);
	return aligned;
}

void bench_free(void *memory, size_t bytes)
{
	uint8_t *map;

	if (!memory)
		return;
	memcpy(&map, (uint8_t *)memory - sizeof(map), sizeof(map));
	munmap(map, bytes + 2 * HUGE_PAGE);
}

/* splitmix64 */
uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static const struct {
	const char *name;
	uint8_t bits;
} formats[XQ_FORMATS] = {
	[XQACCEL_FMT_S8] = { "s8", 8 }, [XQACCEL_FMT_U8] = { "u8", 8 },
	[XQACCEL_FMT_S4] = { "s4", 4 }, [XQACCEL_FMT_U4] = { "u4", 4 },
	[XQACCEL_FMT_S2] = { "s2", 2 }, [XQACCEL_FMT_U2] = { "u2", 2 },
	[XQACCEL_FMT_T2] = { "t2", 2 }, [XQACCEL_FMT_B1] = { "b1", 1 },
	[XQACCEL_FMT_C4] = { "c4", 4 }, [XQACCEL_FMT_C8] = { "c8", 8 },
};

const char *format_name(uint32_t format)
{
	return format < XQ_FORMATS && formats[format].name ? formats[format].name : "?";
}

/* The number that a stored code stands for. */
static int16_t code_value(const struct operand *o, unsigned int code)
{
	const unsigned int bits = formats[o->format].bits;

	switch (o->format) {
	case XQACCEL_FMT_S8:
	case XQACCEL_FMT_S4:
	case XQACCEL_FMT_S2:
	case XQACCEL_FMT_T2:
		return code >> (bits - 1) ? (int)code - (1 << bits) : (int)code;
	case XQACCEL_FMT_B1:
		return code ? 1 : -1;
	case XQACCEL_FMT_C4:
	case XQACCEL_FMT_C8:
		return o->codebook[code];
	default:
		return code;
	}
}

static unsigned int random_code(const struct operand *o, uint64_t *state)
{
	const uint64_t random = bench_random(state);

	if (o->format == XQACCEL_FMT_T2)	/* code 2 is not a ternary number */
		return (const unsigned int[]){ 0, 1, 3 }[random % 3];
	return random & ((1U << formats[o->format].bits) - 1);
}

/* Where a byte of a row lies in the tile order. */
static size_t tiled_place(const struct operand *o, uint32_t row, size_t byte)
{
	const size_t tile_row = XQACCEL_TILE_WORDS * 4;
	const size_t row_bytes = ((size_t)o->columns * formats[o->format].bits + 7) / 8;
	const size_t tiles_k = (row_bytes + tile_row - 1) / tile_row;
	const size_t tile = row / XQACCEL_TILE_ROWS * tiles_k + byte / tile_row;
	const size_t word = byte % tile_row / 4;

	return tile * XQACCEL_TILE_BYTES + 4 * (XQACCEL_TILE_ROWS * word + row % XQACCEL_TILE_ROWS) +
	       byte % 4;
}

static void place_code(struct operand *o, uint32_t row, uint32_t column, unsigned int code)
{
	const size_t bit = (size_t)column * formats[o->format].bits;
	size_t place = o->order == ORDER_ROWS ? row * o->stride + bit / 8 :
						tiled_place(o, row, bit / 8);

	if (o->pages)
		o->pages[place / 4096][place % 4096] |= code << bit % 8;
	else
		o->bytes[place] |= code << bit % 8;
}

/* Pages in reverse, pairs of them swapped: no two that follow each other are neighbours. */
static int scatter(struct operand *o)
{
	const size_t pages = o->byte_count / 4096;

	o->pages = calloc(pages, sizeof(*o->pages));
	if (!o->pages)
		return -1;
	for (size_t i = 0; i < pages; i++)
		o->pages[i] = o->bytes + 4096 * ((pages - 1 - i) ^ (pages % 2 ? 0 : 1));
	return 0;
}

struct operand *operand_create(uint32_t format, uint32_t rows, uint32_t columns,
			       enum operand_order order, uint64_t seed)
{
	struct operand *o = calloc(1, sizeof(*o));
	const size_t row_bytes = ((size_t)columns * formats[format].bits + 7) / 8;

	if (!o)
		return NULL;
	o->format = format;
	o->rows = rows;
	o->columns = columns;
	o->order = order;
	o->stride = order == ORDER_ROWS ? row_bytes : 0;
	o->byte_count = order == ORDER_ROWS ? rows * row_bytes :
			(size_t)((rows + 15) / 16) * ((row_bytes + 255) / 256) * 4096;
	o->byte_count = (o->byte_count + 4095) & ~4095UL;
	o->bytes = bench_alloc(o->byte_count);
	o->values = malloc(sizeof(*o->values) * rows * columns);
	if (!o->bytes || !o->values || (order == ORDER_SCATTERED && scatter(o))) {
		operand_destroy(o);
		return NULL;
	}
	for (unsigned int i = 0; i < sizeof(o->codebook); i++)
		o->codebook[i] = (int8_t)bench_random(&seed);
	for (uint32_t row = 0; row < rows; row++) {
		for (uint32_t column = 0; column < columns; column++) {
			const unsigned int code = random_code(o, &seed);

			place_code(o, row, column, code);
			o->values[(size_t)row * columns + column] = code_value(o, code);
		}
	}
	return o;
}

void operand_destroy(struct operand *o)
{
	if (!o)
		return;
	bench_free(o->bytes, o->byte_count);
	free(o->values);
	free(o->pages);
	free(o);
}
