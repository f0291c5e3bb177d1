/* SPDX-License-Identifier: MIT */
/*
 * The demo's file: two trained networks and the images to try them on. train.c writes it when
 * the demo is built, demo.c reads it. Little-endian, in this order, without padding.
 */
#ifndef XQ_DEMO_NETWORK_H
#define XQ_DEMO_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SIDE	16
#define IMAGE_PIXELS	(IMAGE_SIDE * IMAGE_SIDE)
#define CLASSES		10
#define LAYERS		3
#define TEST_IMAGES	2000
#define CALIBRATION	256

/* Neurons before and after each layer, of both networks. */
static const size_t layer_size[LAYERS + 1] = { IMAGE_PIXELS, 256, 128, CLASSES };

/* layer_size again as constants, for arrays. */
#define WEIGHTS		(IMAGE_PIXELS * 256 + 256 * 128 + 128 * CLASSES)
#define NEURONS		(256 + 128 + CLASSES)

/**
 * struct network_file - what the file holds
 * @magic: NETWORK_MAGIC
 * @float_right: test images that the float network classified rightly when it was trained
 * @weights: [out][in] of each layer of the float network, one after the other
 * @bias: of each of its neurons
 * @signs: weights of the 1-bit network, -1 and 1
 * @thresholds: its neurons are 1 where the accumulator is above, else -1
 * @calibration: training images whose activations are measured, bytes of grey
 * @images: test images
 * @labels: what they show
 */
struct network_file {
	uint32_t magic;
	uint32_t float_right;
	float weights[WEIGHTS];
	float bias[NEURONS];
	int8_t signs[WEIGHTS];
	int32_t thresholds[NEURONS];
	uint8_t calibration[CALIBRATION][IMAGE_PIXELS];
	uint8_t images[TEST_IMAGES][IMAGE_PIXELS];
	uint8_t labels[TEST_IMAGES];
};

#define NETWORK_MAGIC	0x31715844	/* "DXq1" */

/* A pixel of at least this is +1 in the 1-bit network, as in its training. */
#define XNOR_WHITE	96

#endif
