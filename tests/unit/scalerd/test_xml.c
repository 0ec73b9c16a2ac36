/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/xml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { SEEN_SIZE = 1024, SPARE = 64 };

/* What the reader was told, "path=text;" for each element. */
struct seen {
	char text[SEEN_SIZE];
	size_t used;
	const char *refuse; /* a path, or NULL */
};

static bool
see(void *arg, const char *path, const char *text, struct err *err)
{
	struct seen *seen = arg;
	const int n = snprintf(seen->text + seen->used, SEEN_SIZE - seen->used,
			       "%s=%s;", path, text);

	if (seen->refuse && strcmp(path, seen->refuse) == 0)
		return err_set(err, "refused");
	if ((size_t)n < SEEN_SIZE - seen->used)
		seen->used += (size_t)n;
	return true;
}

/* The document in memory of exactly its size, so that ASan sees a read beyond.
 */
static bool
read_bytes(const char *body, size_t size, struct seen *seen, struct err *err)
{
	char *copy = malloc(size > 0 ? size : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, body, size);
	ok = xml_read(copy, size, see, seen, err);
	free(copy);
	return ok;
}

static void
assert_sees(const char *body, const char *wanted)
{
	struct seen seen = {0};
	struct err err = {0};

	if (!read_bytes(body, strlen(body), &seen, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(seen.text, wanted);
}

static void
assert_refuses(const char *body, const char *because)
{
	struct seen seen = {0};
	struct err err = {0};

	assert_false(read_bytes(body, strlen(body), &seen, &err));
	if (!strstr(err.msg, because))
		fail_msg("%s: %s", body, err.msg);
}

static void
elements_are_told_by_their_path_as_they_end(void **state)
{
	(void)state;
	assert_sees("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<a xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
		    "  <b>1</b>\n  <c><b>2</b><b/></c>\n</a>\n",
		    "a/b=1;a/c/b=2;a/c/b=;a/c=;a=;");
}

static void
a_text_is_whole_whatever_it_is_made_of(void **state)
{
	(void)state;
	assert_sees(
	    "<a>x&lt;&#65;&amp;<!-- no --><![CDATA[<y>]]>\xc3\xa9\n</a>",
	    "a=x<A&<y>\xc3\xa9\n;");
}

static void
a_document_cut_at_any_byte_is_refused(void **state)
{
	static const char whole[] =
	    "<?xml version=\"1.0\"?><a x=\"1\"><b>t&amp;</b><c/>\n</a>";

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		struct seen seen = {0};
		struct err err = {0};

		assert_false(read_bytes(whole, size, &seen, &err));
		assert_string_not_equal(err.msg, "");
	}
}

static void
what_is_no_xml_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    " ",
	    "x",
	    "{}",
	    "<a>",
	    "</a>",
	    "<a></b>",
	    "<a><b></a></b>",
	    "<a/><a/>",
	    "<a/>x",
	    "<a>&</a>",
	    "<a>&nbsp;</a>",
	    "<a>&#0;</a>",
	    "<a>\x01</a>",
	    "<a>\xff</a>",
	    "<a>\xc3</a>",
	    "<a x=1/>",
	    "<?xml version=\"1.0\" encoding=\"x\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refuses(bad[i], "is no XML");
}

static void
a_nul_byte_is_refused(void **state)
{
	static const char body[] = "<a>\0</a>";
	struct seen seen = {0};
	struct err err = {0};

	(void)state;
	assert_false(read_bytes(body, sizeof(body) - 1, &seen, &err));
}

static void
a_doctype_is_refused(void **state)
{
	(void)state;
	assert_refuses("<!DOCTYPE a><a/>", "DOCTYPE");
	assert_refuses("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "DOCTYPE");
	assert_refuses("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
		       "DOCTYPE");
}

static void
text_beside_elements_is_refused(void **state)
{
	(void)state;
	assert_refuses("<a>x<b/></a>", "a holds text and elements");
	assert_refuses("<a><b/>x</a>", "a holds text and elements");
	assert_refuses("<a><b>1</b><b>2</b>x</a>", "text and elements");
}

/* `n` times <a>, and as many </a>. */
static void
assert_nested(size_t n, bool ok)
{
	char body[7 * (XML_DEPTH_MAX + 1) + 1] = "";
	struct seen seen = {0};
	struct err err = {0};

	for (size_t i = 0; i < n; i++)
		memcpy(body + 3 * i, "<a>", 3);
	for (size_t i = 0; i < n; i++)
		memcpy(body + 3 * n + 4 * i, "</a>", 4);
	assert_int_equal(xml_read(body, 7 * n, see, &seen, &err), ok);
	assert_int_equal(strstr(err.msg, "nested deeper") != NULL, !ok);
}

static void
deep_nesting_is_refused(void **state)
{
	(void)state;
	assert_nested(XML_DEPTH_MAX, true);
	assert_nested(XML_DEPTH_MAX + 1, false);
}

/* An element whose name, or whose text, has that many bytes. */
static bool
reads_long(size_t name, size_t text, struct err *err)
{
	const size_t room = 2 * name + text + SPARE;
	char *body = malloc(room);
	char *to = body;
	bool ok;
	struct seen seen = {0};

	assert_non_null(body);
	*to++ = '<';
	memset(to, 'n', name);
	to += name;
	*to++ = '>';
	memset(to, 't', text);
	to += text;
	memcpy(to, "</", 2);
	memset(to + 2, 'n', name);
	to[2 + name] = '>';
	ok = xml_read(body, (size_t)(to - body) + name + 3, see, &seen, err);
	free(body);
	return ok;
}

static void
long_names_and_texts_are_refused(void **state)
{
	struct err err = {0};

	(void)state;
	assert_true(reads_long(XML_NAME_SIZE - 1, XML_TEXT_SIZE - 1, &err));
	assert_false(reads_long(XML_NAME_SIZE, 1, &err));
	assert_non_null(strstr(err.msg, "name of an XML element"));
	assert_false(reads_long(1, XML_TEXT_SIZE, &err));
	assert_non_null(strstr(err.msg, "text of n is too long"));
}

static void
a_long_path_is_refused(void **state)
{
	char body[XML_PATH_SIZE + 4 * SPARE] = "";
	size_t used = 0;
	struct seen seen = {0};
	struct err err = {0};

	(void)state;
	while (used < XML_PATH_SIZE + 2 * SPARE) {
		body[used] = '<';
		memset(body + used + 1, 'n', SPARE - 2);
		body[used + SPARE - 1] = '>';
		used += SPARE;
	}
	assert_false(xml_read(body, used, see, &seen, &err));
	assert_non_null(strstr(err.msg, "name of an XML element"));
}

static void
a_huge_document_is_refused(void **state)
{
	const size_t size = XML_SIZE_MAX;
	char *body = malloc(size + 1);
	struct seen seen = {0};
	struct err err = {0};

	(void)state;
	assert_non_null(body);
	memset(body, ' ', size + 1);
	memcpy(body, "<a/>", 4);
	assert_true(xml_read(body, size, see, &seen, &err));
	assert_false(xml_read(body, size + 1, see, &seen, &err));
	free(body);
}

static void
a_reader_that_refuses_ends_the_reading(void **state)
{
	struct seen seen = {.refuse = "a/b"};
	struct err err = {0};
	static const char body[] = "<a><b/><c>1</c><b>";

	(void)state;
	assert_false(read_bytes(body, sizeof(body) - 1, &seen, &err));
	assert_string_equal(err.msg, "refused");
	assert_string_equal(seen.text, "a/b=;");
}

UNIT_MAIN(cmocka_unit_test(elements_are_told_by_their_path_as_they_end),
	  cmocka_unit_test(a_text_is_whole_whatever_it_is_made_of),
	  cmocka_unit_test(a_document_cut_at_any_byte_is_refused),
	  cmocka_unit_test(what_is_no_xml_is_refused),
	  cmocka_unit_test(a_nul_byte_is_refused),
	  cmocka_unit_test(a_doctype_is_refused),
	  cmocka_unit_test(text_beside_elements_is_refused),
	  cmocka_unit_test(deep_nesting_is_refused),
	  cmocka_unit_test(long_names_and_texts_are_refused),
	  cmocka_unit_test(a_long_path_is_refused),
	  cmocka_unit_test(a_huge_document_is_refused),
	  cmocka_unit_test(a_reader_that_refuses_ends_the_reading))
