// SPDX-License-Identifier: MIT
/* Prints the best class of each row of bytes: cc classify.c $(pkg-config --cflags --libs xqaccel); ./a.out MODEL <ROWS */
#include <stdio.h>
#include <stdlib.h>
#include <xqaccel/model.h>

static size_t elements(const struct xq_model_tensor *t)
{
	size_t n = 1;

	for (unsigned int i = 0; i < t->dims; i++)
		n *= (size_t)t->dim[i];
	return n;
}

int main(int argc, char **argv)
{
	struct xq_model_tensor in, out;
	struct xq_session *session;
	struct xq_device *device;
	struct xq_model *model;

	if (argc != 2 || xq_device_open(NULL, &device) || xq_model_create(&model))
		return 2;
	if (xq_model_load(model, argv[1]) || xq_session_create(model, device, NULL, &session)) {
		fprintf(stderr, "%s: %s\n", argv[1], xq_model_error(model));
		return 1;
	}
	xq_session_input(session, 0, &in);
	xq_session_output(session, 0, &out);
	size_t bytes = elements(&in) * xq_model_type_bytes(in.type), classes = elements(&out), best;
	uint8_t *x = malloc(bytes), *y = malloc(classes), sign = out.type == XQ_S8 ? 0x80 : 0;

	while (fread(x, bytes, 1, stdin) == 1 && !xq_session_write(session, 0, x) && !xq_session_run(session)) {
		xq_session_read(session, 0, y);
		for (size_t i = best = 0; i < classes; i++)
			best = (y[i] ^ sign) > (y[best] ^ sign) ? i : best;
		printf("%zu\n", best);
	}
}
