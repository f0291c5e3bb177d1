/* SPDX-License-Identifier: MIT */
/*
 * The tile registers of AMX. 16 steps of a strip of B are 16 rows of 64 bytes, which is what a
 * product of tiles takes, and so are 16 rows of A with 16 steps each.
 *
 * The instructions are written here, because a compiler's own may not tell it that they read
 * memory. Who has used tiles lets go of them: 8 KiB less to save when the thread is switched.
 */
#ifndef XQK_AMX_TILES_H
#define XQK_AMX_TILES_H

#include <stdint.h>
#include <string.h>

#define TILE_ROWS	16
#define TILE_STEPS	16
#define TILE_BYTES	1024

struct tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

static inline void tile_shape(struct tile_config *config, unsigned int tile, unsigned int rows,
			      unsigned int row_bytes)
{
	config->rows[tile] = (uint8_t)rows;
	config->row_bytes[tile] = (uint16_t)row_bytes;
}

/* Clears all tiles. */
static inline void tiles_configure(const struct tile_config *config)
{
	__asm__ volatile("ldtilecfg %0" : : "m" (*config));
}

static inline void tiles_release(void)
{
	__asm__ volatile("tilerelease");
}

#define tile_zero(tile)		__asm__ volatile("tilezero %%tmm" #tile : :)
#define tile_load(tile, from, stride)								\
	__asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile : :					\
			 "r" ((const void *)(from)), "r" ((long)(stride)) : "memory")
#define tile_store(to, stride, tile)								\
	__asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" : :				\
			 "r" ((void *)(to)), "r" ((long)(stride)) : "memory")

/* c += a * b. The instruction's letters are the signs of A and of B. */
#define tile_dot_ss(c, a, b)	__asm__ volatile("tdpbssd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)
#define tile_dot_su(c, a, b)	__asm__ volatile("tdpbsud %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)
#define tile_dot_us(c, a, b)	__asm__ volatile("tdpbusd %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)

#endif
