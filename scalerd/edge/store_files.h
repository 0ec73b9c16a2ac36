/* SPDX-License-Identifier: MIT */
/*
 * The names of a database: the file itself, its -wal and its -shm. Everything
 * here works on names and never opens them, because closing a descriptor of
 * an open database drops SQLite's locks on it.
 */
#ifndef GSM_EDGE_STORE_FILES_H
#define GSM_EDGE_STORE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "common/err.h"

enum {
	STORE_PATH_SIZE = PATH_MAX,            /* a database's path, with NUL */
	STORE_STEM_SIZE = PATH_MAX + 64,       /* that and ".damaged-TIME" */
	STORE_NAME_SIZE = STORE_STEM_SIZE + 8, /* that and "-wal" */
};

enum store_file { STORE_MAIN, STORE_WAL, STORE_SHM, STORE_FILE_COUNT };

/* Which files a path led to. */
struct store_files {
	struct store_file_id {
		bool there;
		dev_t dev;
		ino_t ino;
	} file[STORE_FILE_COUNT];
	mode_t mode; /* of the database, 0 if it is not there */
	off_t size;  /* the most that the database had */
};

void store_files_note(const char *path, struct store_files *files);

/* Whether a name leads nowhere or to another file than noted, or the database
 * became shorter, which SQLite never makes it here: somebody cut it. A name
 * that can't be looked at proves nothing: false. Notes a larger size. */
bool store_files_moved(const char *path, struct store_files *noted);

/* Clears the path: other files than the noted ones are renamed to
 * PATH.WHY-TIME (with -wal and -shm), of the noted ones -wal and -shm are
 * removed and the database stays. `to` (STORE_STEM_SIZE bytes) gets the new
 * name, "" if nothing was renamed. */
NODISCARD bool store_files_clear(const char *path, const char *why,
				 const struct store_files *noted, char *to,
				 struct err *err);

/* Makes renames in the path's directory durable. */
NODISCARD bool store_files_sync_dir(const char *path, struct err *err);

#endif
