// SPDX-License-Identifier: MIT
/* A counter-based generator: a pure function of seed and counter. */
#include <xqaccel/quantize.h>

uint32_t xq_random24(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 40);
}
