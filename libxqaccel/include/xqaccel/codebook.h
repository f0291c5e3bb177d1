/* SPDX-License-Identifier: MIT */
/*
 * Codebook quantization: x = table[code] (Deep Compression, Han, Mao and Dally 2015).
 *
 * Codes are 2 to 8 bits, held one a byte; a table has 2^bits entries. Errors, ownership and
 * threads are as in xqaccel/quantize.h.
 */
#ifndef XQACCEL_CODEBOOK_H
#define XQACCEL_CODEBOOK_H

#include <xqaccel/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * xq_codebook_fit() - a table by k-means in one dimension
 * @x: @n values
 * @weight: importance of each value (finite, >= 0), NULL means all the same
 * @bits: 2 to 8
 * @table: 2^bits entries in rising order
 *
 * The table with the least weighted squared error, exactly, by dynamic programming (Wu 1991,
 * Groenlund et al. 2017), if there are at most 1024 different values. Of more, neighbours
 * are joined first and Lloyd's rounds follow; the error is then within 1 % of the least.
 * Deterministic; 2^k times the values give 2^k times the table. Values without weight take no
 * part, unless none has any. With fewer different values than entries the last entries are
 * equal. No values give a table of zeros. Memory: some MiB, whatever n.
 */
int xq_codebook_fit(const float *x, size_t n, const float *weight, unsigned int bits, float *table,
		    struct xq_fault *fault);

/** xq_codebook_encode() - index of the nearest entry, the lower index if two are as near */
int xq_codebook_encode(const float *x, size_t n, const float *table, unsigned int bits,
		       uint8_t *codes, struct xq_fault *fault);

/** xq_codebook_decode() - x = table[code]; a code past the table's end is -EDOM */
int xq_codebook_decode(const uint8_t *codes, size_t n, const float *table, unsigned int bits,
		       float *x, struct xq_fault *fault);

/**
 * xq_codebook_gradient() - gradient of the entries from the gradient of the values
 * @gradient: dL/dx, @n values
 * @table_gradient: 2^bits sums, each over the values that share an entry, in double and index
 *	order
 */
int xq_codebook_gradient(const float *gradient, const uint8_t *codes, size_t n, unsigned int bits,
			 double *table_gradient, struct xq_fault *fault);

/** xq_codebook_step() - one step of fine-tuning: table -= rate * table_gradient */
int xq_codebook_step(float *table, const double *table_gradient, unsigned int bits, double rate);

/**
 * xq_codebook_to_s8() - the table in int8 for a device's c4 and c8 operands
 * @entries: round(table / S), halves to even
 * @scale: S = max |table| / 127, 1 if the table is zero
 */
int xq_codebook_to_s8(const float *table, unsigned int bits, int8_t *entries, float *scale,
		      struct xq_fault *fault);

/** xq_codebook_storage() - @bits for each of @n codes and @tables tables of 2^bits entries */
struct xq_storage xq_codebook_storage(size_t n, unsigned int bits, size_t tables,
				      unsigned int entry_bits);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
