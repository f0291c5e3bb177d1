// SPDX-License-Identifier: MIT
/* What is lost by a quantization and what the result occupies. */
#include <errno.h>
#include <math.h>

#include <xqaccel/quantize.h>

int xq_error_measure(const float *x, const float *y, size_t n, struct xq_error *out)
{
	double sum_abs = 0, sum_squares = 0, sum_relative = 0, energy = 0, worst = 0;
	size_t nonzero = 0;

	if (!out || (n && (!x || !y)))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		double error = fabs((double)x[i] - (double)y[i]);

		sum_abs += error;
		sum_squares += error * error;
		energy += (double)x[i] * (double)x[i];
		worst = error > worst ? error : worst;
		if (x[i] != 0) {
			sum_relative += error / fabs((double)x[i]);
			nonzero++;
		}
	}
	*out = (struct xq_error){
		.elements = n,
		.mean_abs = n ? sum_abs / (double)n : 0,
		.max_abs = worst,
		.mean_squared = n ? sum_squares / (double)n : 0,
		.mean_relative = nonzero ? sum_relative / (double)nonzero : 0,
		.norm_relative = sum_squares > 0 ? sqrt(sum_squares / energy) : 0,
		.frobenius = sqrt(sum_squares),
		.snr_db = sum_squares > 0 ? 10 * log10(energy / sum_squares) : INFINITY,
	};
	return 0;
}

struct xq_storage xq_storage_of(size_t n, uint64_t code_bits, uint64_t param_bits)
{
	struct xq_storage s = {
		.bits = code_bits + param_bits,
		.bytes = code_bits / 8 + (code_bits % 8 != 0) + param_bits / 8 + (param_bits % 8 != 0),
	};

	if (n)
		s.bits_per_element = (double)s.bits / (double)n;
	if (s.bytes)
		s.ratio = 4.0 * (double)n / (double)s.bytes;
	return s;
}

struct xq_storage xq_linear_storage(const struct xq_layout *layout, const struct xq_qtype *type,
				    enum xq_scheme scheme, unsigned int param_bits)
{
	size_t n = xq_layout_elements(layout);
	uint64_t params = xq_layout_params(layout);

	return xq_storage_of(n, (uint64_t)n * type->bits,
			     params * param_bits * (scheme == XQ_AFFINE ? 2 : 1));
}

uint64_t xq_training_bytes(size_t n, unsigned int weight_bits, unsigned int gradient_bits,
			   unsigned int first_moment_bits, unsigned int second_moment_bits)
{
	uint64_t bits = weight_bits + gradient_bits + first_moment_bits + second_moment_bits;
	uint64_t whole = (uint64_t)n / 8 * bits, rest = (uint64_t)n % 8 * bits;

	return whole + rest / 8 + (rest % 8 != 0);
}
