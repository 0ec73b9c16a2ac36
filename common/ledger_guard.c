/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/ledger_private.h"

static struct ledger *_Atomic guarded[LEDGER_MAPPINGS_MAX];
static struct sigaction previous;
static uintptr_t page_size;

static struct ledger *
find_mapping(uintptr_t address)
{
	for (int i = 0; i < LEDGER_MAPPINGS_MAX; i++) {
		struct ledger *ledger = atomic_load(&guarded[i]);

		if (ledger &&
		    address - (uintptr_t)ledger->file < sizeof(*ledger->file))
			return ledger;
	}
	return NULL;
}

/* The page must lie inside the mapping, which begins and ends with a page. */
static bool
replace_page(struct ledger *ledger, uintptr_t address)
{
	char *page = (char *)ledger->file +
		     ((address - (uintptr_t)ledger->file) & ~(page_size - 1));

	/* First: whoever sees the zeros is to see that they are none of ours.
	 */
	atomic_store(&ledger->lost, true);
	return mmap(page, page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	const int saved = errno;
	const uintptr_t address = (uintptr_t)info->si_addr;
	struct ledger *ledger = NULL;

	(void)context;
	if (info->si_code > 0)
		ledger = find_mapping(address);
	if (!ledger || !replace_page(ledger, address)) {
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
		struct ledger *none = NULL;

		if (atomic_compare_exchange_strong(&guarded[i], &none, ledger))
			return true;
	}
	return false;
}

void
ledger_guard_remove(const struct ledger *ledger)
{
	for (int i = 0; i < LEDGER_MAPPINGS_MAX; i++)
		if (atomic_load(&guarded[i]) == ledger)
			atomic_store(&guarded[i], NULL);
}
