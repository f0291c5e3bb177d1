/* SPDX-License-Identifier: MIT */
/* Our end of the conversation with the peer process. */
#ifndef XQ_BENCH_PEER_CLIENT_H
#define XQ_BENCH_PEER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "operand.h"
#include "peers/peer.h"

struct peer_client;

/* Starts FOLDER/peer.sh. Returns NULL if it can't be had; `peer_client_status()` says why. */
struct peer_client *peer_client_start(const char *folder);
void peer_client_stop(struct peer_client *client);

const char *peer_name(enum peer_id peer);

/* Version of a peer, or what is in the way of having it. client may be NULL. */
const char *peer_client_status(struct peer_client *client, enum peer_id peer);
bool peer_client_has(struct peer_client *client, enum peer_id peer);

/*
 * Give a peer A and B (values of at most 8 bits) and check its first result. One job a peer is
 * open at once. Return: NULL, or what is in the way.
 */
const char *peer_client_open(struct peer_client *client, enum peer_id peer,
			     const struct operand *a, const struct operand *b);

/*
 * The same for groups of 32 with peer_group_scale()'s scales of A and of B; the caller checks the first
 * result, which is valid until the next call.
 */
const char *peer_client_open_groups(struct peer_client *client, enum peer_id peer, const struct operand *a,
				    const struct operand *b, const float **c);

/*
 * The same for a convolution; the caller checks the first result, in steps of *unit. x and w are in
 * rows without gaps, *y is valid until the next call.
 */
const char *peer_client_open_layer(struct peer_client *client, enum peer_id peer,
				   const struct peer_layer *layer, const uint8_t *x, const uint8_t *w,
				   size_t outputs, const int32_t **y, float *unit);

void peer_client_close(struct peer_client *client, enum peer_id peer);

/* Seconds of so many runs, negative if they failed. */
double peer_client_run(struct peer_client *client, enum peer_id peer, uint32_t runs);

#endif
