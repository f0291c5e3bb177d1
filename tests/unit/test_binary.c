// SPDX-License-Identifier: MIT
/* Binary and ternary codes against their definitions. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <xqaccel/binary.h>

#include "ktap.h"

enum { MANY = 6000 };

static float x[MANY], y[MANY];
static int8_t q[MANY];

static double error_of(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow((double)a[i] - b[i], 2);
	return sum;
}

static void random_matrix(size_t *rows, size_t *k)
{
	*rows = (size_t)ktap_range(0, 20);
	*k = (size_t)ktap_range(0, 300);
	for (size_t i = 0; i < *rows * *k; i++)
		x[i] = ktap_range(0, 9) ? (float)ktap_normal() : (float)ktap_range(-1, 1);
}

static void bwn(void)
{
	for (int round = 0; round < 500; round++) {
		float alpha[20];
		size_t rows, k;

		random_matrix(&rows, &k);
		EXPECT(!xq_bwn_encode(x, rows, k, q, alpha, NULL), "encode");
		EXPECT(!xq_scaled_decode(q, rows, k, alpha, y), "decode");
		for (size_t r = 0; r < rows; r++) {
			double mean = 0, best;

			for (size_t i = r * k; i < (r + 1) * k; i++) {
				mean += fabs((double)x[i]) / (double)k;
				EXPECT(q[i] == (x[i] < 0 ? -1 : 1), "code %d of %g", q[i], x[i]);
				EXPECT(y[i] == alpha[r] * (float)q[i], "decode");
			}
			EXPECT(fabs(alpha[r] - mean) < 1e-6, "alpha %g, mean %g", alpha[r], mean);
			/* No other scale is better. */
			best = error_of(x + r * k, y + r * k, k);
			for (int step = -1; step <= 1; step += 2) {
				for (size_t i = r * k; i < (r + 1) * k; i++)
					y[i] = (alpha[r] + 0.01f * (float)step) * (float)q[i];
				EXPECT(error_of(x + r * k, y + r * k, k) >= best, "row %zu", r);
			}
		}
	}
	x[0] = -0.0f;
	EXPECT(!xq_binary_sign(x, 1, q, NULL) && q[0] == 1, "minus zero is %d", q[0]);
}

static void stochastic(void)
{
	static const float at[] = { -2, -1, -0.5f, 0, 0.25f, 1, 3 };

	for (size_t c = 0; c < sizeof(at) / sizeof(at[0]); c++) {
		double p = fmin(fmax((at[c] + 1) / 2, 0), 1), ones = 0;

		for (int i = 0; i < MANY; i++)
			x[i] = at[c];
		EXPECT(!xq_binary_stochastic(x, MANY, c, q, NULL), "encode");
		for (int i = 0; i < MANY; i++) {
			EXPECT(q[i] == 1 || q[i] == -1, "%d", q[i]);
			ones += q[i] == 1;
		}
		EXPECT(fabs(ones / MANY - p) < 0.03 && (p > 0 || ones == 0) && (p < 1 || ones == MANY),
		       "x = %g: %g, not %g", at[c], ones / MANY, p);
	}
}

static double largest_of(const float *v, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)v[i]));
	return most;
}

/* What is above the threshold becomes its mean magnitude. */
static double ternary_error(const float *v, size_t n, double threshold)
{
	double sum = 0, mean, error = 0;
	int kept = 0;

	for (size_t i = 0; i < n; i++) {
		sum += fabs((double)v[i]) > threshold ? fabs((double)v[i]) : 0;
		kept += fabs((double)v[i]) > threshold;
	}
	mean = kept ? sum / kept : 1;
	for (size_t i = 0; i < n; i++)
		error += pow(fabs((double)v[i]) - (fabs((double)v[i]) > threshold ? mean : 0), 2);
	return error;
}

/* Codes -1, 0, 1 with the largest magnitude as scale; a hair more, so that ties are none. */
static double minmax_error(const float *v, size_t n)
{
	double most = largest_of(v, n), error = 0;

	for (size_t i = 0; i < n; i++)
		error += pow(fabs((double)v[i]) - (fabs((double)v[i]) > most / 2 ? most : 0), 2);
	return error * (1 + 1e-9);
}

static void twn(void)
{
	int replaced = 0, all = 0;

	for (int round = 0; round < 500; round++) {
		float scale[20], delta[20];
		size_t rows, k;

		random_matrix(&rows, &k);
		/* An outlier beside which nothing else counts. */
		if (round % 5 == 0 && rows && k)
			x[ktap_range(0, (int64_t)(rows * k) - 1)] = 1000;
		EXPECT(!xq_twn_encode(x, rows, k, q, scale, delta, NULL), "encode");
		for (size_t r = 0; r < rows; r++) {
			double mean = 0, sum = 0, threshold;
			int kept = 0;

			for (size_t i = r * k; i < (r + 1) * k; i++)
				mean += fabs((double)x[i]);
			mean = k ? mean / (double)k : 0;
			threshold = 0.7 * mean;
			if (ternary_error(x + r * k, k, threshold) > minmax_error(x + r * k, k)) {
				threshold = largest_of(x + r * k, k) / 2;
				replaced++;
			}
			for (size_t i = r * k; i < (r + 1) * k; i++) {
				double m = fabs((double)x[i]);
				int code = m > threshold ? (x[i] > 0 ? 1 : -1) : 0;

				EXPECT(q[i] == code, "code %d, not %d", q[i], code);
				sum += code ? m : 0;
				kept += code != 0;
			}
			EXPECT(fabs(delta[r] - threshold) <= 1e-6 * threshold, "Delta %g, not %g", delta[r], threshold);
			EXPECT(fabs(scale[r] - (kept ? sum / kept : 1)) < 1e-6 * fabs(scale[r]), "scale %g", scale[r]);
			all++;
		}
	}
	EXPECT(replaced > 0 && replaced < all / 2, "%d of %d rows have min-max's threshold", replaced, all);
}

/* Never worse than any threshold at one of the magnitudes, TWN's included. */
static void ternary_best(void)
{
	static int8_t other[MANY];

	for (int round = 0; round < 300; round++) {
		float scale[20], twn_scale[20];
		size_t rows, k;

		random_matrix(&rows, &k);
		k = k > 60 ? 60 : k;
		EXPECT(!xq_ternary_best_encode(x, rows, k, q, scale, NULL), "encode");
		EXPECT(!xq_scaled_decode(q, rows, k, scale, y), "decode");
		EXPECT(!xq_twn_encode(x, rows, k, other, twn_scale, NULL, NULL), "TWN");
		for (size_t r = 0; r < rows; r++) {
			double found = error_of(x + r * k, y + r * k, k), best = INFINITY, twn_error = 0;

			for (size_t t = 0; t < k; t++) {
				double sum = 0, energy = 0, limit = fabs((double)x[r * k + t]);
				int kept = 0;

				for (size_t i = r * k; i < (r + 1) * k; i++) {
					double m = fabs((double)x[i]);

					energy += m * m;
					sum += m >= limit ? m : 0;
					kept += m >= limit;
				}
				best = fmin(best, energy - sum * sum / kept);
			}
			for (size_t i = r * k; i < (r + 1) * k; i++)
				twn_error += pow((double)x[i] - twn_scale[r] * other[i], 2);
			EXPECT(!k || found <= best + 1e-4, "error %g, best %g", found, best);
			EXPECT(found <= twn_error + 1e-4, "error %g, TWN %g", found, twn_error);
		}
	}
}

static void xnor_dot(void)
{
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)ktap_range(0, 200);
		uint32_t a[7], b[7];
		int64_t sum = 0;

		for (int i = 0; i < 7; i++) {
			a[i] = (uint32_t)ktap_random();
			b[i] = (uint32_t)ktap_random();
		}
		for (size_t i = 0; i < n; i++)
			sum += (a[i / 32] >> i % 32 & 1 ? 1 : -1) * (b[i / 32] >> i % 32 & 1 ? 1 : -1);
		EXPECT(xq_xnor_dot(a, b, n) == sum, "n %zu: %d, not %d", n, (int)xq_xnor_dot(a, b, n), (int)sum);
	}
}

static double scale_at(const struct xq_xnor_window *w, size_t i, size_t j)
{
	double sum = 0;

	for (size_t c = 0; c < w->channels; c++) {
		for (size_t di = 0; di < w->kernel[0]; di++) {
			for (size_t dj = 0; dj < w->kernel[1]; dj++) {
				long row = (long)(i * w->stride[0] + di) - (long)w->pads[0];
				long column = (long)(j * w->stride[1] + dj) - (long)w->pads[1];

				if (row >= 0 && row < (long)w->height && column >= 0 && column < (long)w->width)
					sum += fabs((double)x[(c * w->height + (size_t)row) * w->width + (size_t)column]);
			}
		}
	}
	return sum / (double)(w->channels * w->kernel[0] * w->kernel[1]);
}

static void xnor_scales(void)
{
	for (int round = 0; round < 200; round++) {
		struct xq_xnor_window w = { .channels = (size_t)ktap_range(1, 5), .height = (size_t)ktap_range(1, 9),
					    .width = (size_t)ktap_range(1, 9) };
		size_t out[2];
		int err;

		for (int d = 0; d < 2; d++) {
			w.kernel[d] = (size_t)ktap_range(1, 4);
			w.stride[d] = (size_t)ktap_range(1, 3);
			w.pads[d] = (size_t)ktap_range(0, 2);
			w.pads[d + 2] = (size_t)ktap_range(0, 2);
		}
		for (size_t i = 0; i < w.channels * w.height * w.width; i++)
			x[i] = (float)ktap_normal();
		err = xq_xnor_output(&w, out);
		EXPECT(err == 0 || (err == -EINVAL && (w.height + w.pads[0] + w.pads[2] < w.kernel[0] ||
						       w.width + w.pads[1] + w.pads[3] < w.kernel[1])), "%d", err);
		EXPECT(xq_xnor_activation_scales(x, &w, y, NULL) == err, "scales");
		for (size_t i = 0; i < out[0] && !err; i++)
			for (size_t j = 0; j < out[1]; j++)
				EXPECT(fabs(y[i * out[1] + j] - scale_at(&w, i, j)) < 1e-5, "at %zu, %zu", i, j);
	}
}

static void errors(void)
{
	struct xq_fault fault;
	float scale[4];

	for (int i = 0; i < 12; i++)
		x[i] = 1;
	x[9] = NAN;
	EXPECT(xq_binary_sign(x, 12, q, &fault) == -EDOM && fault.index == 9, "sign");
	EXPECT(xq_binary_stochastic(x, 12, 0, q, &fault) == -EDOM && fault.index == 9, "stochastic");
	EXPECT(xq_bwn_encode(x, 3, 4, q, scale, &fault) == -EDOM && fault.index == 9, "BWN");
	EXPECT(xq_twn_encode(x, 4, 3, q, scale, NULL, &fault) == -EDOM && fault.index == 9, "TWN");
	EXPECT(xq_ternary_best_encode(x, 4, 3, q, scale, &fault) == -EDOM && fault.index == 9, "ternary");
	EXPECT(xq_bwn_encode(x, SIZE_MAX / 2, 4, q, scale, NULL) == -EOVERFLOW, "overflow");
	EXPECT(xq_bwn_encode(NULL, 3, 4, q, scale, NULL) == -EINVAL, "no input");
	EXPECT(xq_scaled_storage(10, 64, 1, 32).bits == 640 + 320, "storage");
}

KTAP_MAIN({ "BWN", bwn },
	  { "stochastic signs", stochastic },
	  { "TWN", twn },
	  { "best ternary", ternary_best },
	  { "XNOR dot product", xnor_dot },
	  { "XNOR-Net activation scales", xnor_scales },
	  { "errors", errors })
