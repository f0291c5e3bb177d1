// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "command.h"

static bool word_number(const char *text, const char *word, double *number)
{
	size_t length = strlen(word);
	char *end;

	if (strncmp(text, word, length) || text[length] != ':' || !text[length + 1])
		return false;
	*number = strtod(text + length + 1, &end);
	return !*end;
}

int calibration_parse(const char *option, const char *text, struct xq_calibration *how)
{
	static const struct {
		const char *name;
		enum xq_calibrate method;
	} plain[] = {
		{ "minmax", XQ_CAL_MINMAX }, { "mse", XQ_CAL_MSE }, { "kl", XQ_CAL_KL },
		{ "laplace", XQ_CAL_LAPLACE }, { "gauss", XQ_CAL_GAUSS },
	};
	double number;

	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (!strcmp(text, plain[i].name)) {
			how->method = plain[i].method;
			return 0;
		}
	}
	if (word_number(text, "percentile", &number)) {
		how->method = XQ_CAL_PERCENTILE;
		how->percentile = number;
		return number > 50 && number <= 100 ? 0 :
		       fail("the percentile must be above 50 and at most 100 (%s)", text);
	}
	if (word_number(text, "ema", &number)) {
		how->method = XQ_CAL_EMA;
		how->alpha = number;
		return number > 0 && number <= 1 ? 0 :
		       fail("the weight of ema must be above 0 and at most 1 (%s)", text);
	}
	return usage("a number must follow the colon of --%s (%s)", option, text);
}
