/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ledger_private.h"

static struct ledger_watch watched[LEDGER_MAPPINGS_MAX];
static struct sigaction previous;
static uintptr_t page_size;

static struct ledger_watch *
find_mapping(uintptr_t address)
{
	for (int i = 0; i < LEDGER_MAPPINGS_MAX; i++) {
		const uintptr_t base = atomic_load(&watched[i].base);

		if (base != 0 && address - base < sizeof(struct ledger_image))
			return &watched[i];
	}
	return NULL;
}

/* ThreadSanitizer takes a page that is put in another's place for bytes that
 * this thread writes: one that reads them at that instant gets a fault of its
 * own, or zeros. */
#ifdef __SANITIZE_THREAD__
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#else
#define AnnotateIgnoreWritesBegin(file, line) ((void)0)
#define AnnotateIgnoreWritesEnd(file, line)   ((void)0)
#endif

/* The page must lie inside the mapping, which begins and ends with a page. */
static bool
replace_page(struct ledger_watch *watch, void *address)
{
	void *page = (char *)address - ((uintptr_t)address & (page_size - 1));
	const void *there;

	/* First: whoever sees the zeros is to see that they are none of ours.
	 */
	atomic_store(&watch->lost, true);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	there = mmap(page, page_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	return there != MAP_FAILED;
}

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	const int saved = errno;
	struct ledger_watch *watch = NULL;

	(void)context;
	if (info->si_code > 0)
		watch = find_mapping((uintptr_t)info->si_addr);
	if (!watch || !replace_page(watch, info->si_addr)) {
		/* Not about a ledger: as if this handler were not there. A
		 * fault comes again by itself, a signal that was sent does not.
		 */
		sigaction(SIGBUS, &previous, NULL);
		if (info->si_code <= 0)
			raise(signo);
	}
	errno = saved;
}

bool
ledger_guard(struct err *err)
{
	struct sigaction action = {.sa_sigaction = on_sigbus,
				   .sa_flags = SA_SIGINFO | SA_RESTART};
	const long size = sysconf(_SC_PAGESIZE);

	if (size <= 0 || sizeof(struct ledger_image) % (size_t)size != 0)
		return err_set(err, "pages of %ld bytes don't fit the ledger",
			       size);
	page_size = (uintptr_t)size;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &previous) < 0)
		return err_set(err, "can't handle SIGBUS: %s", strerror(errno));
	return true;
}

bool
ledger_guard_add(struct ledger *ledger)
{
	for (int i = 0; i < LEDGER_MAPPINGS_MAX; i++) {
		uintptr_t none = 0;

		if (atomic_compare_exchange_strong(&watched[i].base, &none,
						   (uintptr_t)ledger->file)) {
			ledger->watch = &watched[i];
			return true;
		}
	}
	return false;
}

void
ledger_guard_remove(struct ledger *ledger)
{
	if (!ledger->watch)
		return;
	/* For the next one that it watches, which may come at once. */
	atomic_store(&ledger->watch->lost, false);
	atomic_store(&ledger->watch->base, 0);
	ledger->watch = NULL;
}
