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

#define UNIT_MAIN(...)                                                         \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		const struct CMUnitTest tests[] = {__VA_ARGS__};               \
		const size_t ntests = sizeof(tests) / sizeof(tests[0]);        \
		if (argc == 2 && strcmp(argv[1], "--list") == 0) {             \
			for (size_t i = 0; i < ntests; i++)                    \
				puts(tests[i].name);                           \
			return 0;                                              \
		}                                                              \
		if (argc == 2)                                                 \
			cmocka_set_test_filter(argv[1]);                       \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

#endif
