/* SPDX-License-Identifier: MIT */
/*
 * What somebody who mistyped a word may have meant.
 */
#ifndef XQ_TOOL_NEAREST_H
#define XQ_TOOL_NEAREST_H

#include <stddef.h>

/**
 * word_distance() - edits that turn one word into another
 *
 * Insertions, deletions, substitutions, and exchanges of two neighbours that are not edited
 * again (optimal string alignment). Letters that differ in case only are alike. Of words longer
 * than 63 bytes only the first 63 count.
 */
size_t word_distance(const char *a, const char *b);

/**
 * nearest_word() - the one word that is meant, as far as one can tell
 * @words: NULL-terminated; what follows a colon in one of them is not looked at
 *
 * Near are words within a third of the letters of @word, and those that begin with it.
 *
 * Return: the nearest, or NULL if none is near or several are equally so.
 */
const char *nearest_word(const char *word, const char *const *words);

#endif
