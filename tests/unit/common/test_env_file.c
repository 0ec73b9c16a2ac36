/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/env_file.h"

enum { FUZZ_ROUNDS = 20000, FUZZ_SIZE = 64 };

/* What env_file_parse said: "1 NAME=[value]\n2 NAME! problem\n". */
struct heard {
	char text[2048];
	size_t len;
};

static void
hear(void *arg, const struct env_file_entry *entry)
{
	struct heard *heard = arg;
	int n;

	if (entry->problem != NULL)
		assert_string_equal(entry->value, "");
	n = snprintf(heard->text + heard->len, sizeof(heard->text) - heard->len,
		     "%d %s%s%s%s\n", entry->line, entry->name,
		     entry->problem == NULL ? "=[" : "! ",
		     entry->problem == NULL ? entry->value : entry->problem,
		     entry->problem == NULL ? "]" : "");
	assert_true(n > 0);
	heard->len += (size_t)n;
	assert_true(heard->len < sizeof(heard->text));
}

static void
assert_parsed(const char *file, const char *expected)
{
	struct heard heard = {.len = 0};
	char *text = strdup(file); /* heap: a sanitizer sees its end */

	assert_non_null(text);
	env_file_parse(text, strlen(text), hear, &heard);
	free(text);
	assert_string_equal(heard.text, expected);
}

static void
assignments_are_read_in_order_with_their_lines(void **state)
{
	(void)state;
	assert_parsed("A=1\n\n# B=2\n  \t\nA_9=x y\nA=", /* no newline */
		      "1 A=[1]\n5 A_9=[x y]\n6 A=[]\n");
	assert_parsed("", "");
	assert_parsed("\n", "");
}

static void
carriage_returns_and_byte_order_mark_are_dropped(void **state)
{
	(void)state;
	assert_parsed("\xef\xbb\xbf"
		      "A=1\r\n\r\nB='2'\r\n#\r\nC=3\r",
		      "1 A=[1]\n3 B=[2]\n5 C=[3]\n");
}

static void
white_space_around_is_dropped(void **state)
{
	(void)state;
	assert_parsed(" A = 1 \n\tB=\t2\t\n", "1 A=[1]\n2 B=[2]\n");
}

static void
export_is_accepted(void **state)
{
	(void)state;
	assert_parsed("export A=1\nexport\t B=2\nexport=3\nexportC=4\n",
		      "1 A=[1]\n2 B=[2]\n3 export=[3]\n4 exportC=[4]\n");
}

static void
comment_needs_white_space_before_it(void **state)
{
	(void)state;
	assert_parsed("A=1 # one\nB=a#b\nC=a\t#b # c\nD=#x\nE= # x\n",
		      "1 A=[1]\n2 B=[a#b]\n3 C=[a]\n4 D=[]\n5 E=[]\n");
}

static void
quotes_keep_spaces_and_hashes(void **state)
{
	(void)state;
	assert_parsed(
	    "A=' a # b '\nB=\" a # b \" # c\nC=''\nD=\"\" #\nE=a'b\n",
	    "1 A=[ a # b ]\n2 B=[ a # b ]\n3 C=[]\n4 D=[]\n5 E=[a'b]\n");
}

static void
backslash_escapes_in_double_quotes_only(void **state)
{
	(void)state;
	assert_parsed("A=\"a \\\"b\\\" \\\\ \\x\"\nB='a\\'\nC=a\\b\n",
		      "1 A=[a \"b\" \\ x]\n2 B=[a\\]\n3 C=[a\\b]\n");
	/* As django-environ. */
	assert_parsed("A=\"\\n\\r\\t\"\n", "1 A=[\\n\\r\\t]\n");
}

static void
value_keeps_further_equals_signs(void **state)
{
	(void)state;
	assert_parsed("A=b=c==\n", "1 A=[b=c==]\n");
}

static void
broken_lines_are_told_and_the_next_one_is_read(void **state)
{
	(void)state;
	assert_parsed(
	    "A 1\nB=2\n",
	    "1 ! no \"=\" in the line, expected NAME=VALUE\n2 B=[2]\n");
	assert_parsed(
	    "A-B=1\n=2\nA B=3\nexport =4\n\xc3\xa9=5\n",
	    "1 ! the name before the \"=\" must consist of letters, digits "
	    "and _\n"
	    "2 ! the name before the \"=\" must consist of letters, digits "
	    "and _\n"
	    "3 ! the name before the \"=\" must consist of letters, digits "
	    "and _\n"
	    "4 ! the name before the \"=\" must consist of letters, digits "
	    "and _\n"
	    "5 ! the name before the \"=\" must consist of letters, digits "
	    "and _\n");
	assert_parsed("A='1\nB=\"1\\\"\nC='1' 2\nD=\"\\",
		      "1 A! the quote is not closed\n"
		      "2 B! the quote is not closed\n"
		      "3 C! text follows the closing quote\n"
		      "4 D! the quote is not closed\n");
}

/* Entries of random text stay inside it, and lines only grow. */
struct bounds {
	const char *from, *to;
	int line;
};

static void
check_bounds(void *arg, const struct env_file_entry *entry)
{
	struct bounds *bounds = arg;

	assert_true(entry->line > bounds->line);
	bounds->line = entry->line;
	if (entry->problem != NULL)
		return;
	assert_true(entry->name >= bounds->from && entry->name < bounds->to);
	assert_true(entry->value > entry->name && entry->value <= bounds->to);
	assert_true(entry->value + strlen(entry->value) <= bounds->to);
	assert_true(entry->name[0] != '\0');
	assert_null(strchr(entry->value, '\n'));
}

static uint32_t
next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

static void
random_text_is_survived(void **state)
{
	static const char letters[] =
	    "AB=='\"\"\\\\# \t\n\n\r_export \xef\xbb\xbf";
	uint32_t random = 20261122;

	(void)state;
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		size_t size = next_random(&random) % FUZZ_SIZE;
		char *text = malloc(size + 1); /* of the exact size for ASan */
		struct bounds bounds = {text, text + size, 0};

		assert_non_null(text);
		for (size_t i = 0; i < size; i++)
			text[i] = round % 4 == 0
				      ? (char)(1 + next_random(&random) % 255)
				      : letters[next_random(&random) %
						(sizeof(letters) - 1)];
		text[size] = '\0';
		env_file_parse(text, size, check_bounds, &bounds);
		free(text);
	}
}

/* Writes a file of its own and reads it with a limit of 10 bytes. */
static bool
read_file_of(const char *content, size_t size, char **text, struct err *err)
{
	char path[] = "/tmp/test_env_file.XXXXXX";
	int fd = mkstemp(path);
	size_t got;
	bool done;

	assert_true(fd != -1);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
	done = env_file_read(path, 10, text, &got, err);
	unlink(path);
	if (done)
		assert_int_equal(got, size);
	return done;
}

static void
file_of_the_largest_size_is_read(void **state)
{
	struct err err;
	char *text;

	(void)state;
	assert_true(read_file_of("A=12345678", 10, &text, &err));
	assert_string_equal(text, "A=12345678");
	free(text);
	assert_true(read_file_of("", 0, &text, &err));
	assert_string_equal(text, "");
	free(text);
}

static void
unusable_files_are_refused(void **state)
{
	struct err err;
	char *text;
	size_t size;

	(void)state;
	assert_false(read_file_of("A=123456789", 11, &text, &err));
	assert_non_null(strstr(err.msg, ": larger than 10 bytes"));
	assert_false(read_file_of("A=1\nB=\0\n", 8, &text, &err));
	assert_non_null(strstr(err.msg, ":2: a NUL byte in the line"));
	assert_false(env_file_read("/nonexistent/x", 10, &text, &size, &err));
	assert_string_equal(err.msg,
			    "/nonexistent/x: No such file or directory");
	assert_false(env_file_read("/tmp", 10, &text, &size, &err));
	assert_string_equal(err.msg, "/tmp: not a file");
}

UNIT_MAIN(cmocka_unit_test(assignments_are_read_in_order_with_their_lines),
	  cmocka_unit_test(carriage_returns_and_byte_order_mark_are_dropped),
	  cmocka_unit_test(white_space_around_is_dropped),
	  cmocka_unit_test(export_is_accepted),
	  cmocka_unit_test(comment_needs_white_space_before_it),
	  cmocka_unit_test(quotes_keep_spaces_and_hashes),
	  cmocka_unit_test(backslash_escapes_in_double_quotes_only),
	  cmocka_unit_test(value_keeps_further_equals_signs),
	  cmocka_unit_test(broken_lines_are_told_and_the_next_one_is_read),
	  cmocka_unit_test(random_text_is_survived),
	  cmocka_unit_test(file_of_the_largest_size_is_read),
	  cmocka_unit_test(unusable_files_are_refused))
