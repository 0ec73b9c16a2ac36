/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* fchown */
#include "common/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ledger_private.h"

enum { LEDGER_MODE = 0660 };

static bool
fail(struct err *err, const char *path, const char *what)
{
	return err_set(err, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- making ------------------------------------------------------------ */

/* The group of the directory in which the file lies, which both programs have,
 * whether or not the directory hands it down. */
static bool
share(int fd, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	struct stat file, parent;
	int size = 0;

	if (slash)
		size = snprintf(dir, sizeof(dir), "%.*s",
				(int)(slash - path + 1), path);
	else
		memcpy(dir, ".", sizeof("."));
	if (size < 0 || (size_t)size >= sizeof(dir))
		return err_set(err, "%s: the path is too long", path);
	if (stat(dir, &parent) < 0)
		return fail(err, dir, "stat");
	if (fstat(fd, &file) < 0)
		return fail(err, path, "fstat");
	if (file.st_gid != parent.st_gid &&
	    fchown(fd, (uid_t)-1, parent.st_gid) < 0)
		return fail(err, path, "can't get the directory's group");
	if (fchmod(fd, LEDGER_MODE) < 0)
		return fail(err, path, "fchmod");
	return true;
}

static bool
fill(int fd, const char *path, uint64_t epoch, struct err *err)
{
	const struct ledger_head head = {.magic = LEDGER_MAGIC,
					 .version = LEDGER_VERSION,
					 .nslot = LEDGER_SLOTS,
					 .epoch = epoch};
	ssize_t size;

	/* Every page is there: a full file system can't end a process that
	 * writes to the mapping. */
	errno = posix_fallocate(fd, 0, sizeof(struct ledger_image));
	if (errno)
		return fail(err, path, "no room for it");
	size = pwrite(fd, &head, sizeof(head), 0);
	if (size < 0)
		return fail(err, path, "write");
	return size == sizeof(head) || err_set(err, "%s: short write", path);
}

bool
ledger_create(const char *path, uint64_t epoch, struct err *err)
{
	char name[PATH_MAX];
	const int size = snprintf(name, sizeof(name), "%s.new", path);
	bool ok;
	int fd;

	if (size < 0 || (size_t)size >= sizeof(name))
		return err_set(err, "%s: the path is too long", path);
	if (unlink(name) < 0 && errno != ENOENT)
		return fail(err, name, "can't remove it");
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  S_IRUSR | S_IWUSR);
	if (fd < 0)
		return fail(err, name, "can't make it");
	ok = fill(fd, name, epoch, err) && share(fd, name, err);
	close(fd);
	if (ok && rename(name, path) < 0)
		ok = fail(err, path, "can't put the ledger there");
	if (!ok)
		(void)unlink(name);
	return ok;
}

/* ---- mapping ----------------------------------------------------------- */

static bool
check(int fd, const char *path, struct stat *st, struct err *err)
{
	struct ledger_head head;

	if (fstat(fd, st) < 0)
		return fail(err, path, "fstat");
	if (!S_ISREG(st->st_mode))
		return err_set(err, "%s: not a regular file", path);
	if (st->st_size != sizeof(struct ledger_image))
		return err_set(err,
			       "%s: not a ledger: it has %lld bytes instead "
			       "of %zu",
			       path, (long long)st->st_size,
			       sizeof(struct ledger_image));
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
		return err_set(err, "%s: can't be read", path);
	if (head.magic != LEDGER_MAGIC)
		return err_set(err, "%s: not a ledger", path);
	if (head.version != LEDGER_VERSION || head.nslot != LEDGER_SLOTS)
		return err_set(err, "%s: a ledger of another version", path);
	if (head.epoch == 0 || head.epoch > INT64_MAX)
		return err_set(err, "%s: a ledger without an epoch", path);
	return true;
}

static bool
map(struct ledger *ledger, int fd, const char *path, struct err *err)
{
	struct stat st;

	if (!check(fd, path, &st, err))
		return false;
	ledger->dev = st.st_dev;
	ledger->ino = st.st_ino;
	ledger->file = mmap(NULL, sizeof(*ledger->file), PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	if (ledger->file == MAP_FAILED) {
		ledger->file = NULL;
		return fail(err, path, "mmap");
	}
	return ledger_guard_add(ledger) ||
	       err_set(err, "%s: too many ledgers are mapped", path);
}

bool
ledger_open(struct ledger **out, const char *path, struct err *err)
{
	struct ledger *ledger;
	bool ok;
	int fd;

	/* A pipe at the path must not block. */
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fail(err, path, "can't open it");
	ledger = calloc(1, sizeof(*ledger));
	ok =
	    ledger ? map(ledger, fd, path, err) : err_set(err, "out of memory");
	close(fd);
	if (ok)
		*out = ledger;
	else
		ledger_close(ledger);
	return ok;
}

void
ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	ledger_guard_remove(ledger);
	if (ledger->file)
		munmap(ledger->file, sizeof(*ledger->file));
	free(ledger);
}

/* ---- what became of it ------------------------------------------------- */

uint64_t
ledger_epoch(const struct ledger *ledger)
{
	struct ledger_head *head = &ledger->file->head;
	const uint64_t magic =
	    atomic_load_explicit(&head->magic, memory_order_relaxed);
	const uint64_t epoch =
	    atomic_load_explicit(&head->epoch, memory_order_relaxed);

	/* Last: only what was read above can have lost a page. */
	if (magic != LEDGER_MAGIC || epoch > INT64_MAX ||
	    atomic_load_explicit(&ledger->watch->lost, memory_order_relaxed))
		return 0;
	return epoch;
}

bool
ledger_is_replaced(const struct ledger *ledger, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return st.st_dev != ledger->dev || st.st_ino != ledger->ino ||
	       st.st_size != sizeof(*ledger->file);
}
