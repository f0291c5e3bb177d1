/* SPDX-License-Identifier: MIT */
/*
 * Files of several tensors: .npz, which are zip archives of .npy files, and safetensors.
 */
#ifndef XQ_TOOL_ARCHIVE_H
#define XQ_TOOL_ARCHIVE_H

#include "byte_source.h"
#include "tensor.h"

/**
 * npz_read() - a member of a .npz file
 * @fd: the file, taken over and closed
 * @member: its name, with or without ".npy"; NULL for the only one. A type may follow behind a colon
 * @share: NULL, or kept up to date
 *
 * Return: NULL, or what is wrong, valid until the next call.
 */
const char *npz_read(int fd, const char *member, struct tensor *t, struct byte_share *share);

/** npz_parse() - the same from memory */
const char *npz_parse(const void *file, size_t bytes, const char *member, struct tensor *t);

/**
 * safetensors_header() - where a tensor of a safetensors file lies
 * @from: behind the first 8 bytes; left where the tensors' bytes begin
 * @length: what these 8 say
 * @member: its name, NULL for the only one
 * @t: filled in, without data
 * @skip: set to the bytes before it
 */
const char *safetensors_header(struct byte_source *from, uint64_t length, const char *member, struct tensor *t,
			       uint64_t *skip);

/*
 * "it has no tensor called x; it has a, b, c" or, for no name, "it holds several; name one behind a
 * colon: a, b, c". next() gives the names one after the other, then NULL.
 */
const char *archive_no_member(const char *member, const char *(*next)(void *context), void *context);

#endif
