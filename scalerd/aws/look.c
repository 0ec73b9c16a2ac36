/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/look_query.h"

/* One list, page after page, or one description. */
struct look_call {
	struct look_call *next;
	struct look *look;
	const struct look_query *query;
	struct client_call *call; /* NULL: being answered */
	int pages;
	char page[LOOK_PAGE_SIZE];
	size_t nitem;
	size_t item[LOOK_BATCH_MAX]; /* what it asks about */
};

struct look {
	struct look_wanted wanted;
	struct loop *loop;
	struct client *client;
	look_done_fn *done;
	void *arg;
	struct look_call *calls;
	struct loop_timer end; /* due when it is known how it ended */
	bool busy;
	bool failed;
	int waves;
	struct err why;
};

static void
free_call(struct look_call *call)
{
	if (call->call)
		client_cancel(call->look->client, call->call);
	free(call);
}

static void
forget_call(struct look_call *call)
{
	struct look_call **at = &call->look->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	free_call(call);
}

static void
drop_calls(struct look *look)
{
	while (look->calls) {
		struct look_call *call = look->calls;

		look->calls = call->next;
		free_call(call);
	}
}

static void
on_end(void *arg)
{
	struct look *look = arg;

	look->busy = false;
	look->done(look->arg, look->failed ? NULL : look->wanted.facts,
		   &look->why);
}

/* The answer comes from the loop, also when it is known at once. */
static void
end_soon(struct look *look)
{
	drop_calls(look);
	loop_timer_set(look->loop, &look->end, loop_now_ms(), on_end, look);
}

static void
fail(struct look *look, const struct look_query *query, const char *why)
{
	look->failed = true;
	if (query->service == CLIENT_ECS)
		err_set(&look->why, "ECS_CLUSTER=%s: %s: %s",
			look->wanted.cluster, query->action, why);
	else
		err_set(&look->why, "%s: %s", query->action, why);
	end_soon(look);
}

static void on_answered(void *arg, const struct client_answer *answer);

/* Asks for the next page of what the call is about. False: it can't. */
static bool
ask(struct look_call *call, struct err *err)
{
	const struct look_query *query = call->query;
	struct look *look = call->look;
	const char *name[LOOK_BATCH_MAX];
	struct client_request request = {.service = query->service,
					 .action = query->action};
	char *body;

	for (size_t i = 0; i < call->nitem; i++)
		name[i] = query->name(&look->wanted, query, call->item[i]);
	body = query->write(&look->wanted, name, call->nitem,
			    call->page[0] == '\0' ? NULL : call->page);
	if (!body)
		return err_set(err, "out of memory");
	request.body = body;
	call->call =
	    client_call(look->client, &request, on_answered, call, err);
	free(body);
	return call->call != NULL;
}

/* A call about the next of what is to be asked; NULL with !look->failed:
 * nothing is left. */
static struct look_call *
next_call(struct look *look, const struct look_query *query, size_t *from)
{
	const size_t count = query->count(&look->wanted, query);
	struct look_call *call = NULL;

	for (; *from < count; (*from)++) {
		if (!query->take(&look->wanted, query, *from))
			continue;
		if (!call) {
			call = calloc(1, sizeof(*call));
			if (!call) {
				fail(look, query, "out of memory");
				return NULL;
			}
		}
		call->item[call->nitem++] = *from;
		if (call->nitem == query->batch) {
			(*from)++;
			break;
		}
	}
	return call;
}

static void
ask_all(struct look *look, const struct look_query *query)
{
	struct look_call *call;
	struct err err;
	size_t from = 0;

	while ((call = next_call(look, query, &from)) != NULL) {
		call->look = look;
		call->query = query;
		call->next = look->calls;
		look->calls = call;
		if (!ask(call, &err)) {
			fail(look, query, err.msg);
			return;
		}
	}
}

/* Everything that is named and not asked for, all at once. */
static void
wave(struct look *look)
{
	for (size_t i = 0; i < look_nqueries && !look->failed; i++)
		ask_all(look, &look_queries[i]);
	if (look->failed)
		return;
	if (!look->calls)
		end_soon(look);
	else if (++look->waves > LOOK_WAVES_MAX)
		fail(look, look->calls->query, "there is more and more");
}

static bool
take_answer(struct look_call *call, const struct client_answer *answer,
	    struct err *err)
{
	const struct look_query *query = call->query;
	struct look_wanted *wanted = &call->look->wanted;

	if (answer->outcome != CLIENT_ANSWERED)
		return aws_error_say(&answer->error, err);
	call->page[0] = '\0';
	if (!query->read(wanted->facts, answer->body, answer->size, call->page,
			 err))
		return false;
	if (call->page[0] != '\0')
		return ++call->pages < LOOK_PAGES_MAX ||
		       err_set(err, "more than %d pages", LOOK_PAGES_MAX);
	for (size_t i = 0; i < call->nitem; i++)
		if (!query->settle(wanted, query, call->item[i], err))
			return false;
	return true;
}

static void
on_answered(void *arg, const struct client_answer *answer)
{
	struct look_call *call = arg;
	struct look *look = call->look;
	struct err err = {""};

	call->call = NULL;
	if (!take_answer(call, answer, &err) ||
	    (call->page[0] != '\0' && !ask(call, &err))) {
		fail(look, call->query, err.msg);
		return;
	}
	if (call->call)
		return;
	forget_call(call);
	if (!look->calls)
		wave(look);
}

bool
look_open(struct look **out, struct loop *loop, struct client *client,
	  const char *cluster, look_done_fn *done, void *arg, struct err *err)
{
	struct look *look = calloc(1, sizeof(*look));

	if (!look)
		return err_set(err, "out of memory");
	look->loop = loop;
	look->client = client;
	look->done = done;
	look->arg = arg;
	snprintf(look->wanted.cluster, sizeof(look->wanted.cluster), "%s",
		 cluster);
	look->wanted.facts = facts_new();
	if (!look->wanted.facts) {
		look_close(look);
		return err_set(err, "out of memory");
	}
	*out = look;
	return true;
}

void
look_begin(struct look *look)
{
	look_wanted_clear(&look->wanted);
	look->waves = 0;
	look->failed = false;
	look->why = (struct err){""};
}

bool
look_at(struct look *look, const struct look_subject *subject)
{
	return look_wanted_add(&look->wanted, subject);
}

void
look_at_fleet(struct look *look, const struct look_fleet *fleet)
{
	look->wanted.fleet = *fleet;
	look->wanted.whole_fleet = true;
}

void
look_go(struct look *look)
{
	look->busy = true;
	wave(look);
}

bool
look_is_busy(const struct look *look)
{
	return look->busy;
}

void
look_close(struct look *look)
{
	if (!look)
		return;
	drop_calls(look);
	loop_timer_clear(look->loop, &look->end);
	look_wanted_clear(&look->wanted);
	facts_free(look->wanted.facts);
	free(look->wanted.subject);
	free(look);
}
