/* SPDX-License-Identifier: MIT */
/* The questions that a look asks, one by one; test_look_whole.c shows how they
 * follow one another. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/look_query.h"

#define ARN       "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK      ARN "task/chess/0123456789abcdef0123456789abcdef"
#define HOST      ARN "container-instance/chess/00aa"
#define MACHINE   "i-0123456789abcdef0"
#define MARK      "00112233445566778899aabbccddee01"
#define NO_ANSWER "{\"tasks\":[],\"failures\":[]}"

/* As look_queries has them. */
enum query {
	FAMILY,
	STARTED_BY,
	FLEET,
	MARKS,
	TASKS,
	HOSTS,
	MACHINES,
	ENIS,
	MACHINE_HOSTS,
	HOST_TASKS,
	QUERY_COUNT
};

enum { MANY = 250, NAME_ROOM = 128 };

/* One request: what it is about. */
struct asked {
	char *body; /* NULL: there was nothing to ask */
	size_t item[LOOK_BATCH_MAX];
	size_t n;
};

static int
open_wanted(void **state)
{
	struct look_wanted *wanted = calloc(1, sizeof(*wanted));

	if (!wanted)
		return -1;
	snprintf(wanted->cluster, sizeof(wanted->cluster), "chess");
	wanted->facts = facts_new();
	*state = wanted;
	return wanted->facts && look_nqueries == QUERY_COUNT ? 0 : -1;
}

static int
close_wanted(void **state)
{
	struct look_wanted *wanted = *state;

	facts_free(wanted->facts);
	free(wanted->subject);
	free(wanted);
	return 0;
}

#define LOOK_TEST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, open_wanted, close_wanted)

/* The next request of the query. */
static struct asked
ask(struct look_wanted *wanted, enum query which)
{
	const struct look_query *query = &look_queries[which];
	const size_t count = query->count(wanted, query);
	const char *name[LOOK_BATCH_MAX];
	struct asked asked = {.n = 0};

	for (size_t i = 0; i < count && asked.n < query->batch; i++)
		if (query->take(wanted, query, i))
			asked.item[asked.n++] = i;
	for (size_t i = 0; i < asked.n; i++)
		name[i] = query->name(wanted, query, asked.item[i]);
	if (asked.n > 0) {
		asked.body = query->write(wanted, name, asked.n, NULL);
		assert_non_null(asked.body);
	}
	return asked;
}

static void
assert_asks(struct look_wanted *wanted, enum query which, const char *text)
{
	struct asked asked = ask(wanted, which);

	if (!asked.body || !strstr(asked.body, text))
		fail_msg("%s: no %s", asked.body ? asked.body : "nothing",
			 text);
	free(asked.body);
}

static void
assert_asks_nothing(struct look_wanted *wanted, enum query which)
{
	struct asked asked = ask(wanted, which);

	if (asked.body)
		fail_msg("%s", asked.body);
}

/* Asks, reads the answer, closes. False: the answer does not settle it. */
static bool
answer(struct look_wanted *wanted, enum query which, const char *body)
{
	const struct look_query *query = &look_queries[which];
	struct asked asked = ask(wanted, which);
	char page[LOOK_PAGE_SIZE] = "";
	struct err err = {""};
	bool ok = true;

	assert_non_null(asked.body);
	free(asked.body);
	if (!query->read(wanted->facts, body, strlen(body), page, &err))
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < asked.n && ok; i++)
		ok = query->settle(wanted, query, asked.item[i], &err);
	return ok;
}

static void
want(struct look_wanted *wanted, const char *machine, const char *mark,
     bool host_tasks)
{
	struct look_subject subject = {.host_tasks = host_tasks};

	snprintf(subject.machine, sizeof(subject.machine), "%s", machine);
	snprintf(subject.mark, sizeof(subject.mark), "%s", mark);
	assert_true(look_wanted_add(wanted, &subject));
}

/* The machine and its host are seen. */
static void
see(struct look_wanted *wanted)
{
	struct facts_machine *machine = facts_machine(wanted->facts, MACHINE);
	struct facts_host *host = facts_host(wanted->facts, HOST);

	machine->known = FACTS_SEEN;
	snprintf(machine->mark, sizeof(machine->mark), "%s", MARK);
	host->known = FACTS_SEEN;
	snprintf(host->machine, sizeof(host->machine), "%s", MACHINE);
}

static void
want_fleet(struct look_wanted *wanted)
{
	wanted->whole_fleet = true;
	wanted->fleet = (struct look_fleet){
	    .name = "blitz", .family = "game", .started_by = "gsm/blitz"};
}

static void
a_fleet_is_listed_by_family_by_mark_and_by_its_machines(void **state)
{
	want_fleet(*state);
	assert_asks(*state, FAMILY, "\"family\":\"game\"");
	assert_asks(*state, STARTED_BY, "\"startedBy\":\"gsm/blitz\"");
	assert_asks(*state, FLEET, "blitz");
}

static void
each_list_is_asked_for_once(void **state)
{
	want_fleet(*state);
	for (enum query i = FAMILY; i <= FLEET; i++) {
		free(ask(*state, i).body);
		assert_asks_nothing(*state, i);
	}
}

static void
subjects_alone_list_no_fleet(void **state)
{
	want(*state, MACHINE, MARK, false);
	for (enum query i = FAMILY; i <= FLEET; i++)
		assert_asks_nothing(*state, i);
}

static void
what_is_named_is_described_once(void **state)
{
	struct look_wanted *wanted = *state;

	facts_task(wanted->facts, TASK);
	facts_host(wanted->facts, HOST);
	facts_machine(wanted->facts, MACHINE);
	facts_eni(wanted->facts, "eni-1");
	assert_asks(wanted, TASKS, TASK);
	assert_asks(wanted, HOSTS, HOST);
	assert_asks(wanted, MACHINES, MACHINE);
	assert_asks(wanted, ENIS, "eni-1");
	for (enum query i = TASKS; i <= ENIS; i++)
		assert_asks_nothing(wanted, i);
}

static void
one_request_describes_a_batch(void **state)
{
	struct look_wanted *wanted = *state;
	char name[NAME_ROOM];
	struct asked asked;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), TASK "%d", i);
		facts_task(wanted->facts, name);
	}
	for (size_t left = MANY; left > 0; left -= asked.n) {
		asked = ask(wanted, TASKS);
		free(asked.body);
		assert_int_equal(asked.n, left < 100 ? left : 100);
	}
	assert_asks_nothing(wanted, TASKS);
}

static void
a_task_leads_to_its_host_and_that_to_its_machine(void **state)
{
	struct look_wanted *wanted = *state;

	facts_task(wanted->facts, TASK);
	assert_true(answer(wanted, TASKS,
			   "{\"tasks\":[{\"taskArn\":\"" TASK
			   "\",\"lastStatus\":\"RUNNING\",\"desiredStatus\":"
			   "\"RUNNING\",\"taskDefinitionArn\":\"" ARN
			   "task-definition/game:7\",\"containerInstanceArn\":"
			   "\"" HOST "\"}],\"failures\":[]}"));
	assert_true(answer(wanted, HOSTS,
			   "{\"containerInstances\":[{\"containerInstanceArn\":"
			   "\"" HOST "\",\"ec2InstanceId\":\"" MACHINE
			   "\",\"status\":\"ACTIVE\",\"agentConnected\":true,"
			   "\"runningTasksCount\":1,\"pendingTasksCount\":0}],"
			   "\"failures\":[]}"));
	assert_asks(wanted, MACHINES, MACHINE);
}

static void
an_answer_that_leaves_out_a_task_is_no_answer(void **state)
{
	struct look_wanted *wanted = *state;

	facts_task(wanted->facts, TASK);
	assert_false(answer(wanted, TASKS, NO_ANSWER));
}

static void
a_task_that_ecs_does_not_have_is_missing(void **state)
{
	struct look_wanted *wanted = *state;

	facts_task(wanted->facts, TASK);
	assert_true(answer(wanted, TASKS,
			   "{\"tasks\":[],\"failures\":[{\"arn\":\"" TASK
			   "\",\"reason\":\"MISSING\"}]}"));
	assert_int_equal(facts_known(wanted->facts, FACTS_TASK, 0),
			 FACTS_MISSING);
}

static void
a_machine_that_ec2_leaves_out_is_missing(void **state)
{
	struct look_wanted *wanted = *state;

	facts_machine(wanted->facts, MACHINE);
	assert_true(answer(wanted, MACHINES,
			   "<DescribeInstancesResponse><reservationSet/>"
			   "</DescribeInstancesResponse>"));
	assert_int_equal(facts_known(wanted->facts, FACTS_MACHINE, 0),
			 FACTS_MISSING);
}

static void
a_subject_without_a_machine_is_looked_for_by_its_mark(void **state)
{
	want(*state, "", MARK, false);
	assert_asks(*state, MARKS, MARK);
	assert_asks_nothing(*state, MARKS);
	assert_asks_nothing(*state, MACHINES);
}

static void
a_subject_with_a_machine_is_not_looked_for_by_its_mark(void **state)
{
	want(*state, MACHINE, MARK, false);
	assert_asks_nothing(*state, MARKS);
	assert_asks(*state, MACHINES, MACHINE);
}

static void
a_subject_that_names_nothing_costs_nothing(void **state)
{
	struct look_wanted *wanted = *state;

	want(wanted, "", "", false);
	assert_int_equal(wanted->nsubject, 0);
	for (enum query i = FAMILY; i < QUERY_COUNT; i++)
		assert_asks_nothing(wanted, i);
}

static void
the_hosts_of_a_subjects_machine_are_listed_once(void **state)
{
	want(*state, MACHINE, MARK, false);
	see(*state);
	assert_asks(*state, MACHINE_HOSTS, MACHINE);
	assert_asks_nothing(*state, MACHINE_HOSTS);
}

static void
the_hosts_of_a_machine_with_the_mark_are_listed(void **state)
{
	want(*state, "", MARK, false);
	see(*state);
	assert_asks(*state, MACHINE_HOSTS, MACHINE);
}

static void
the_hosts_of_other_machines_are_not_listed(void **state)
{
	want(*state, "i-0fedcba9876543210", "", true);
	see(*state);
	assert_asks_nothing(*state, MACHINE_HOSTS);
	assert_asks_nothing(*state, HOST_TASKS);
}

static void
the_tasks_of_a_host_are_listed_only_when_wanted(void **state)
{
	struct look_wanted *wanted = *state;

	want(wanted, MACHINE, MARK, false);
	see(wanted);
	assert_asks_nothing(wanted, HOST_TASKS);
	look_wanted_clear(wanted);
	want(wanted, MACHINE, MARK, true);
	see(wanted);
	assert_asks(wanted, HOST_TASKS, "\"containerInstance\":\"" HOST "\"");
	assert_asks_nothing(wanted, HOST_TASKS);
}

/* Two operations may look at one machine in the same look. */
static void
the_tasks_of_a_host_are_listed_when_any_subject_wants_them(void **state)
{
	want(*state, MACHINE, MARK, false);
	want(*state, MACHINE, MARK, true);
	see(*state);
	assert_asks(*state, HOST_TASKS, HOST);
}

static void
a_new_look_knows_nothing_of_the_last(void **state)
{
	struct look_wanted *wanted = *state;

	want_fleet(wanted);
	want(wanted, MACHINE, MARK, true);
	see(wanted);
	free(ask(wanted, FAMILY).body);
	look_wanted_clear(wanted);
	for (enum query i = FAMILY; i < QUERY_COUNT; i++)
		assert_asks_nothing(wanted, i);
	want_fleet(wanted);
	assert_asks(wanted, FAMILY, "game");
}

UNIT_MAIN(LOOK_TEST(a_fleet_is_listed_by_family_by_mark_and_by_its_machines),
	  LOOK_TEST(each_list_is_asked_for_once),
	  LOOK_TEST(subjects_alone_list_no_fleet),
	  LOOK_TEST(what_is_named_is_described_once),
	  LOOK_TEST(one_request_describes_a_batch),
	  LOOK_TEST(a_task_leads_to_its_host_and_that_to_its_machine),
	  LOOK_TEST(an_answer_that_leaves_out_a_task_is_no_answer),
	  LOOK_TEST(a_task_that_ecs_does_not_have_is_missing),
	  LOOK_TEST(a_machine_that_ec2_leaves_out_is_missing),
	  LOOK_TEST(a_subject_without_a_machine_is_looked_for_by_its_mark),
	  LOOK_TEST(a_subject_with_a_machine_is_not_looked_for_by_its_mark),
	  LOOK_TEST(a_subject_that_names_nothing_costs_nothing),
	  LOOK_TEST(the_hosts_of_a_subjects_machine_are_listed_once),
	  LOOK_TEST(the_hosts_of_a_machine_with_the_mark_are_listed),
	  LOOK_TEST(the_hosts_of_other_machines_are_not_listed),
	  LOOK_TEST(the_tasks_of_a_host_are_listed_only_when_wanted),
	  LOOK_TEST(the_tasks_of_a_host_are_listed_when_any_subject_wants_them),
	  LOOK_TEST(a_new_look_knows_nothing_of_the_last))
