// SPDX-License-Identifier: MIT
/*
 * A library that was built without protobuf-c converts no models.
 */
#include <errno.h>
#include <stdlib.h>

#include <xqaccel/post_training.h>

struct xq_post_training {
	char unused;
};

int xq_post_training_create(const char *path, struct xq_device *dev, const struct xq_post_training_options *options,
			    struct xq_post_training **conversion)
{
	(void)path;
	(void)dev;
	(void)options;
	*conversion = calloc(1, sizeof(**conversion));
	return *conversion ? -EOPNOTSUPP : -ENOMEM;
}

void xq_post_training_destroy(struct xq_post_training *conversion)
{
	free(conversion);
}

const char *xq_post_training_error(const struct xq_post_training *conversion)
{
	(void)conversion;
	return "this library was built without protobuf-c, which ONNX files need";
}

int xq_post_training_feed(struct xq_post_training *conversion, const void *const *inputs)
{
	(void)conversion;
	(void)inputs;
	return -EINVAL;
}

int xq_post_training_finish(struct xq_post_training *conversion)
{
	(void)conversion;
	return -EINVAL;
}

const void *xq_post_training_data(const struct xq_post_training *conversion, size_t *bytes)
{
	(void)conversion;
	*bytes = 0;
	return NULL;
}

int xq_post_training_compare(struct xq_post_training *conversion, const void *const *inputs)
{
	(void)conversion;
	(void)inputs;
	return -EINVAL;
}

unsigned int xq_post_training_layers(const struct xq_post_training *conversion)
{
	(void)conversion;
	return 0;
}

int xq_post_training_layer(const struct xq_post_training *conversion, unsigned int number,
			   struct xq_post_training_layer *layer)
{
	(void)conversion;
	(void)number;
	(void)layer;
	return -EINVAL;
}

unsigned int xq_post_training_points(const struct xq_post_training *conversion)
{
	(void)conversion;
	return 0;
}

int xq_post_training_point(const struct xq_post_training *conversion, unsigned int number,
			   struct xq_post_training_point *point)
{
	(void)conversion;
	(void)number;
	(void)point;
	return -EINVAL;
}
