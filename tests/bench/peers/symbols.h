/* SPDX-License-Identifier: MIT */
/* A library's functions, looked up by name so that a library that is absent is no obstacle. */
#ifndef XQ_BENCH_PEER_SYMBOLS_H
#define XQ_BENCH_PEER_SYMBOLS_H

#include <dlfcn.h>

struct peer_symbol {
	const char *name;
	void **address;
};

#define PEER_SYMBOL(function)	{ #function, (void **)&call.function }

/* Opens a library and finds its functions. Return: NULL, or what is in the way. */
static inline const char *peer_load(const char *library, const struct peer_symbol *symbol)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return dlerror();
	for (; symbol->name; symbol++) {
		*symbol->address = dlsym(handle, symbol->name);
		if (!*symbol->address)
			return dlerror();
	}
	return (const char *)0;
}

#endif
