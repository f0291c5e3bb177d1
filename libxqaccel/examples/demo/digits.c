// SPDX-License-Identifier: MIT
#include <math.h>

#include "digits.h"

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

float random_float(uint64_t *state, float low, float high)
{
	return low + (high - low) * (float)(random_next(state) >> 40) * 0x1p-24f;
}

/* Each digit is one or two strokes through points of a 4 x 6 grid; -1 ends a stroke. */
#define P(x, y)	(int8_t)((x) * 8 + (y))
static const int8_t strokes[CLASSES][16] = {
	{ P(1, 0), P(0, 2), P(0, 4), P(1, 6), P(3, 6), P(4, 4), P(4, 2), P(3, 0), P(1, 0), -1, -1 },
	{ P(1, 1), P(2, 0), P(2, 6), -1, P(1, 6), P(3, 6), -1, -1 },
	{ P(0, 1), P(1, 0), P(3, 0), P(4, 1), P(4, 2), P(0, 6), P(4, 6), -1, -1 },
	{ P(0, 0), P(4, 0), P(2, 2), P(4, 4), P(3, 6), P(1, 6), P(0, 5), -1, -1 },
	{ P(3, 6), P(3, 0), P(0, 4), P(4, 4), -1, -1 },
	{ P(4, 0), P(0, 0), P(0, 3), P(3, 3), P(4, 4), P(3, 6), P(0, 6), -1, -1 },
	{ P(4, 0), P(1, 2), P(0, 4), P(1, 6), P(3, 6), P(4, 5), P(3, 3), P(0, 4), -1, -1 },
	{ P(0, 0), P(4, 0), P(1, 6), -1, P(1, 3), P(4, 3), -1, -1 },
	{ P(2, 3), P(0, 2), P(1, 0), P(3, 0), P(4, 2), P(2, 3), P(0, 5), P(2, 6), P(4, 5), P(2, 3), -1, -1 },
	{ P(4, 2), P(1, 3), P(0, 1), P(2, 0), P(4, 1), P(4, 3), P(2, 6), -1, -1 },
};

struct point {
	float x, y;
};

/* The pen's slant, size and place, and how its points wobble. */
struct pen {
	float xx, xy, yx, yy, left, top, width;
};

static struct pen random_pen(uint64_t *state)
{
	struct pen pen;

	pen.xx = random_float(state, 1.7f, 2.6f);
	pen.yy = random_float(state, 1.4f, 2.0f);
	pen.xy = random_float(state, -0.5f, 0.5f);
	pen.yx = random_float(state, -0.4f, 0.4f);
	pen.left = random_float(state, -2.0f, 2.0f);
	pen.top = random_float(state, -2.0f, 2.0f);
	pen.width = random_float(state, 0.5f, 1.3f);
	return pen;
}

static struct point place(uint64_t *state, const struct pen *pen, int8_t code)
{
	const float x = (float)(code / 8) - 2 + random_float(state, -0.25f, 0.25f);
	const float y = (float)(code % 8) - 3 + random_float(state, -0.25f, 0.25f);

	return (struct point){ 7.5f + pen->left + pen->xx * x + pen->xy * y,
			       7.5f + pen->top + pen->yx * x + pen->yy * y };
}

/* Distance from a pixel to a line. */
static float distance(struct point p, struct point a, struct point b)
{
	const float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
	float t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0, ex, ey;

	t = t < 0 ? 0 : t > 1 ? 1 : t;
	ex = p.x - a.x - t * dx;
	ey = p.y - a.y - t * dy;
	return sqrtf(ex * ex + ey * ey);
}

static void draw_line(struct point a, struct point b, float width, float ink[IMAGE_PIXELS])
{
	int i;

	for (i = 0; i < IMAGE_PIXELS; i++) {
		const struct point p = { (float)(i % IMAGE_SIDE), (float)(i / IMAGE_SIDE) };
		float dark = width + 0.5f - distance(p, a, b);

		dark = dark < 0 ? 0 : dark > 1 ? 1 : dark;
		if (dark > ink[i])
			ink[i] = dark;
	}
}

void draw_digit(uint64_t *state, unsigned int digit, uint8_t image[IMAGE_PIXELS])
{
	const struct pen pen = random_pen(state);
	const int8_t *code = strokes[digit];
	float ink[IMAGE_PIXELS] = { 0 };
	int i;

	while (*code >= 0) {
		struct point from = place(state, &pen, *code++);

		for (; *code >= 0; code++) {
			const struct point to = place(state, &pen, *code);

			draw_line(from, to, pen.width, ink);
			from = to;
		}
		code++;
	}
	for (i = 0; i < IMAGE_PIXELS; i++) {
		float grey = 20 + 215 * ink[i] + random_float(state, -45, 45);

		/* A speck now and then. */
		if (random_next(state) % 40 == 0)
			grey = random_float(state, 0, 255);
		image[i] = grey < 0 ? 0 : grey > 255 ? 255 : (uint8_t)grey;
	}
}
