/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "scalerd/edge/answer.h"

#define CAP          "\"available_capacity\""
#define RDY          "\"ready_to_close\""
#define TAIL         "," RDY ":true}"
#define GOOD_MEMBERS CAP ":7," RDY ":true"
#define COUNT(a)     (sizeof(a) / sizeof((a)[0]))

enum { UNTOUCHED = 4711, FUZZ_ROUNDS = 200000, FUZZ_SIZE = 96 };

struct sample {
	const char *body;
	size_t size;
};

/* The size of a literal, so that NUL bytes within it count. */
#define SAMPLE(s)                                                              \
	{                                                                      \
		(s), sizeof(s) - 1                                             \
	}

static const struct sample hostile[] = {
    /* not one object */
    SAMPLE(""),
    SAMPLE(" "),
    SAMPLE("null"),
    SAMPLE("true"),
    SAMPLE("7"),
    SAMPLE("\""
	   "x"
	   "\""),
    SAMPLE("[]"),
    SAMPLE("[{" GOOD_MEMBERS "}]"),
    SAMPLE("{" GOOD_MEMBERS),
    SAMPLE("{" GOOD_MEMBERS "]"),
    SAMPLE("{" GOOD_MEMBERS "}}"),
    SAMPLE("{" GOOD_MEMBERS "}{}"),
    SAMPLE("{" GOOD_MEMBERS "} x"),
    SAMPLE("{" GOOD_MEMBERS "},"),
    SAMPLE("{" GOOD_MEMBERS "} {" GOOD_MEMBERS "}"),
    SAMPLE("{" GOOD_MEMBERS "}\0"),
    SAMPLE("{" GOOD_MEMBERS "}\0junk"),
    SAMPLE("\0{" GOOD_MEMBERS "}"),
    SAMPLE("{\0" GOOD_MEMBERS "}"),
    SAMPLE("\xEF\xBB\xBF{" GOOD_MEMBERS "}"),
    SAMPLE("\f{" GOOD_MEMBERS "}"),
    SAMPLE("\xA0{" GOOD_MEMBERS "}"),
    SAMPLE("cb({" GOOD_MEMBERS "})"),
    SAMPLE("{}"),
    /* not quite JSON */
    SAMPLE("{" GOOD_MEMBERS ",}"),
    SAMPLE("{," GOOD_MEMBERS "}"),
    SAMPLE("{" CAP ":7,," RDY ":true}"),
    SAMPLE("{" CAP " 7" TAIL),
    SAMPLE("{" CAP ":7 " RDY ":true}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":}"),
    SAMPLE("{" GOOD_MEMBERS ",3:4}"),
    SAMPLE("{" GOOD_MEMBERS ",x:4}"),
    SAMPLE("{/**/" GOOD_MEMBERS "}"),
    SAMPLE("{" GOOD_MEMBERS "} // x"),
    SAMPLE("# x\n{" GOOD_MEMBERS "}"),
    SAMPLE("{'available_capacity':7" TAIL),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":'y'}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":NaN}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":Infinity}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":-Infinity}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":undefined}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":NULL}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":nul}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":truetrue}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":1.}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":.5}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":1e}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":1e+}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":1.e3}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":0x10}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":[1,]}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":[1}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"a\nb\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"a\0b\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\\u0000\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\\q\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\\u12g4\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"open}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"open\\"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\xFF\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\xC3\"}"),
    /* nested deeper than ANSWER_DEPTH_MAX */
    SAMPLE("{" GOOD_MEMBERS ",\"x\":[[[[[[[[1]]]]]]]]}"),
    SAMPLE("{" GOOD_MEMBERS ",\"x\":[[[[[[[[]]]]]]]]}"),
    /* a member is missing, or there twice */
    SAMPLE("{" CAP ":7}"),
    SAMPLE("{" RDY ":true}"),
    SAMPLE("{\"Available_capacity\":7" TAIL),
    SAMPLE("{\"available_capacity \":7" TAIL),
    SAMPLE("{\"available_capacity\\u0000\":7" TAIL),
    SAMPLE("{\"x\":{" GOOD_MEMBERS "}}"),
    SAMPLE("{" CAP ":7," GOOD_MEMBERS "}"),
    SAMPLE("{" GOOD_MEMBERS "," RDY ":true}"),
    SAMPLE("{" GOOD_MEMBERS "," RDY ":false}"),
    SAMPLE("{" GOOD_MEMBERS ",\"available_capacit\\u0079\":8}"),
    /* available_capacity is no integer in range */
    SAMPLE("{" CAP ":null" TAIL),
    SAMPLE("{" CAP ":true" TAIL),
    SAMPLE("{" CAP ":\"12\"" TAIL),
    SAMPLE("{" CAP ":[7]" TAIL),
    SAMPLE("{" CAP ":{}" TAIL),
    SAMPLE("{" CAP ":1.0" TAIL),
    SAMPLE("{" CAP ":1e3" TAIL),
    SAMPLE("{" CAP ":1E0" TAIL),
    SAMPLE("{" CAP ":-0.0" TAIL),
    SAMPLE("{" CAP ":+7" TAIL),
    SAMPLE("{" CAP ":07" TAIL),
    SAMPLE("{" CAP ":-07" TAIL),
    SAMPLE("{" CAP ":--7" TAIL),
    SAMPLE("{" CAP ":-" TAIL),
    SAMPLE("{" CAP ":7-1" TAIL),
    SAMPLE("{" CAP ":7 1" TAIL),
    SAMPLE("{" CAP ":NaN" TAIL),
    SAMPLE("{" CAP ":1000001" TAIL),
    SAMPLE("{" CAP ":-1000001" TAIL),
    SAMPLE("{" CAP ":4294967303" TAIL),
    SAMPLE("{" CAP ":9223372036854775808" TAIL),
    SAMPLE("{" CAP ":-9223372036854775809" TAIL),
    SAMPLE("{" CAP ":18446744073709551623" TAIL),
    SAMPLE("{" CAP ":99999999999999999999999999999999999999" TAIL),
    /* joined_total is no integer in range */
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":null}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":true}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":\"1\"}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":[1]}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":1.0}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":1e3}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":-1}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":9007199254740993}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":9223372036854775808}"),
    SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":1,\"joined_total\":2}"),
    /* ready_to_close is not true or false */
    SAMPLE("{" CAP ":7," RDY ":1}"),
    SAMPLE("{" CAP ":7," RDY ":0}"),
    SAMPLE("{" CAP ":7," RDY ":\"true\"}"),
    SAMPLE("{" CAP ":7," RDY ":null}"),
    SAMPLE("{" CAP ":7," RDY ":True}"),
    SAMPLE("{" CAP ":7," RDY ":TRUE}"),
    SAMPLE("{" CAP ":7," RDY ":[true]}"),
};

static const struct {
	struct sample sample;
	int64_t seats;
	bool ready;
} good[] = {
    {SAMPLE("{" GOOD_MEMBERS "}"), 7, true},
    {SAMPLE("{" RDY ":false," CAP ":1000}"), 1000, false},
    {SAMPLE(" \t\r\n{" GOOD_MEMBERS "}\r\n \t"), 7, true},
    {SAMPLE("{ " CAP " : 0 , " RDY "\n:\tfalse }"), 0, false},
    {SAMPLE("{" CAP ":-3" TAIL), -3, true},
    {SAMPLE("{" CAP ":-0" TAIL), 0, true},
    {SAMPLE("{" CAP ":1000000" TAIL), 1000000, true},
    {SAMPLE("{" CAP ":-1000000" TAIL), -1000000, true},
    {SAMPLE("{\"available_capacit\\u0079\":5" TAIL), 5, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":[1,-2.5e+3,0.1,null,false,{}]}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":{\"ready_to_close\":false}}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":{\"a\":1,\"b\":[{\"a\":1}]}}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":\":,{}[]'NaN' \\\\ \\\"\"}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\\\\u0000\"}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":\"\xC3\xA9 \\u00e9 \\n\"}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":[[[[[[[1]]]]]]]}"), 7, true},
    {SAMPLE("{" GOOD_MEMBERS ",\"x\":99999999999999999999999}"), 7, true},
};

/* The body in memory of exactly its size, so that ASan sees a read beyond. */
static bool
parse_all(const char *body, size_t size, int64_t *seats, int64_t *joined,
	  bool *ready)
{
	struct err err = {0};
	char *copy = malloc(size ? size : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, body, size);
	ok = answer_parse(copy, size, seats, joined, ready, &err);
	free(copy);
	assert_true(ok || err.msg[0] != '\0');
	return ok;
}

static bool
parse(const char *body, size_t size, int64_t *seats, bool *ready)
{
	int64_t joined = UNTOUCHED;
	const bool ok = parse_all(body, size, seats, &joined, ready);

	assert_int_equal(joined, ok ? ANSWER_NO_JOINED : UNTOUCHED);
	return ok;
}

static void
joined_total_is_read_where_it_is_given(void **state)
{
	static const struct {
		struct sample sample;
		int64_t joined;
	} given[] = {
	    {SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":0}"), 0},
	    {SAMPLE("{\"joined_total\":12," GOOD_MEMBERS "}"), 12},
	    {SAMPLE("{" GOOD_MEMBERS ",\"joined_total\":9007199254740992}"),
	     ANSWER_JOINED_MAX},
	    {SAMPLE("{" GOOD_MEMBERS ",\"x\":{\"joined_total\":3}}"),
	     ANSWER_NO_JOINED},
	};
	int64_t seats, joined;
	bool ready;

	(void)state;
	for (size_t i = 0; i < COUNT(given); i++) {
		assert_true(parse_all(given[i].sample.body,
				      given[i].sample.size, &seats, &joined,
				      &ready));
		assert_int_equal(joined, given[i].joined);
		assert_int_equal(seats, 7);
	}
}

static void
each_hostile_body_is_refused_and_writes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostile); i++) {
		int64_t seats = UNTOUCHED;
		bool ready = false;

		if (parse(hostile[i].body, hostile[i].size, &seats, &ready))
			fail_msg("accepted: %s", hostile[i].body);
		assert_int_equal(seats, UNTOUCHED);
		assert_false(ready);
	}
}

static void
each_good_body_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t seats = UNTOUCHED;
		bool ready = !good[i].ready;

		if (!parse(good[i].sample.body, good[i].sample.size, &seats,
			   &ready))
			fail_msg("refused: %s", good[i].sample.body);
		assert_int_equal(seats, good[i].seats);
		assert_int_equal(ready, good[i].ready);
	}
}

static void
no_beginning_of_a_good_body_is_good(void **state)
{
	static const char body[] = "{" GOOD_MEMBERS ",\"x\":[1,\"\\u00e9\"]}";
	int64_t seats;
	bool ready;

	(void)state;
	for (size_t size = 0; size < sizeof(body) - 1; size++)
		assert_false(parse(body, size, &seats, &ready));
	assert_true(parse(body, sizeof(body) - 1, &seats, &ready));
}

static void
an_error_quotes_nothing_of_the_body(void **state)
{
	static const char *const bodies[] = {
	    "{\"SECRET\":1}",
	    "{" GOOD_MEMBERS ",\"SECRET\":1,\"SECRET\":2}",
	    "SECRET",
	    "{" CAP ":\"SECRET\"" TAIL,
	};
	int64_t seats, joined;
	bool ready;

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct err err;

		assert_false(answer_parse(bodies[i], strlen(bodies[i]), &seats,
					  &joined, &ready, &err));
		assert_null(strstr(err.msg, "SECRET"));
	}
}

static void
a_body_of_the_greatest_size_is_read_at_any_nesting(void **state)
{
	enum { SIZE = 16 * 1024 };
	static char body[SIZE];
	int64_t seats;
	bool ready;

	(void)state;
	memset(body, '[', SIZE);
	assert_false(parse(body, SIZE, &seats, &ready));
	memset(body, ' ', SIZE);
	memcpy(body, "{" GOOD_MEMBERS "}", strlen("{" GOOD_MEMBERS "}"));
	assert_true(parse(body, SIZE, &seats, &ready));
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Some bytes of a good answer replaced by bytes that JSON knows, or by any. */
static void
random_bytes_never_give_a_number_out_of_range(void **state)
{
	static const char base[] =
	    "{" GOOD_MEMBERS ",\"x\":[1.5e3,\"\\u00e9\"]}";
	static const char known[] = "{}[]:,\"\\ \n0123456789-+.eEutrfalsn";
	uint64_t seed = 0x9E3779B97F4A7C15u;
	int accepted = 0;
	int refused = 0;

	(void)state;
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		char body[FUZZ_SIZE];
		const size_t size = sizeof(base) - 1;
		const uint64_t changes = next_random(&seed) % 4;
		int64_t seats = UNTOUCHED;
		bool ready;

		memcpy(body, base, size);
		for (uint64_t i = 0; i < changes; i++) {
			const uint64_t r = next_random(&seed);
			const char any = (char)(r >> 32);

			body[r % size] =
			    r & 1u << 31
				? any
				: known[(r >> 40) % (sizeof(known) - 1)];
		}
		if (parse(body, size, &seats, &ready)) {
			accepted++;
			assert_in_range(seats + ANSWER_SEATS_MAX, 0,
					2 * ANSWER_SEATS_MAX);
		} else {
			refused++;
			assert_int_equal(seats, UNTOUCHED);
		}
	}
	assert_true(accepted > 0 && refused > 0);
}

UNIT_MAIN(cmocka_unit_test(each_hostile_body_is_refused_and_writes_nothing),
	  cmocka_unit_test(each_good_body_is_understood),
	  cmocka_unit_test(joined_total_is_read_where_it_is_given),
	  cmocka_unit_test(no_beginning_of_a_good_body_is_good),
	  cmocka_unit_test(an_error_quotes_nothing_of_the_body),
	  cmocka_unit_test(a_body_of_the_greatest_size_is_read_at_any_nesting),
	  cmocka_unit_test(random_bytes_never_give_a_number_out_of_range))
