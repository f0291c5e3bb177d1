/* SPDX-License-Identifier: MIT */
/* Random matrices in every format and order, made from the words of uapi/linux/xqaccel.h alone. */
#ifndef XQ_BENCH_OPERAND_H
#define XQ_BENCH_OPERAND_H

#include <stddef.h>
#include <stdint.h>

enum operand_order {
	ORDER_ROWS,		/* row after row */
	ORDER_TILED,		/* the tile order, contiguous */
	ORDER_SCATTERED		/* the tile order, in pages that are not in order */
};

struct operand {
	uint32_t format, rows, columns;
	enum operand_order order;
	int8_t codebook[256];
	int16_t *values;	/* [rows][columns] as numbers */
	uint8_t *bytes;		/* as stored */
	size_t byte_count;	/* of bytes, whole pages */
	size_t stride;		/* of a row, 0 if tiled */
	uint8_t **pages;	/* of a scattered operand, else NULL */
};

/* Returns NULL if memory is short. */
struct operand *operand_create(uint32_t format, uint32_t rows, uint32_t columns,
			       enum operand_order order, uint64_t seed);
void operand_destroy(struct operand *operand);

/* Memory with huge pages where the system has them, zeroed; NULL if it is short. */
void *bench_alloc(size_t bytes);
void bench_free(void *memory, size_t bytes);

uint64_t bench_random(uint64_t *state);

const char *format_name(uint32_t format);

#endif
