/* SPDX-License-Identifier: MIT */
/*
 * What every unit test program begins with: cmocka, and UNIT_MAIN, which lets
 * pytest list the tests (`--list`) and run one of them by its name. A test's
 * name is the behaviour that it shows.
 */
#ifndef GSM_TESTS_UNIT_H
#define GSM_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static inline void
unit_skip(void **state)
{
	(void)state;
	skip();
}

static inline void
unit_skip_all(struct CMUnitTest *tests, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){.name = tests[i].name,
					       .test_func = unit_skip};
	puts(why);
	fflush(stdout);
}

/* With a setup and a teardown of the whole program, and a function that says
 * what they need and is missing: every test is skipped then. NULL: nothing. */
#define UNIT_MAIN_IN(missing, begin, end, ...)                                 \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		struct CMUnitTest tests[] = {__VA_ARGS__};                     \
		const size_t ntests = sizeof(tests) / sizeof(tests[0]);        \
		const char *why = missing();                                   \
		if (argc == 2 && strcmp(argv[1], "--list") == 0) {             \
			for (size_t i = 0; i < ntests; i++)                    \
				puts(tests[i].name);                           \
			return 0;                                              \
		}                                                              \
		if (argc == 2)                                                 \
			cmocka_set_test_filter(argv[1]);                       \
		if (!why)                                                      \
			return cmocka_run_group_tests(tests, begin, end);      \
		unit_skip_all(tests, ntests, why);                             \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

static inline const char *
unit_nothing_missing(void)
{
	return NULL;
}

#define UNIT_MAIN(...)                                                         \
	UNIT_MAIN_IN(unit_nothing_missing, NULL, NULL, __VA_ARGS__)

#endif
