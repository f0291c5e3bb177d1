/* SPDX-License-Identifier: MIT */
#ifndef XQ_DEMO_DIGITS_H
#define XQ_DEMO_DIGITS_H

#include "network.h"

/* A generator of the same numbers everywhere. */
uint64_t random_next(uint64_t *state);

/* Uniform in [low, high). */
float random_float(uint64_t *state, float low, float high);

/* Draws a digit by hand, as it were: slanted, scaled, shifted, thick or thin, with noise. */
void draw_digit(uint64_t *state, unsigned int digit, uint8_t image[IMAGE_PIXELS]);

#endif
