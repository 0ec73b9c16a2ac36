/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/provider_conformance.h"

#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum {
	PASS_MS = 50,
	REPLAYS = 3,
	/* For what may be late to show what a launch has made. */
	LONG_AGO_MS = 3600 * 1000,
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t
utc_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the sink ---------------------------------------------------------- */

static void
on_answered(void *arg, const struct answer *answer)
{
	(void)arg;
	(void)answer;
	fail_msg("a provider answers no health question");
}

static void
on_listed(void *arg, const struct listing *listing)
{
	struct conformance *c = arg;

	assert_false(c->in_call);
	assert_true(listing->nsighting <= CONFORMANCE_SEEN_MAX);
	c->listing = *listing;
	for (size_t i = 0; i < listing->nsighting; i++)
		c->seen[i] = listing->sighting[i];
	c->listing.sighting = c->seen;
	c->nlisted++;
}

static void
on_stepped(void *arg, const struct step *step)
{
	struct conformance *c = arg;

	assert_false(c->in_call);
	c->step[c->nstepped % CONFORMANCE_STEPS_MAX] = *step;
	c->nstepped++;
}

static void
on_nudged(void *arg)
{
	struct conformance *c = arg;

	assert_false(c->in_call);
	c->nnudged++;
}

/* ---- driving it -------------------------------------------------------- */

void
conformance_begin(struct conformance *c)
{
	c->sink = (struct port_sink){.arg = c,
				     .answered = on_answered,
				     .listed = on_listed,
				     .stepped = on_stepped,
				     .nudged = on_nudged};
	c->open(c);
}

void
conformance_reopen(struct conformance *c)
{
	c->close(c);
	c->open(c);
}

/* The row of a launch that nothing is known of yet. */
static void
begin_row(struct conformance *c, const struct operation *launch)
{
	struct gameserver *row = &c->row[launch->gameserver - 1];

	*row = (struct gameserver){.id = launch->gameserver, .ours = true};
	memcpy(row->mark, launch->id, sizeof(row->mark));
}

void
conformance_prepare(struct conformance *c, enum op_kind kind,
		    const struct gameserver *gameserver,
		    struct operation *operation)
{
	static unsigned count;
	struct err err = {""};

	assert_true(c->nrow < CONFORMANCE_ROWS_MAX);
	*operation = (struct operation){.kind = kind,
					.gameserver = (int64_t)++c->nrow,
					.created_utc_ms = utc_now_ms()};
	snprintf(operation->id, sizeof(operation->id), "%08lx%016llx%08x",
		 (unsigned long)getpid() & 0xffffffffUL,
		 (unsigned long long)now_ms(), ++count);
	if (gameserver)
		c->row[c->nrow - 1] = *gameserver;
	else
		begin_row(c, operation);
	c->in_call = true;
	if (!c->port.prepare(c->port.self, &c->row[c->nrow - 1], operation,
			     &err))
		fail_msg("prepare: %s", err.msg);
	c->in_call = false;
	assert_true(operation->phase[0] != '\0');
	assert_true(operation->request[0] != '\0');
}

/* As if the record of everything that came of the operation had been lost. */
static void
replay(struct conformance *c, const struct operation *first,
       struct operation *operation)
{
	*operation = *first;
	if (first->kind == OP_LAUNCH)
		begin_row(c, first);
}

static void
call_list(struct conformance *c)
{
	const struct known nobody = {.mark = "", .ref = ""};

	c->in_call = true;
	c->port.list(c->port.self, &nobody, 0);
	c->in_call = false;
}

static void
call_step(struct conformance *c, const struct operation *operation)
{
	const struct gameserver *row = &c->row[operation->gameserver - 1];

	c->in_call = true;
	if (operation->kind == OP_LAUNCH)
		c->port.launch(c->port.self, operation, row);
	else
		c->port.stop(c->port.self, operation, row);
	c->in_call = false;
}

void
conformance_try_list(struct conformance *c)
{
	int64_t deadline_ms = now_ms() + CONFORMANCE_DEADLINE_MS;
	size_t before = c->nlisted;

	call_list(c);
	while (c->nlisted == before) {
		assert_true(now_ms() < deadline_ms);
		c->pass(c, PASS_MS);
	}
}

void
conformance_list(struct conformance *c)
{
	conformance_try_list(c);
	if (!c->listing.complete)
		fail_msg("list: %s", c->listing.detail);
}

const struct sighting *
conformance_find(const struct conformance *c, const char *mark)
{
	const struct sighting *found = NULL;

	for (size_t i = 0; i < c->listing.nsighting; i++) {
		if (strcmp(c->seen[i].mark, mark) != 0 || c->seen[i].gone)
			continue;
		assert_null(found); /* one mark, one gameserver */
		found = &c->seen[i];
	}
	return found;
}

static void
take_text(char *to, size_t size, const char *text)
{
	if (text[0] != '\0')
		snprintf(to, size, "%s", text);
}

/* What is not known any more stays as it was known. */
static void
take_sighting(struct gameserver *row, const struct sighting *sighting)
{
	take_text(row->ref, sizeof(row->ref), sighting->ref);
	take_text(row->instance, sizeof(row->instance), sighting->instance);
	take_text(row->ip, sizeof(row->ip), sighting->ip);
	take_text(row->address, sizeof(row->address), sighting->address);
	if (sighting->port != 0)
		row->port = sighting->port;
	row->host_leaving = sighting->leaving;
}

static void
fill_row(struct gameserver *row, const struct sighting *sighting)
{
	*row = (struct gameserver){.id = 1, .ours = sighting->ours};
	memcpy(row->mark, sighting->mark, sizeof(row->mark));
	take_sighting(row, sighting);
}

const struct step *
conformance_step(struct conformance *c, struct operation *operation)
{
	int64_t deadline_ms = now_ms() + CONFORMANCE_DEADLINE_MS;
	struct step *step = &c->step[0];

	c->nstepped = 0;
	call_step(c, operation);
	while (c->nstepped == 0) {
		assert_true(now_ms() < deadline_ms);
		c->pass(c, PASS_MS);
	}
	assert_string_equal(step->operation, operation->id);
	if (step->sighted)
		take_sighting(&c->row[operation->gameserver - 1],
			      &step->sighting);
	if (step->result == STEP_UNKNOWN)
		operation->attempts++;
	if (step->result == STEP_NEXT) {
		operation->attempts = 0;
		assert_true(step->phase[0] != '\0');
		memcpy(operation->phase, step->phase, sizeof(step->phase));
		memcpy(operation->request, step->request,
		       sizeof(step->request));
	}
	return step;
}

static void
wait_for_step(struct conformance *c, const struct step *step)
{
	int64_t ms = step->wait_ms;

	assert_true(ms > 0);
	if (c->wait_max_ms > 0 && ms > c->wait_max_ms)
		ms = c->wait_max_ms;
	c->pass(c, ms);
}

enum step_result
conformance_finish(struct conformance *c, struct operation *operation)
{
	int64_t deadline_ms = now_ms() + CONFORMANCE_DEADLINE_MS;

	for (;;) {
		const struct step *step = conformance_step(c, operation);

		if (step->result == STEP_DONE || step->result == STEP_REFUSED)
			return step->result;
		assert_true(now_ms() < deadline_ms);
		if (step->result == STEP_WAIT)
			wait_for_step(c, step);
	}
}

/* Lists until the one with the mark runs, or is not there. */
static const struct sighting *
wait_listed(struct conformance *c, const char *mark, bool there)
{
	int64_t deadline_ms = now_ms() + CONFORMANCE_DEADLINE_MS;

	for (;;) {
		const struct sighting *sighting;

		conformance_list(c);
		sighting = conformance_find(c, mark);
		if (there ? sighting && sighting->running : !sighting)
			return sighting;
		assert_true(now_ms() < deadline_ms);
		c->pass(c, PASS_MS);
	}
}

void
conformance_launch(struct conformance *c, struct operation *operation,
		   struct gameserver *gameserver)
{
	conformance_prepare(c, OP_LAUNCH, NULL, operation);
	if (conformance_finish(c, operation) != STEP_DONE)
		fail_msg("launch: %s", c->step[0].detail);
	fill_row(gameserver, wait_listed(c, operation->id, true));
}

static void
stop(struct conformance *c, const struct gameserver *gameserver)
{
	struct operation operation;

	conformance_prepare(c, OP_STOP, gameserver, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	wait_listed(c, gameserver->mark, false);
}

/* ---- the checks -------------------------------------------------------- */

void
conformance_port_is_complete(void **state)
{
	const struct provider_port *port =
	    &((struct conformance *)*state)->port;

	assert_non_null(port->name);
	assert_true(port->list_interval_ms > 0);
	assert_true(port->confirm_interval_ms > 0);
	assert_true(port->confirm_interval_ms <= port->list_interval_ms);
	assert_true(port->absent_rounds >= 1);
	assert_true(port->absent_ms >= 0);
	assert_non_null(port->prepare);
	assert_non_null(port->list);
	assert_non_null(port->launch);
	assert_non_null(port->stop);
}

void
conformance_prepare_does_nothing(void **state)
{
	struct conformance *c = *state;
	struct operation operation;

	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	conformance_list(c);
	assert_null(conformance_find(c, operation.id));
	assert_int_equal(c->nstepped, 0);
}

void
conformance_answers_come_later_and_once(void **state)
{
	struct conformance *c = *state;
	struct operation one, two;
	int64_t deadline_ms = now_ms() + CONFORMANCE_DEADLINE_MS;

	conformance_prepare(c, OP_LAUNCH, NULL, &one);
	conformance_prepare(c, OP_LAUNCH, NULL, &two);
	c->nlisted = c->nstepped = 0;
	call_list(c); /* the sink fails the test if it is called from inside */
	call_step(c, &one);
	call_step(c, &two);
	while (c->nlisted < 1 || c->nstepped < 2) {
		assert_true(now_ms() < deadline_ms);
		c->pass(c, PASS_MS);
	}
	for (int i = 0; i < REPLAYS; i++)
		c->pass(c, PASS_MS);
	assert_int_equal(c->nlisted, 1);
	assert_int_equal(c->nstepped, 2);
	assert_string_not_equal(c->step[0].operation, c->step[1].operation);
}

void
conformance_launched_one_is_listed_as_ours(void **state)
{
	struct conformance *c = *state;
	const struct sighting *sighting;
	struct operation operation;
	struct gameserver row;

	conformance_launch(c, &operation, &row);
	sighting = conformance_find(c, operation.id);
	assert_true(sighting->ours);
	assert_true(sighting->ref[0] != '\0');
	assert_true(sighting->ip[0] != '\0');
	assert_true(sighting->address[0] != '\0');
	assert_in_range(sighting->port, 1, 65535);
	assert_false(sighting->leaving);
	assert_false(sighting->shares_host);
}

void
conformance_replayed_launch_makes_no_second(void **state)
{
	struct conformance *c = *state;
	struct operation first, operation;
	struct gameserver row;
	size_t before;

	conformance_list(c);
	before = c->listing.nsighting;
	conformance_prepare(c, OP_LAUNCH, NULL, &first);
	for (int i = 0; i < REPLAYS; i++) {
		replay(c, &first, &operation);
		assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
		fill_row(&row, wait_listed(c, first.id, true));
		assert_int_equal(c->listing.nsighting, before + 1);
	}
	if (c->step[0].sighted)
		assert_string_equal(c->step[0].sighting.ref, row.ref);
}

void
conformance_two_launches_make_two(void **state)
{
	struct conformance *c = *state;
	struct operation one, two;
	struct gameserver first, second;

	conformance_launch(c, &one, &first);
	conformance_launch(c, &two, &second);
	assert_non_null(conformance_find(c, one.id));
	assert_non_null(conformance_find(c, two.id));
	assert_string_not_equal(first.ref, second.ref);
	assert_string_not_equal(first.address, second.address);
}

void
conformance_reopened_finds_the_same(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver before, after;

	conformance_launch(c, &operation, &before);
	conformance_reopen(c);
	fill_row(&after, wait_listed(c, operation.id, true));
	assert_memory_equal(&before, &after, sizeof(before));
}

void
conformance_launch_goes_on_after_reopening(void **state)
{
	struct conformance *c = *state;
	struct operation first, operation;

	conformance_prepare(c, OP_LAUNCH, NULL, &first);
	operation = first;
	conformance_step(c, &operation);
	conformance_reopen(c);
	replay(c, &first, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	wait_listed(c, first.id, true);
	assert_int_equal(c->listing.nsighting, 1);
}

void
conformance_stop_ends_it_and_no_other(void **state)
{
	struct conformance *c = *state;
	struct operation one, two;
	struct gameserver first, second;

	conformance_launch(c, &one, &first);
	conformance_launch(c, &two, &second);
	stop(c, &first);
	assert_non_null(conformance_find(c, two.id));
	assert_true(conformance_find(c, two.id)->running);
	stop(c, &second);
}

void
conformance_stop_goes_on_after_reopening(void **state)
{
	struct conformance *c = *state;
	struct operation launch, first, operation;
	struct gameserver row;

	conformance_launch(c, &launch, &row);
	conformance_prepare(c, OP_STOP, &row, &first);
	operation = first;
	conformance_step(c, &operation);
	conformance_reopen(c);
	replay(c, &first, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	wait_listed(c, launch.id, false);
	/* And when it is replayed, long done. */
	replay(c, &first, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
}

void
conformance_stop_of_what_is_not_there_is_done(void **state)
{
	struct conformance *c = *state;
	const struct gameserver row = {
	    .id = 1, .ours = true, .mark = "00000000000000000000000000000000"};
	struct operation operation;

	conformance_prepare(c, OP_STOP, &row, &operation);
	operation.created_utc_ms -= LONG_AGO_MS;
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
}
