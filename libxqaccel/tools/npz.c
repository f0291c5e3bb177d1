// SPDX-License-Identifier: MIT
/*
 * .npz by libzip. Where the library is not there (cross compiling without it) such a file is refused.
 */
#include <unistd.h>

#include "archive.h"

#ifdef XQ_WITH_LIBZIP
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "npy.h"

static ptrdiff_t take_member(struct byte_source *from, void *to, size_t bytes)
{
	return (ptrdiff_t)zip_fread(from->context, to, bytes);
}

static const char *member_error(struct byte_source *from)
{
	static char text[200];

	snprintf(text, sizeof(text), "%s", zip_file_strerror(from->context));
	return text;
}

struct names {
	zip_t *zip;
	zip_int64_t next;
	char name[128];
};

static const char *next_name(void *context)
{
	struct names *names = context;
	const char *name = names->next < zip_get_num_entries(names->zip, 0) ?
			   zip_get_name(names->zip, (zip_uint64_t)names->next++, 0) : NULL;
	size_t length;

	if (!name)
		return NULL;
	snprintf(names->name, sizeof(names->name), "%s", name);
	length = strlen(names->name);
	if (length > 4 && !strcmp(names->name + length - 4, ".npy"))
		names->name[length - 4] = 0;
	return names->name;
}

/* As numpy.load finds them: by the name, then with .npy behind it. */
static zip_int64_t locate_name(zip_t *zip, const char *name, size_t length)
{
	char *file = malloc(length + 5);
	zip_int64_t found;

	if (!file)
		return -1;
	memcpy(file, name, length);
	file[length] = 0;
	found = zip_name_locate(zip, file, 0);
	if (found < 0)
		found = zip_name_locate(zip, strcat(file, ".npy"), 0);
	free(file);
	return found;
}

/* Sets as to the type that stands behind the name, if any. */
static zip_int64_t locate(zip_t *zip, const char *member, const char **as)
{
	const char *colon;
	zip_int64_t found;

	*as = NULL;
	if (!member)
		return zip_get_num_entries(zip, 0) == 1 ? 0 : -1;
	found = locate_name(zip, member, strlen(member));
	colon = strrchr(member, ':');
	if (found >= 0 || !colon)
		return found;
	*as = colon + 1;
	return locate_name(zip, member, (size_t)(colon - member));
}

static const char *read_member(zip_t *zip, zip_int64_t index, const char *as, struct tensor *t,
			       struct byte_share *share)
{
	struct byte_source from = { .take = take_member, .error = member_error, .known = true, .claimed = true,
				    .share = share };
	static char text[200];
	const char *wrong;
	zip_file_t *file;
	zip_stat_t stat;

	if (zip_stat_index(zip, (zip_uint64_t)index, 0, &stat) || !(stat.valid & ZIP_STAT_SIZE))
		return "its list of members is damaged";
	file = zip_fopen_index(zip, (zip_uint64_t)index, 0);
	if (!file) {
		snprintf(text, sizeof(text), "%s", zip_strerror(zip));
		return text;
	}
	from.context = file;
	from.size = stat.size;
	wrong = npy_read_source(&from, as, t);
	zip_fclose(file);
	return wrong;
}

static const char *read_archive(zip_source_t *source, zip_error_t *error, const char *member, struct tensor *t,
				struct byte_share *share)
{
	zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, error) : NULL;
	static char text[200];
	const char *wrong, *as;
	zip_int64_t index;

	*t = (struct tensor){ 0 };
	if (!zip) {
		snprintf(text, sizeof(text), "%s", zip_error_strerror(error));
		zip_error_fini(error);
		if (source)
			zip_source_free(source);
		return text;
	}
	index = locate(zip, member, &as);
	if (index < 0) {
		struct names names = { .zip = zip };

		wrong = archive_no_member(member, next_name, &names);
	} else {
		wrong = read_member(zip, index, as, t, share);
	}
	zip_discard(zip);
	return wrong;
}

const char *npz_read(int fd, const char *member, struct tensor *t, struct byte_share *share)
{
	FILE *file = fdopen(fd, "rb");
	zip_error_t error;

	zip_error_init(&error);
	if (!file) {
		close(fd);
		return "there is not enough memory for it";
	}
	return read_archive(zip_source_filep_create(file, 0, -1, &error), &error, member, t, share);
}

const char *npz_parse(const void *bytes, size_t size, const char *member, struct tensor *t)
{
	zip_error_t error;

	zip_error_init(&error);
	return read_archive(zip_source_buffer_create(bytes, size, 0, &error), &error, member, t, NULL);
}

#else

static const char *const refused = "it is a .npz file, and this xq was built without libzip";

const char *npz_read(int fd, const char *member, struct tensor *t, struct byte_share *share)
{
	(void)member;
	(void)share;
	close(fd);
	*t = (struct tensor){ 0 };
	return refused;
}

const char *npz_parse(const void *bytes, size_t size, const char *member, struct tensor *t)
{
	(void)bytes;
	(void)size;
	(void)member;
	*t = (struct tensor){ 0 };
	return refused;
}
#endif
