/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <curl/curl.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "scalerd/edge/pages.h"

static long
kb_of_files(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long kb = -1;

	assert_non_null(status);
	while (kb < 0 && fgets(line, sizeof(line), status))
		if (strncmp(line, "RssFile:", 8) == 0)
			kb = strtol(line + 8, NULL, 10);
	(void)fclose(status);
	assert_true(kb > 0);
	return kb;
}

static void
what_starting_libcurl_mapped_is_given_back(void **state)
{
	long before;

	(void)state;
	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	before = kb_of_files();
	pages_give_back();
	assert_in_range(kb_of_files(), 1, before / 2);
	curl_global_cleanup();
}

static const char *const relocated[] = {"read-only", "but", "relocated"};
static int counter = 1;

static int
next_number(void)
{
	return ++counter;
}

static int (*const volatile function)(void) = next_number;

static void
code_tables_and_variables_are_as_before(void **state)
{
	const char *const volatile *word = relocated;
	sqlite3 *db;

	(void)state;
	assert_int_equal(function(), 2);
	for (int i = 0; i < 3; i++) {
		pages_give_back();
		assert_int_equal(function(), 3 + i);
		assert_string_equal(word[2], "relocated");
	}
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	pages_give_back();
	assert_int_equal(
	    sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

UNIT_MAIN(cmocka_unit_test(what_starting_libcurl_mapped_is_given_back),
	  cmocka_unit_test(code_tables_and_variables_are_as_before))
