/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* Looks from their first call to their end, through the client. */
#include "tests/unit/scalerd/client_bench.h"

#include <stdlib.h>

#include "scalerd/aws/look.h"

#define ARN     "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK    ARN "task/chess/0123456789abcdef0123456789abcdef"
#define HOST    ARN "container-instance/chess/00aa"
#define MACHINE "i-0123456789abcdef0"
#define SECOND  "i-0fedcba9876543210"
#define MARK    "00112233445566778899aabbccddee01"

#define GOOD(body)                                                             \
	{                                                                      \
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body,           \
		    .closes = true                                             \
	}
#define TASKS                                                                  \
	GOOD("{\"tasks\":[{\"taskArn\":\"" TASK                                \
	     "\",\"lastStatus\":\"RUNNING\",\"desiredStatus\":\"RUNNING\","    \
	     "\"taskDefinitionArn\":\"" ARN "task-definition/game:7\","        \
	     "\"containerInstanceArn\":\"" HOST "\"}],\"failures\":[]}")
#define HOSTS                                                                  \
	GOOD("{\"containerInstances\":[{\"containerInstanceArn\":\"" HOST      \
	     "\",\"ec2InstanceId\":\"" MACHINE "\",\"status\":\"ACTIVE\","     \
	     "\"agentConnected\":true,\"runningTasksCount\":1,"                \
	     "\"pendingTasksCount\":0}],\"failures\":[]}")
#define MACHINES(id, rest)                                                     \
	GOOD("<DescribeInstancesResponse><reservationSet><item><instancesSet>" \
	     "<item><instanceId>" id "</instanceId><instanceState><name>"      \
	     "running</name></instanceState></item></instancesSet></item>"     \
	     "</reservationSet>" rest "</DescribeInstancesResponse>")
#define NO_HOSTS GOOD("{\"containerInstanceArns\":[]}")
#define DENIED                                                                 \
	{                                                                      \
		ERROR_JSON("400", "AccessDeniedException"), .closes = true     \
	}

enum { TURN_MS = 20 };

struct looking {
	struct client_bench *b;
	struct look *look;
	bool inside; /* a call */
	int done;
	bool seen;
	size_t count[FACTS_KIND_COUNT]; /* of what was seen */
	char why[ERR_MSG_SIZE];
};

static void
on_done(void *arg, const struct facts *facts, const struct err *why)
{
	struct looking *l = arg;

	assert_false(l->inside);
	l->done++;
	l->seen = facts != NULL;
	snprintf(l->why, sizeof(l->why), "%s", why->msg);
	for (enum facts_kind kind = FACTS_TASK; kind < FACTS_KIND_COUNT;
	     kind++) {
		l->count[kind] = 0;
		for (size_t i = 0; facts && i < facts_count(facts, kind); i++)
			l->count[kind] +=
			    facts_known(facts, kind, i) == FACTS_SEEN;
	}
}

static int
open_look(void **state)
{
	struct looking *l = calloc(1, sizeof(*l));
	struct client_setup setup = {.region = "eu-west-1",
				     .env = bench_env_of,
				     .pace = credentials_pace_usual};
	struct err err;

	if (!l || client_bench_setup((void **)&l->b) != 0)
		return -1;
	setup.loop = l->b->keys->loop;
	setup.env_arg = l->b->keys;
	setup.times = l->b->times;
	*state = l;
	return client_open(&l->b->client, &setup, &err) &&
		       look_open(&l->look, setup.loop, l->b->client, "chess",
				 on_done, l, &err)
		   ? 0
		   : -1;
}

static int
close_look(void **state)
{
	struct looking *l = *state;

	look_close(l->look);
	client_bench_teardown((void **)&l->b);
	free(l);
	return 0;
}

#define LOOK_TEST(f) cmocka_unit_test_setup_teardown(f, open_look, close_look)

static void
turn(struct looking *l, int64_t end_ms)
{
	struct err err;

	if (loop_now_ms() >= end_ms)
		fail_msg("it does not come to pass");
	assert_true(loop_turn(l->b->keys->loop, TURN_MS, &err));
}

static void
look_to_the_end(struct looking *l)
{
	const int64_t end_ms = loop_now_ms() + BENCH_DEADLINE_MS;

	l->done = 0;
	l->inside = true;
	look_go(l->look);
	l->inside = false;
	while (l->done == 0)
		turn(l, end_ms);
	assert_int_equal(l->done, 1);
	assert_false(look_is_busy(l->look));
}

static void
begin(struct looking *l, const char *task, const char *mark)
{
	struct look_subject subject = {.host_tasks = false};

	snprintf(subject.task, sizeof(subject.task), "%s", task);
	snprintf(subject.mark, sizeof(subject.mark), "%s", mark);
	look_begin(l->look);
	assert_true(look_at(l->look, &subject));
}

static void
assert_nothing_seen(const struct looking *l, const char *why)
{
	assert_false(l->seen);
	if (!strstr(l->why, why))
		fail_msg("%s: no %s", l->why, why);
}

static void
a_look_goes_on_until_nothing_that_was_named_is_unknown(void **state)
{
	static const struct line script[] = {TASKS, HOSTS,
					     MACHINES(MACHINE, "")};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_true(l->seen);
	assert_int_equal(l->count[FACTS_TASK], 1);
	assert_int_equal(l->count[FACTS_HOST], 1);
	assert_int_equal(l->count[FACTS_MACHINE], 1);
	assert_int_equal(client_bench_stop(l->b), 3);
}

static void
a_look_at_nothing_asks_nothing(void **state)
{
	struct looking *l = *state;

	SERVE(l->b, bench_good);
	begin(l, "", "");
	look_to_the_end(l);
	assert_true(l->seen);
	assert_int_equal(client_bench_stop(l->b), 0);
}

static void
one_refused_call_and_nothing_is_seen(void **state)
{
	static const struct line script[] = {TASKS, DENIED};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_nothing_seen(
	    l, "DescribeContainerInstances: AccessDeniedException");
}

static void
one_malformed_answer_and_nothing_is_seen(void **state)
{
	static const struct line script[] = {TASKS, GOOD("{\"contain")};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_nothing_seen(l, "DescribeContainerInstances: ");
}

static void
an_answer_that_says_nothing_of_a_task_is_none(void **state)
{
	static const struct line script[] = {
	    GOOD("{\"tasks\":[],\"failures\":[]}")};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_nothing_seen(l, "says nothing of " TASK);
}

static void
every_page_is_asked_for(void **state)
{
	static const struct line script[] = {
	    MACHINES(MACHINE, "<nextToken>more</nextToken>"),
	    MACHINES(SECOND, ""), NO_HOSTS};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, "", MARK);
	look_to_the_end(l);
	assert_true(l->seen);
	assert_int_equal(l->count[FACTS_MACHINE], 2);
	assert_int_equal(client_bench_stop(l->b), 2);
	assert_non_null(strstr(client_bench_body(l->b, 1), "NextToken=more"));
}

static void
without_the_last_page_nothing_is_seen(void **state)
{
	static const struct line script[] = {
	    MACHINES(MACHINE, "<nextToken>more</nextToken>"),
	    {ERROR_XML("403", "UnauthorizedOperation"), .closes = true}};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, "", MARK);
	look_to_the_end(l);
	assert_nothing_seen(l, "DescribeInstances: UnauthorizedOperation");
}

static void
the_look_after_a_failed_one_is_whole(void **state)
{
	static const struct line script[] = {DENIED, TASKS, HOSTS,
					     MACHINES(MACHINE, "")};
	struct looking *l = *state;

	SERVE(l->b, script);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_false(l->seen);
	begin(l, TASK, "");
	look_to_the_end(l);
	assert_true(l->seen);
	assert_int_equal(l->count[FACTS_MACHINE], 1);
}

static void
a_closed_look_is_not_answered(void **state)
{
	struct looking *l = *state;

	SERVE(l->b, bench_silent);
	begin(l, TASK, "");
	look_go(l->look);
	client_bench_wait_requests(l->b, 1);
	look_close(l->look);
	l->look = NULL;
	assert_int_equal(l->done, 0);
}

UNIT_MAIN(LOOK_TEST(a_look_goes_on_until_nothing_that_was_named_is_unknown),
	  LOOK_TEST(a_look_at_nothing_asks_nothing),
	  LOOK_TEST(one_refused_call_and_nothing_is_seen),
	  LOOK_TEST(one_malformed_answer_and_nothing_is_seen),
	  LOOK_TEST(an_answer_that_says_nothing_of_a_task_is_none),
	  LOOK_TEST(every_page_is_asked_for),
	  LOOK_TEST(without_the_last_page_nothing_is_seen),
	  LOOK_TEST(the_look_after_a_failed_one_is_whole),
	  LOOK_TEST(a_closed_look_is_not_answered))
