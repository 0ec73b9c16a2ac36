/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAME_SECOND_MAX = 100 }; /* names tried for one time */

static const char *const suffixes[STORE_FILE_COUNT] = {
    [STORE_MAIN] = "", [STORE_WAL] = "-wal", [STORE_SHM] = "-shm"};

static void
name_file(char *name, const char *stem, enum store_file file)
{
	snprintf(name, STORE_NAME_SIZE, "%s%s", stem, suffixes[file]);
}

static bool
exists(const char *stem, enum store_file file, struct stat *st)
{
	char name[STORE_NAME_SIZE];

	name_file(name, stem, file);
	return stat(name, st) == 0;
}

void
store_files_note(const char *path, struct store_files *files)
{
	*files = (struct store_files){.mode = 0};
	for (enum store_file i = STORE_MAIN; i < STORE_FILE_COUNT; i++) {
		struct stat st;

		if (!exists(path, i, &st))
			continue;
		files->file[i] = (struct store_file_id){
		    .there = true, .dev = st.st_dev, .ino = st.st_ino};
		if (i == STORE_MAIN) {
			files->mode = st.st_mode & 07777;
			files->size = st.st_size;
		}
	}
}

static bool
is_noted(const struct store_file_id *noted, const struct stat *st)
{
	return noted->there && noted->dev == st->st_dev &&
	       noted->ino == st->st_ino;
}

bool
store_files_moved(const char *path, struct store_files *noted)
{
	for (enum store_file i = STORE_MAIN; i < STORE_FILE_COUNT; i++) {
		struct stat st;

		errno = 0;
		if (exists(path, i, &st)) {
			if (!is_noted(&noted->file[i], &st) ||
			    (i == STORE_MAIN && st.st_size < noted->size))
				return true;
			if (i == STORE_MAIN)
				noted->size = st.st_size;
		} else if (errno == ENOENT || errno == ENOTDIR) {
			return true;
		}
	}
	return false;
}

/* PATH.WHY-TIME that no file has yet. */
static bool
pick_stem(char *stem, const char *path, const char *why, struct err *err)
{
	time_t now = time(NULL);
	struct tm tm;
	char utc[32];

	gmtime_r(&now, &tm);
	strftime(utc, sizeof(utc), "%Y%m%dT%H%M%SZ", &tm);
	for (int n = 1; n <= SAME_SECOND_MAX; n++) {
		struct stat st;
		char more[16] = "";

		if (n > 1)
			snprintf(more, sizeof(more), ".%d", n);
		snprintf(stem, STORE_STEM_SIZE, "%.*s.%s-%s%s", STORE_PATH_SIZE,
			 path, why, utc, more);
		if (!exists(stem, STORE_MAIN, &st) &&
		    !exists(stem, STORE_WAL, &st) &&
		    !exists(stem, STORE_SHM, &st))
			return true;
	}
	return err_set(err, "%s: too many files of that name", stem);
}

static bool
move(const char *path, const char *stem, enum store_file file, struct err *err)
{
	char from[STORE_NAME_SIZE];
	char to[STORE_NAME_SIZE];

	name_file(from, path, file);
	name_file(to, stem, file);
	if (rename(from, to) == 0 || errno == ENOENT)
		return true;
	return err_set(err, "can't move %s aside: %s", from, strerror(errno));
}

static bool
drop(const char *path, enum store_file file, struct err *err)
{
	char name[STORE_NAME_SIZE];

	name_file(name, path, file);
	if (unlink(name) == 0 || errno == ENOENT)
		return true;
	return err_set(err, "can't remove %s: %s", name, strerror(errno));
}

bool
store_files_clear(const char *path, const char *why,
		  const struct store_files *noted, char *to, struct err *err)
{
	char stem[STORE_STEM_SIZE];

	to[0] = '\0';
	if (!pick_stem(stem, path, why, err))
		return false;
	for (enum store_file i = STORE_MAIN; i < STORE_FILE_COUNT; i++) {
		struct stat st;

		if (!exists(path, i, &st))
			continue;
		if (!is_noted(&noted->file[i], &st)) {
			if (!move(path, stem, i, err))
				return false;
			snprintf(to, STORE_STEM_SIZE, "%s", stem);
		} else if (i != STORE_MAIN && !drop(path, i, err)) {
			return false;
		}
	}
	return true;
}

bool
store_files_sync_dir(const char *path, struct err *err)
{
	char dir[STORE_PATH_SIZE];
	bool ok;
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path + 1),
		 path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, "%s: %s", dir, strerror(errno));
	ok = fsync(fd) == 0 || errno == EINVAL;
	if (!ok)
		err_set(err, "fsync of %s: %s", dir, strerror(errno));
	close(fd);
	return ok;
}
