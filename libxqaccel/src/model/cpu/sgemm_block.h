/* SPDX-License-Identifier: MIT */
/*
 * A block of sums in vector registers, see xqm_sgemm_block in sgemm.h: of up to MOST_ROWS rows by
 * two vectors, or of one row by eight. Included by each instruction set, which has defined
 * MOST_ROWS (4 or 8), LANES, the types vector and lanes (which lanes of a vector are meant),
 * lanes_of(), load(), load_all(), store(), from_one() and add_product(). Internal.
 */
static inline __attribute__((always_inline)) void
part(const int rows, const int vectors, lanes last, size_t k, const float *a, size_t lda,
     const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	const lanes all = lanes_of(LANES);
	vector sum[MOST_ROWS][8], row[8];

#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			sum[i][v] = load(c + (size_t)i * ldc + LANES * v,
					 !more ? lanes_of(0) : v == vectors - 1 ? last : all);
	}
	for (size_t p = 0; p < k; p++) {
		const float *from = b[p] + j;

#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			row[v] = v == vectors - 1 ? load(from + LANES * v, last) :
						    load_all(from + LANES * v);
#pragma GCC unroll 8
		for (int i = 0; i < rows; i++) {
			const vector x = from_one(a + (size_t)i * lda + p);

#pragma GCC unroll 8
			for (int v = 0; v < vectors; v++)
				sum[i][v] = add_product(sum[i][v], x, row[v]);
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
		for (int v = 0; v < vectors; v++)
			store(c + (size_t)i * ldc + LANES * v, v == vectors - 1 ? last : all,
			      sum[i][v]);
	}
}

#define PART(rows, vectors) \
	case (rows) * 16 + (vectors): \
		part(rows, vectors, last, k, a, lda, b, j, c, ldc, more); \
		break

static inline void block(size_t rows, size_t columns, size_t k, const float *a, size_t lda,
			 const float *const *b, size_t j, float *c, size_t ldc, bool more)
{
	const size_t vectors = (columns + LANES - 1) / LANES;
	const lanes last = lanes_of(columns - (vectors - 1) * LANES);

	switch (rows * 16 + vectors) {
	PART(1, 1);
	PART(1, 2);
	PART(1, 3);
	PART(1, 4);
	PART(1, 5);
	PART(1, 6);
	PART(1, 7);
	PART(1, 8);
	PART(2, 1);
	PART(2, 2);
	PART(3, 1);
	PART(3, 2);
	PART(4, 1);
	PART(4, 2);
#if MOST_ROWS == 8
	PART(5, 1);
	PART(5, 2);
	PART(6, 1);
	PART(6, 2);
	PART(7, 1);
	PART(7, 2);
	PART(8, 1);
	PART(8, 2);
#endif
	}
}
