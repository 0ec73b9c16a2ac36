/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "scalerd/edge/pages.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static void *
address(const struct dl_phdr_info *object, uintptr_t at)
{
	/* The loader tells addresses as numbers. */
	return (void *)(object->dlpi_addr + at); /* NOLINT(performance-*) */
}

/* Whether the loader wrote into what it then mapped read-only. */
static bool
has_relocated_text(const struct dl_phdr_info *object)
{
	const ElfW(Dyn) *entry = NULL;

	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
			entry = address(object, object->dlpi_phdr[i].p_vaddr);
	for (; entry && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_TEXTREL ||
		    (entry->d_tag == DT_FLAGS &&
		     (entry->d_un.d_val & DF_TEXTREL) != 0))
			return true;
	return false;
}

/* Only what is as in the file. Tables that are relocated and then protected
 * belong to a segment that says that it is writable. */
static int
give_back(struct dl_phdr_info *object, size_t size, void *page_size)
{
	const uintptr_t page = *(const uintptr_t *)page_size;

	(void)size;
	if (has_relocated_text(object))
		return 0;
	/* The first one last: the headers that are read here lie in it. */
	for (int i = object->dlpi_phnum - 1; i >= 0; i--) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		const uintptr_t begin = part->p_vaddr & ~(page - 1);

		if (part->p_type == PT_LOAD && (part->p_flags & PF_W) == 0)
			(void)madvise(address(object, begin),
				      part->p_vaddr + part->p_memsz - begin,
				      MADV_DONTNEED);
	}
	return 0;
}

void
pages_give_back(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)dl_iterate_phdr(give_back, &page);
}
