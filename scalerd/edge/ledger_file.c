/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* flock */
#include "scalerd/edge/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ledger.h"
#include "common/log.h"
#include "scalerd/edge/loop.h"

enum { LEDGER_DIRECTORY_MODE = 02770 }; /* both programs' group writes */

struct ledger_file {
	char path[CONFIG_TEXT_SIZE];
	struct ledger *ledger; /* never NULL once it is open */
	uint64_t epoch;        /* that it had when it was mapped */
	int fd;                /* holds the lock, -1: none */
	int64_t looked_ms;     /* when the path was last looked at */
	bool troubled;         /* a failure to renew was logged */
};

/* ---- taking and making ------------------------------------------------- */

static void
unlock(struct ledger_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Locks what lies at the path. What can't be a ledger needs no lock. */
static bool
lock(struct ledger_file *file, struct err *err)
{
	struct stat st;

	unlock(file);
	file->fd =
	    open(file->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file->fd < 0)
		return true;
	if (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		unlock(file);
		return true;
	}
	if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	err_set(err, "LEDGER=%s: %s", file->path,
		errno == EWOULDBLOCK ? "another scalerd uses it"
				     : strerror(errno));
	unlock(file);
	return false;
}

static bool
make_directory(const char *path, struct err *err)
{
	char dir[CONFIG_TEXT_SIZE];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, S_IRWXU) < 0) {
		if (errno == EEXIST)
			return true;
		return err_set(err, "LEDGER=%s: can't make its directory: %s",
			       path, strerror(errno));
	}
	/* Not by mkdir: the umask would take the group's part away. */
	if (chmod(dir, LEDGER_DIRECTORY_MODE) < 0)
		return err_set(err, "LEDGER=%s: chmod of its directory: %s",
			       path, strerror(errno));
	return true;
}

static bool
choose_epoch(uint64_t *epoch, struct err *err)
{
	if (getrandom(epoch, sizeof(*epoch), 0) != sizeof(*epoch))
		return err_set(err, "getrandom: %s", strerror(errno));
	*epoch &= INT64_MAX;
	if (*epoch == 0)
		*epoch = 1;
	return true;
}

/* Makes a new ledger, locks and maps it. */
static struct ledger *
make(struct ledger_file *file, struct err *err)
{
	struct ledger *ledger = NULL;
	struct err why = {.msg = "another scalerd uses it"};
	uint64_t epoch;

	if (!make_directory(file->path, err) || !choose_epoch(&epoch, err))
		return NULL;
	if (!ledger_create(file->path, epoch, &why))
		goto fail;
	(void)lock(file, err);
	if (!ledger_open(&ledger, file->path, &why))
		goto fail;
	if (ledger_epoch(ledger) == epoch)
		return ledger;
	/* One that started at the same instant has put its own there. */
	ledger_close(ledger);
	unlock(file);
fail:
	err_set(err, "LEDGER=%s: %s", file->path, why.msg);
	return NULL;
}

/* The sound ledger at the path with this epoch, or NULL. */
static struct ledger *
find(const struct ledger_file *file, uint64_t epoch)
{
	struct ledger *ledger;
	struct err why;

	if (epoch == 0 || !ledger_open(&ledger, file->path, &why))
		return NULL;
	if (ledger_epoch(ledger) == epoch)
		return ledger;
	ledger_close(ledger);
	return NULL;
}

/* Who still has it mapped, with a picture of the fleet of that time, must not
 * go on granting in it; and waits for its news. */
static void
retire(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot++)
		(void)ledger_set_closed(ledger, slot, true);
	ledger_announce(ledger);
	ledger_close(ledger);
}

static void
put(struct ledger_file *file, struct ledger *ledger)
{
	retire(file->ledger);
	file->ledger = ledger;
	file->epoch = ledger_epoch(ledger);
}

/* At the start. A scalerd that hangs may have locked it while this one took
 * over its database: the one that starts is right. */
static bool
take(struct ledger_file *file, uint64_t epoch, struct err *err)
{
	struct ledger *ledger;

	if (!lock(file, err))
		log_warn("ledger_taken", LOG_TEXT("reason", err->msg));
	ledger = find(file, epoch);
	if (!ledger)
		ledger = make(file, err);
	if (ledger)
		put(file, ledger);
	return ledger;
}

/* Later. Another that has put its own there started after this one. */
static bool
make_again(struct ledger_file *file, struct err *err)
{
	struct ledger *ledger = NULL;

	if (lock(file, err))
		ledger = make(file, err);
	if (ledger)
		put(file, ledger);
	return ledger;
}

/* ---- the port ---------------------------------------------------------- */

static struct ledger *
ledger_of(void *self)
{
	return ((struct ledger_file *)self)->ledger;
}

static uint64_t
port_epoch(void *self)
{
	return ledger_epoch(ledger_of(self));
}

static struct ledger_cell
port_read(void *self, uint32_t slot)
{
	return ledger_read(ledger_of(self), slot);
}

static void
port_assign(void *self, uint32_t slot, uint32_t generation)
{
	ledger_assign(ledger_of(self), slot, generation);
}

static struct ledger_cell
port_close(void *self, uint32_t slot)
{
	return ledger_set_closed(ledger_of(self), slot, true);
}

static struct ledger_cell
port_open(void *self, uint32_t slot)
{
	return ledger_set_closed(ledger_of(self), slot, false);
}

static uint64_t
port_shortage(void *self)
{
	return ledger_shortage(ledger_of(self));
}

static void
port_announce(void *self)
{
	ledger_announce(ledger_of(self));
}

static bool
port_renew(void *self)
{
	struct ledger_file *file = self;
	const int64_t now_ms = loop_now_ms();
	const bool lost = ledger_epoch(file->ledger) != file->epoch;
	const char *fault;
	struct err err;
	bool ok;

	if (now_ms - file->looked_ms < LEDGER_FILE_LOOK_MS &&
	    (!lost || file->troubled))
		return false;
	file->looked_ms = now_ms;
	if (!lost && !ledger_is_replaced(file->ledger, file->path)) {
		if (file->fd < 0) /* it was taken over */
			(void)lock(file, &err);
		return false;
	}
	fault = lost ? "damaged" : "deleted or replaced";
	ok = make_again(file, &err);
	if (ok)
		log_warn("ledger_renewed", LOG_TEXT("reason", fault),
			 LOG_TEXT("path", file->path));
	else if (!file->troubled)
		log_error("ledger_lost", LOG_TEXT("reason", fault),
			  LOG_TEXT("error", err.msg));
	file->troubled = !ok;
	return ok;
}

/* ---- life -------------------------------------------------------------- */

bool
ledger_file_open(struct ledger_file **out, struct ledger_port *port,
		 const char *path, uint64_t epoch, struct err *err)
{
	struct ledger_file *file = calloc(1, sizeof(*file));

	if (!file)
		return err_set(err, "out of memory");
	file->fd = -1;
	snprintf(file->path, sizeof(file->path), "%s", path);
	if (!ledger_guard(err) || !take(file, epoch, err)) {
		ledger_file_close(file);
		return false;
	}
	file->looked_ms = loop_now_ms();
	*port = (struct ledger_port){
	    .self = file,
	    .nslot = LEDGER_SLOTS,
	    .epoch = port_epoch,
	    .read = port_read,
	    .assign = port_assign,
	    .close = port_close,
	    .open = port_open,
	    .shortage = port_shortage,
	    .renew = port_renew,
	    .announce = port_announce,
	};
	*out = file;
	return true;
}

void
ledger_file_close(struct ledger_file *file)
{
	if (!file)
		return;
	unlock(file);
	ledger_close(file->ledger);
	free(file);
}
