// SPDX-License-Identifier: MIT
/*
 * Depthwise on AVX2: the columns of X that a row of outputs sees are widened to 16 bits once;
 * VPMADDWD then has two taps of 8 channels in each instruction, for a pair of taps interleaved.
 */
#include <immintrin.h>
#include <string.h>

#include "convolution/micro_kernels.h"

#define VECTOR		16			/* channels at a time */
#define PAIR_WORDS	(2 * XQK_DEPTHWISE_CHANNELS)

static size_t line_bytes(uint32_t kernel_h)
{
	return (size_t)kernel_h * XQK_DEPTHWISE_COLUMNS * VECTOR * 2;
}

/* A pair of taps of a row: where in a vector of two interleaved ones a channel's are. */
static unsigned int place_of(uint32_t c)
{
	/* VPUNPCKLWD has channels 0..3 and 8..11, VPUNPCKHWD the others. */
	return c / VECTOR * 2 * VECTOR + c % 8 / 4 * VECTOR + c % VECTOR / 8 * 8 + c % 4 * 2;
}

static void arrange(int8_t *w, const int8_t *const *rows, uint32_t channels, uint32_t kernel_h,
		    uint32_t kernel_w)
{
	int16_t *to = (int16_t *)w;
	uint32_t r, s, c;

	for (r = 0; r < kernel_h; r++) {
		for (s = 0; s < kernel_w; s += 2, to += PAIR_WORDS) {
			memset(to, 0, 2 * PAIR_WORDS);
			for (c = 0; c < channels; c++) {
				to[place_of(c)] = rows[c][r * kernel_w + s];
				if (s + 1 < kernel_w)
					to[place_of(c) + 1] = rows[c][r * kernel_w + s + 1];
			}
		}
	}
}

static void stage_line(const struct xqk_depthwise *job, uint32_t channel, uint32_t columns, int16_t *line)
{
	const uint32_t channels = job->channels - channel < VECTOR ? job->channels - channel : VECTOR;
	const __m128i flip = _mm_set1_epi8((char)job->flip);
	const __m256i pad = _mm256_set1_epi16((int8_t)job->pad);
	uint8_t part[VECTOR] = { 0 };
	uint32_t r, i;

	for (r = 0; r < job->kernel_h; r++) {
		for (i = 0; i < columns; i++, line += VECTOR) {
			const int64_t column = job->first + i;
			const uint8_t *x;

			if (!job->row[r] || column < 0 || column >= job->width) {
				_mm256_store_si256((__m256i *)line, pad);
				continue;
			}
			x = job->row[r] + (size_t)column * job->column + channel;
			if (channels < VECTOR)
				x = memcpy(part, x, channels);
			_mm256_store_si256((__m256i *)line, _mm256_cvtepi8_epi16(_mm_xor_si128(
						flip, _mm_loadu_si128((const __m128i *)x))));
		}
	}
}

/* An output's sums: channels 0..3 and 8..11, and the others. */
static inline void add_pixel(const struct xqk_depthwise *job, const int16_t *x, size_t row_words,
			     const int16_t *w, __m256i *low, __m256i *high)
{
	const size_t step = (size_t)job->dilation * VECTOR;
	uint32_t r, s;

	for (r = 0; r < job->kernel_h; r++, x += row_words) {
		for (s = 0; s < job->kernel_w; s += 2, w += PAIR_WORDS) {
			const int16_t *at = x + s * step;
			/* The one past the last has weights of 0. */
			const __m256i a = _mm256_load_si256((const __m256i *)at);
			const __m256i b = _mm256_load_si256((const __m256i *)(
				s + 1 < job->kernel_w ? at + step : at));

			*low = _mm256_add_epi32(*low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b),
				_mm256_load_si256((const __m256i *)w)));
			*high = _mm256_add_epi32(*high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b),
				_mm256_load_si256((const __m256i *)(w + VECTOR))));
		}
	}
}

static void run(const struct xqk_depthwise *job)
{
	const uint32_t columns = (job->outputs - 1) * job->stride + (job->kernel_w - 1) * job->dilation + 1;
	const int16_t *line = job->line;
	int32_t part[VECTOR];
	uint32_t channel, q;

	for (channel = 0; channel < job->channels; channel += VECTOR) {
		const uint32_t left = job->channels - channel;
		const __m256i *start = (const __m256i *)(job->start + channel);
		const __m256i start0 = _mm256_loadu_si256(start), start1 = _mm256_loadu_si256(start + 1);

		stage_line(job, channel, columns, job->line);
		for (q = 0; q < job->outputs; q++) {
			int32_t *y = (int32_t *)(job->y + q * job->y_stride) + channel;
			int32_t *to = left < VECTOR ? part : y;
			__m256i low = _mm256_permute2x128_si256(start0, start1, 0x20);
			__m256i high = _mm256_permute2x128_si256(start0, start1, 0x31);

			add_pixel(job, line + (size_t)q * job->stride * VECTOR, (size_t)columns * VECTOR,
				  (const int16_t *)job->w + 2 * channel, &low, &high);
			_mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(low, high, 0x20));
			_mm256_storeu_si256((__m256i *)(to + 8), _mm256_permute2x128_si256(low, high, 0x31));
			if (left < VECTOR)
				memcpy(y, part, 4 * left);
		}
	}
}

const struct xqk_depthwise_kernels xqk_depthwise_avx2 = {
	.line_bytes = line_bytes, .arrange = arrange, .run = run,
};
