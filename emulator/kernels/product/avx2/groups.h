/* SPDX-License-Identifier: MIT */
/*
 * Dots of all groups in a block with their scales, on AVX2. Included behind
 * dot_narrow.h, whose add_products() it calls, by a file that defines
 *
 *	XQK_DOT_GROUPS	name of the function
 */

/* What the zero points take off a group, as the start of its sums. */
static inline __attribute__((always_inline)) void
start_group(__m256i sum[][2], const struct xqk_fold *fold, size_t row_at, size_t column_at,
	    unsigned int row, unsigned int column, const unsigned int rows)
{
	unsigned int r, half;

#pragma GCC unroll 6
	for (r = 0; r < rows; r++) {
		const __m256i term = _mm256_set1_epi32(fold->row_term[row_at + r]);

#pragma GCC unroll 2
		for (half = 0; half < 2; half++) {
			__m256i off = term;

			if (fold->b_zp)
				off = _mm256_mullo_epi32(off, _mm256_load_si256(
					(const __m256i *)(fold->b_zp + column) + half));
			if (fold->column_sum)
				off = _mm256_add_epi32(off, _mm256_mullo_epi32(
					_mm256_set1_epi32(fold->a_zp[row + r]), _mm256_load_si256(
					(const __m256i *)(fold->column_sum + column_at) + half)));
			if (fold->column_term)
				off = _mm256_add_epi32(off, _mm256_load_si256(
					(const __m256i *)(fold->column_term + column_at) + half));
			sum[r][half] = _mm256_sub_epi32(_mm256_setzero_si256(), off);
		}
	}
}

/* all[r] += sum[r] with the group's scales */
static inline __attribute__((always_inline)) void
add_group(__m256i all[][2], const __m256i sum[][2], const struct xqk_fold *fold, size_t row_at,
	  size_t column_at, const unsigned int rows)
{
	unsigned int r, half;

#pragma GCC unroll 2
	for (half = 0; half < 2; half++) {
		__m256i column = _mm256_set1_epi32(1);

		if (fold->b_scale)
			column = _mm256_load_si256((const __m256i *)(fold->b_scale + column_at) + half);
#pragma GCC unroll 6
		for (r = 0; r < rows; r++) {
			__m256i value = sum[r][half];

			if (fold->b_scale)
				value = _mm256_mullo_epi32(value, column);
			if (fold->a_scale)
				value = _mm256_mullo_epi32(value, _mm256_set1_epi32(
					fold->a_scale[row_at + r]));
			all[r][half] = _mm256_add_epi32(all[r][half], value);
		}
	}
}

static inline __attribute__((always_inline)) void
dot_groups(const struct xqk_dot *dot, const struct xqk_fold *fold,
	   const struct xqk_groups *groups, unsigned int row, unsigned int strip,
	   const unsigned int rows)
{
	const unsigned int column = strip * XQK_LANES;
	const uint8_t *a = dot->a + row * dot->a_stride;
	const uint8_t *b = dot->b[strip] + dot->first * XQK_STEP_BYTES;
	__m256i sum[XQK_MOST_ROWS][2], all[XQK_MOST_ROWS][2];
	unsigned int r;
	uint32_t group;

	for (r = 0; r < rows; r++)
		all[r][0] = all[r][1] = _mm256_setzero_si256();
	for (group = 0; group < groups->count; group++) {
		const size_t row_at = group * groups->row_pitch + row;
		const size_t column_at = group * XQK_COLUMNS + column;

		start_group(sum, fold, row_at, column_at, row, column, rows);
		add_products(sum, a, dot->a_stride, b, dot->steps, rows);
		add_group(all, sum, fold, row_at, column_at, rows);
		a += 4 * (size_t)dot->steps;
		b += (size_t)dot->steps * XQK_STEP_BYTES;
	}
	for (r = 0; r < rows; r++) {
		__m256i *to = (__m256i *)(fold->sum + (row + r) * XQK_COLUMNS + column);

		_mm256_store_si256(to, all[r][0]);
		_mm256_store_si256(to + 1, all[r][1]);
	}
}

#define XQK_GROUPS_CASE(rows)						\
	case rows:							\
		dot_groups(dot, fold, groups, row, strip, rows);	\
		break;

void XQK_DOT_GROUPS(const struct xqk_dot *dot, const struct xqk_fold *fold,
		    const struct xqk_groups *groups, unsigned int rows, unsigned int strips)
{
	unsigned int row, strip, count;

	for (strip = 0; strip < strips; strip++) {
		for (row = 0; row < rows; row += count) {
			count = rows - row < XQK_MOST_ROWS ? rows - row : XQK_MOST_ROWS;
			switch (count) {
			XQK_GROUPS_CASE(1)
			XQK_GROUPS_CASE(2)
			XQK_GROUPS_CASE(3)
			XQK_GROUPS_CASE(4)
			XQK_GROUPS_CASE(5)
			XQK_GROUPS_CASE(6)
			}
		}
	}
}
