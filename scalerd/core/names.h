/* SPDX-License-Identifier: MIT */
/*
 * Enums and their words. A table of words, indexed by the enum, is the only
 * place where a word is written; NAMES_DEFINE makes the two functions that
 * every such enum has:
 *
 *	const char *state_name(enum state);        asserts the range
 *	bool state_parse(const char *, enum state *);  false: no such word
 */
#ifndef GSM_CORE_NAMES_H
#define GSM_CORE_NAMES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The index of name in names, or count. */
static inline size_t
names_index(const char *const *names, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

#define NAMES_DEFINE(prefix, type, names, count)                               \
	const char *prefix##_name(type value)                                  \
	{                                                                      \
		assert((size_t)value < (count));                               \
		return (names)[value];                                         \
	}                                                                      \
	bool prefix##_parse(const char *name, type *value)                     \
	{                                                                      \
		size_t i = names_index((names), (count), name);                \
		if (i == (count))                                              \
			return false;                                          \
		*value = (type)i;                                              \
		return true;                                                   \
	}

#endif
