// SPDX-License-Identifier: MIT
#include <string.h>

#include <xqaccel/types.h>

static const struct {
	const char *name;
	unsigned char bits;
	bool is_signed;
	int64_t min, max;
} types[XQ_TYPE_COUNT] = {
	[XQ_S8] = { "s8", 8, true, -128, 127 },
	[XQ_U8] = { "u8", 8, false, 0, 255 },
	[XQ_S4] = { "s4", 4, true, -8, 7 },
	[XQ_U4] = { "u4", 4, false, 0, 15 },
	[XQ_S2] = { "s2", 2, true, -2, 1 },
	[XQ_U2] = { "u2", 2, false, 0, 3 },
	[XQ_T2] = { "t2", 2, true, -1, 1 },
	[XQ_B1] = { "b1", 1, true, -1, 1 },
	[XQ_C4] = { "c4", 4, false, 0, 15 },
	[XQ_C8] = { "c8", 8, false, 0, 255 },
	[XQ_S16] = { "s16", 16, true, -32768, 32767 },
	[XQ_U16] = { "u16", 16, false, 0, 65535 },
	[XQ_S32] = { "s32", 32, true, INT32_MIN, INT32_MAX },
	[XQ_F32] = { "f32", 32, true, 0, 0 },
	[XQ_F16] = { "f16", 16, true, 0, 0 },
	[XQ_BF16] = { "bf16", 16, true, 0, 0 },
	[XQ_E8M0] = { "e8m0", 8, false, 0, 0 },
};

static unsigned int known(enum xq_type type)
{
	return (unsigned int)type < XQ_TYPE_COUNT ? (unsigned int)type : (unsigned int)XQ_NONE;
}

const char *xq_type_name(enum xq_type type)
{
	const char *name = types[known(type)].name;

	return name ? name : "?";
}

enum xq_type xq_type_by_name(const char *name)
{
	for (int i = 1; i < XQ_TYPE_COUNT; i++)
		if (!strcmp(types[i].name, name))
			return (enum xq_type)i;
	return XQ_NONE;
}

unsigned int xq_type_bits(enum xq_type type)
{
	return types[known(type)].bits;
}

int64_t xq_type_min(enum xq_type type)
{
	return types[known(type)].min;
}

int64_t xq_type_max(enum xq_type type)
{
	return types[known(type)].max;
}

bool xq_type_signed(enum xq_type type)
{
	return types[known(type)].is_signed;
}

size_t xq_type_unpacked_bytes(enum xq_type type)
{
	return (types[known(type)].bits + 7) / 8;
}
