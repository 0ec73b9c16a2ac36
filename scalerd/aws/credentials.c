/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct credentials {
	struct credentials_setup setup;
	struct credentials_search search;
	const struct credentials_source *source; /* looked at last */
	struct loop_timer begin;                 /* of the next attempt */
	int64_t not_before_ms;                   /* CLOCK_BOOTTIME, of it */
	int64_t fetched_ms;                      /* when `keys` came */
	int failures;                            /* in a row */
	int refusals;                            /* of fresh keys, in a row */
	bool busy;                               /* an answer is awaited */
	bool have;                               /* `keys` are some */
	bool refused;                            /* by AWS */
	bool unseen; /* nobody has got them yet: their age is not checked */
	struct aws_keys keys;
	const struct credentials_source *keys_from;
	int64_t expires_utc_ms; /* 0: never */
	struct err err;         /* what is said when the keys can't be used */
};

static const struct credentials_source *const chain[] = {
    &credentials_environment,
    &credentials_profile,
    &credentials_container,
    &credentials_imds,
};

const struct credentials_pace credentials_pace_usual = {
    .pause_min_ms = 1000,
    .pause_max_ms = 60 * 1000,
    .rest_ms = 30 * 1000,
};

static int64_t
random_below(int64_t end)
{
	uint32_t number;

	/* Without it only the jitter is lost. */
	if (RAND_bytes((unsigned char *)&number, sizeof(number)) != 1)
		return 0;
	return number % end;
}

/* ---- attempts ---------------------------------------------------------- */

static void begin(void *arg);

static void
want_attempt(struct credentials *c)
{
	const int64_t now_ms = loop_now_ms();

	if (!c->busy && !c->begin.set)
		loop_timer_set(c->setup.loop, &c->begin,
			       now_ms > c->not_before_ms ? now_ms
							 : c->not_before_ms,
			       begin, c);
}

static void
take_found(struct credentials *c)
{
	c->keys = c->search.found.keys;
	c->expires_utc_ms = c->search.found.expires_utc_ms;
	c->keys_from = c->source;
	c->have = true;
	c->refused = false;
	c->unseen = true;
	c->failures = 0;
	c->fetched_ms = loop_now_ms();
	c->not_before_ms = c->fetched_ms + c->setup.pace.rest_ms +
			   random_below(c->setup.pace.rest_ms);
	err_set(&c->err, "the AWS keys of %s have expired", c->source->name);
}

static void
take_failure(struct credentials *c, const struct err *err)
{
	const int64_t max_ms = c->setup.pace.pause_max_ms;
	int64_t pause_ms = c->setup.pace.pause_min_ms;

	for (int i = 0; i < c->failures && pause_ms < max_ms; i++)
		pause_ms *= 2;
	if (pause_ms < max_ms)
		c->failures++;
	else
		pause_ms = max_ms;
	c->err = *err;
	c->not_before_ms =
	    loop_now_ms() + pause_ms / 2 + random_below(pause_ms / 2);
	want_attempt(c);
}

static void
settle(struct credentials *c, enum credentials_look look, struct err *err)
{
	c->busy = look == CREDENTIALS_LOOK_ASKED;
	if (c->busy)
		return;
	if (look == CREDENTIALS_LOOK_NONE)
		err_set(err, "no AWS keys: set AWS_ACCESS_KEY_ID and "
			     "AWS_SECRET_ACCESS_KEY, or a profile in "
			     "~/.aws/credentials, or use a container role or "
			     "an instance role");
	if (look == CREDENTIALS_LOOK_FOUND)
		take_found(c);
	else
		take_failure(c, err);
	OPENSSL_cleanse(&c->search.found, sizeof(c->search.found));
	c->setup.changed(c->setup.changed_arg);
}

static void
begin(void *arg)
{
	struct credentials *c = arg;
	enum credentials_look look = CREDENTIALS_LOOK_NONE;
	struct err err = {0};

	for (size_t i = 0; look == CREDENTIALS_LOOK_NONE && i < COUNT(chain);
	     i++) {
		c->source = chain[i];
		look = c->source->look(&c->search, &err);
	}
	settle(c, look, &err);
}

static void
on_answer(void *arg, const struct credentials_answer *answer)
{
	struct credentials *c = arg;
	struct err err = {0};

	settle(c, c->source->next(&c->search, answer, &err), &err);
}

/* ---- the keys ---------------------------------------------------------- */

bool
credentials_open(struct credentials **out,
		 const struct credentials_setup *setup, struct err *err)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(err, "out of memory");
	c->setup = *setup;
	c->search.env = setup->env;
	c->search.env_arg = setup->env_arg;
	if (!credentials_fetch_open(
		&c->search.fetch, setup->loop,
		credentials_env(&c->search, "AWS_CA_BUNDLE"), on_answer, c,
		err)) {
		credentials_close(c);
		return false;
	}
	want_attempt(c);
	*out = c;
	return true;
}

static bool
expires_within(const struct credentials *c, int64_t now_utc_ms, int64_t ms)
{
	return c->expires_utc_ms != 0 && c->expires_utc_ms - now_utc_ms <= ms;
}

static void
check_age(struct credentials *c, int64_t now_utc_ms)
{
	int64_t use_ms;

	if (!c->unseen)
		return;
	c->unseen = false;
	if (!c->keys_from->may_be_stale ||
	    !expires_within(c, now_utc_ms, CREDENTIALS_EARLY_MS))
		return;
	use_ms = CREDENTIALS_STALE_USE_MS +
		 random_below(CREDENTIALS_STALE_JITTER_MS);
	if (expires_within(c, now_utc_ms, use_ms))
		c->expires_utc_ms = now_utc_ms + use_ms;
}

/* An attempt runs or is about to, and none has failed before. */
static bool
is_pending(const struct credentials *c)
{
	return c->failures == 0 &&
	       (c->busy || (c->begin.set && c->begin.due_ms <= loop_now_ms()));
}

enum credentials_state
credentials_get(struct credentials *c, int64_t now_utc_ms,
		struct aws_keys *keys, struct err *err)
{
	check_age(c, now_utc_ms);
	if (!c->have || c->refused ||
	    expires_within(c, now_utc_ms, CREDENTIALS_EARLY_MS))
		want_attempt(c);
	if (c->have && !c->refused && !expires_within(c, now_utc_ms, 0)) {
		*keys = c->keys;
		return CREDENTIALS_HAVE;
	}
	if (is_pending(c))
		return CREDENTIALS_NOT_YET;
	*err = c->err;
	return CREDENTIALS_FAILED;
}

/* Fresh keys that are refused are worth another look, but less and less. */
static void
hasten(struct credentials *c)
{
	int64_t pause_ms = c->setup.pace.pause_min_ms;

	if (loop_now_ms() >= c->not_before_ms)
		c->refusals = 0;
	for (int i = 0; i < c->refusals && pause_ms < c->setup.pace.rest_ms;
	     i++)
		pause_ms *= 2;
	if (pause_ms < c->setup.pace.rest_ms)
		c->refusals++;
	if (c->not_before_ms > c->fetched_ms + pause_ms)
		c->not_before_ms = c->fetched_ms + pause_ms;
}

void
credentials_refused(struct credentials *c, const char *key_id,
		    const struct err *why)
{
	if (!c->have || strcmp(c->keys.id, key_id) != 0 || c->refused)
		return;
	c->refused = true;
	if (c->failures == 0) {
		hasten(c);
		err_set(&c->err, "AWS refuses the keys of %s: %s",
			c->keys_from->name, why->msg);
	}
	want_attempt(c);
}

void
credentials_close(struct credentials *c)
{
	if (!c)
		return;
	loop_timer_clear(c->setup.loop, &c->begin);
	credentials_fetch_close(c->search.fetch);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}
