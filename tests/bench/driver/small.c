// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "driver.h"

#define PLACE	4096
#define ROWS	4
#define DEEP	16

static uint8_t *operand_at(const struct small *small, unsigned int place, unsigned int offset)
{
	return small->buf.map + (size_t)place * PLACE + offset;
}

static struct small_desc describe(const struct small *small, unsigned int place)
{
	struct xqaccel_job_desc whole;
	struct small_desc desc;
	unsigned int i;

	small_job(&whole, &small->buf);
	memcpy(&desc, &whole, sizeof(desc));
	desc.user_data = place;
	for (i = 0; i < 3; i++)
		desc.operand[i].offset += (uint64_t)place * PLACE;
	return desc;
}

void small_open(struct small *small, int fd)
{
	unsigned int place;

	must(buffer_create(fd, DEPTH * PLACE, &small->buf), "buffer");
	for (place = 0; place < DEPTH; place++) {
		memset(operand_at(small, place, SMALL_A), (int)place - DEPTH / 2, ROWS * DEEP);
		memset(operand_at(small, place, SMALL_B), 3, ROWS * DEEP);
		small->expected[place] = DEEP * 3 * ((int)place - DEPTH / 2);
		small->desc[place] = describe(small, place);
		small->desc[DEPTH + place] = small->desc[place];
	}
}

void small_spoil(struct small *small, unsigned int place)
{
	const int32_t wrong = small->expected[place] + 1;

	memcpy(operand_at(small, place, SMALL_C + 4 * (ROWS * ROWS - 1)), &wrong, sizeof(wrong));
}

/* The element that was spoiled; it is the last. */
void small_must_be_right(const struct small *small, unsigned int place)
{
	int32_t value;

	memcpy(&value, operand_at(small, place, SMALL_C + 4 * (ROWS * ROWS - 1)), sizeof(value));
	must_be(value == small->expected[place], "result of a small job");
}
