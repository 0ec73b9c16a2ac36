/* SPDX-License-Identifier: MIT */
/*
 * What the tests of AWS's answers share: facts to be filled, each reader of an
 * answer behind one signature, and what every reader does with an answer that
 * is cut or damaged.
 */
#ifndef GSM_SCALERD_ANSWER_BENCH_H
#define GSM_SCALERD_ANSWER_BENCH_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/facts.h"
#include "tests/unit/scalerd/damage.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define OPERATION "00112233445566778899aabbccddee01"

/* Setup and teardown of a test; *state is a struct facts. */
static inline int
open_facts(void **state)
{
	*state = facts_new();
	return *state ? 0 : -1;
}

static inline int
close_facts(void **state)
{
	facts_free(*state);
	return 0;
}

#define FACTS_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, open_facts, close_facts)

/* A reader; what else than facts it reads is dropped. */
typedef bool reader_fn(struct facts *facts, const char *body, size_t size,
		       struct err *err);

static inline void
assert_reads(reader_fn *reader, struct facts *facts, const char *body)
{
	struct err err = {0};

	if (!reader(facts, body, strlen(body), &err))
		fail_msg("%s", err.msg);
}

/* Refused, and the error has the text `because` in it. */
static inline void
assert_malformed(reader_fn *reader, struct facts *facts, const char *body,
		 const char *because)
{
	struct err err = {0};

	if (reader(facts, body, strlen(body), &err) ||
	    !strstr(err.msg, because))
		fail_msg("%s: %s", body, err.msg);
}

struct bad {
	const char *body;
	const char *because;
};

static inline void
assert_all_malformed(reader_fn *reader, struct facts *facts,
		     const struct bad *bad, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_malformed(reader, facts, bad[i].body, bad[i].because);
}

/* An answer that its reader takes. */
struct good {
	reader_fn *reader;
	const char *body;
};

/* Each is refused, without a look beyond, as long as the byte that ends it is
 * missing; what comes behind that byte (a line's end) may be missing. */
static inline void
assert_refused_when_cut(struct facts *facts, const struct good *good, size_t n,
			char last)
{
	for (size_t i = 0; i < n; i++) {
		const size_t whole =
		    (size_t)(strrchr(good[i].body, last) - good[i].body);

		for (size_t size = 0; size <= whole; size++) {
			char *copy = malloc(size > 0 ? size : 1);
			struct err err = {0};

			assert_non_null(copy);
			memcpy(copy, good[i].body, size);
			assert_false(good[i].reader(facts, copy, size, &err));
			assert_string_not_equal(err.msg, "");
			free(copy);
		}
		assert_reads(good[i].reader, facts, good[i].body);
	}
}

/* Each is read all the same or refused with a reason, however it is damaged. */
static inline void
assert_survives_damage(struct facts *facts, const struct good *good, size_t n)
{
	uint64_t seed = DAMAGE_SEED;
	int refused = 0;

	for (int round = 0; round < DAMAGE_ROUNDS; round++) {
		const size_t i = (size_t)round % n;
		const size_t size = strlen(good[i].body);
		char *body = damaged(good[i].body, size, &seed);
		struct err err = {0};

		facts_clear(facts);
		if (!good[i].reader(facts, body, size, &err)) {
			refused++;
			assert_string_not_equal(err.msg, "");
		}
		free(body);
	}
	assert_in_range(refused, DAMAGE_ROUNDS / 10, DAMAGE_ROUNDS - 1);
}

#endif
