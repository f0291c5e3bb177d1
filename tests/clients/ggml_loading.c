// SPDX-License-Identifier: GPL-2.0
/*
 * How libggml-xqaccel.so is loaded and let go of: by whom it doesn't know, and by a ggml that unloads it while threads of
 * its software device are there.
 */
#include <dlfcn.h>
#include <unistd.h>

#include "tests/clients/ggml_calls.h"

/* Long enough for a thread to go on where it waited. */
#define A_WHILE_US	50000

static bool still_there(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

	if (library)
		dlclose(library);
	return library;
}

/* In a process without ggml, whose functions are looked for: the first of these cases. */
static void refuses_other_programs(void)
{
	const char *path = getenv("XQ_GGML_PLUGIN");
	void *library = path ? dlopen(path, RTLD_NOW) : NULL;
	void *(*init)(void);

	if (!EXPECT(library, "%s", path ? dlerror() : "XQ_GGML_PLUGIN is not set"))
		return;
	*(void **)&init = dlsym(library, "ggml_backend_init");
	EXPECT(init && !init(), "an entry that gives nothing");
	dlclose(library);
}

static void is_unloaded(void)
{
	if (!open_ggml())
		return;
	EXPECT(ggml.reg_dev_count(registry) > 0, "a device, whose threads are there");
	ggml.backend_free(backend);
	ggml.backend_unload(registry);
	usleep(A_WHILE_US);
	EXPECT(still_there(getenv("XQ_GGML_PLUGIN")), "code for the threads of the device");
}

static void is_loaded_again(void)
{
	void *again = ggml.backend_load(getenv("XQ_GGML_PLUGIN"));

	if (EXPECT(again && again == registry, "the plugin as it was"))
		EXPECT(ggml.reg_dev_count(again) == 1, "its device, once");
}

KTAP_MAIN(
	{ "another program is refused", refuses_other_programs },
	{ "let go of, its threads have code", is_unloaded },
	{ "loaded again", is_loaded_again },
)
