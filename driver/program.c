// SPDX-License-Identifier: GPL-2.0
/* Programs as objects: their memory, and their handles. program_record.c makes them. */
#include <linux/slab.h>

#include "client.h"
#include "program.h"

struct xqaccel_program *xqaccel_program_alloc(u32 jobs)
{
	struct xqaccel_program *p = kzalloc(sizeof(*p), GFP_PROGRAM);

	if (!p)
		return NULL;
	kref_init(&p->ref);
	p->jobs = jobs;
	return p;
}

/* With a reference; or NULL. */
struct xqaccel_program *xqaccel_program_find(struct xqaccel_client *client, u32 handle)
{
	struct xqaccel_program *p;

	xa_lock(&client->programs);
	p = xa_load(&client->programs, handle);
	if (p && p->published)
		kref_get(&p->ref);
	else
		p = NULL;
	xa_unlock(&client->programs);
	return p;
}

/* Ends the handle of a program that is published or not; -ENOENT if there is none. */
int xqaccel_program_erase(struct xqaccel_client *client, u32 handle, bool published)
{
	struct xqaccel_program *p;

	xa_lock(&client->programs);
	p = xa_load(&client->programs, handle);
	if (p && p->published == published)
		__xa_erase(&client->programs, handle);
	else
		p = NULL;
	xa_unlock(&client->programs);
	if (!p)
		return -ENOENT;
	xqaccel_program_put(p);
	return 0;
}

/* The file is closed: nobody can name a program any more. */
void xqaccel_programs_close(struct xqaccel_client *client)
{
	struct xqaccel_program *p;
	unsigned long handle;

	xa_for_each(&client->programs, handle, p) {
		xa_erase(&client->programs, handle);
		xqaccel_program_put(p);
	}
}
