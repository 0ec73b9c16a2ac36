/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/look_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/ecs_request.h"

enum { SUBJECTS_FIRST = 64 };

/* ---- what is wanted ---------------------------------------------------- */

void
look_wanted_clear(struct look_wanted *wanted)
{
	if (wanted->facts)
		facts_clear(wanted->facts);
	memset(wanted->listed, 0, sizeof(wanted->listed));
	wanted->whole_fleet = false;
	wanted->nsubject = 0;
}

static bool
reserve(struct look_wanted *wanted)
{
	const size_t size = wanted->subject_size * 2 + SUBJECTS_FIRST;
	struct look_machines *new;

	if (wanted->nsubject < wanted->subject_size)
		return true;
	new = realloc(wanted->subject, size * sizeof(*new));
	if (!new)
		return false;
	wanted->subject = new;
	wanted->subject_size = size;
	return true;
}

bool
look_wanted_add(struct look_wanted *wanted, const struct look_subject *subject)
{
	struct look_machines *machines;

	if ((subject->task[0] != '\0' &&
	     !facts_task(wanted->facts, subject->task)) ||
	    (subject->machine[0] != '\0' &&
	     !facts_machine(wanted->facts, subject->machine)) ||
	    !reserve(wanted))
		return false;
	if (subject->machine[0] == '\0' && subject->mark[0] == '\0')
		return true;
	machines = &wanted->subject[wanted->nsubject++];
	*machines = (struct look_machines){.host_tasks = subject->host_tasks};
	if (subject->machine[0] != '\0')
		memcpy(machines->machine, subject->machine,
		       sizeof(machines->machine));
	else
		memcpy(machines->mark, subject->mark, sizeof(machines->mark));
	return true;
}

/* Whether a subject is about the machine, and wants to see the tasks there. */
static bool
is_subject(const struct look_wanted *wanted,
	   const struct facts_machine *machine, bool host_tasks)
{
	for (size_t i = 0; i < wanted->nsubject; i++) {
		const struct look_machines *subject = &wanted->subject[i];

		if (host_tasks && !subject->host_tasks)
			continue;
		if (strcmp(subject->machine, machine->id) == 0 ||
		    (subject->mark[0] != '\0' &&
		     strcmp(subject->mark, machine->mark) == 0))
			return true;
	}
	return false;
}

/* ---- lists of the whole fleet ------------------------------------------ */

static size_t
count_list(const struct look_wanted *wanted, const struct look_query *query)
{
	(void)query;
	return wanted->whole_fleet ? 1 : 0;
}

static bool
take_list(struct look_wanted *wanted, const struct look_query *query, size_t i)
{
	const bool take = !wanted->listed[query->list];

	(void)i;
	wanted->listed[query->list] = true;
	return take;
}

static const char *
name_list(const struct look_wanted *wanted, const struct look_query *query,
	  size_t i)
{
	(void)query;
	(void)i;
	return wanted->fleet.name;
}

static bool
settle_nothing(struct look_wanted *wanted, const struct look_query *query,
	       size_t i, struct err *err)
{
	(void)wanted;
	(void)query;
	(void)i;
	(void)err;
	return true;
}

static char *
write_family(const struct look_wanted *wanted, const char *const *name,
	     size_t n, const char *page)
{
	const struct ecs_list_tasks list = {.cluster = wanted->cluster,
					    .family = wanted->fleet.family,
					    .page = page};

	(void)name;
	(void)n;
	return ecs_list_tasks(&list);
}

static char *
write_started_by(const struct look_wanted *wanted, const char *const *name,
		 size_t n, const char *page)
{
	const struct ecs_list_tasks list = {.cluster = wanted->cluster,
					    .started_by =
						wanted->fleet.started_by,
					    .page = page};

	(void)name;
	(void)n;
	return ecs_list_tasks(&list);
}

static char *
write_fleet(const struct look_wanted *wanted, const char *const *name, size_t n,
	    const char *page)
{
	(void)wanted;
	(void)n;
	return ec2_describe_fleet(name[0], page);
}

/* ---- machines with a mark ---------------------------------------------- */

static size_t
count_subjects(const struct look_wanted *wanted, const struct look_query *query)
{
	(void)query;
	return wanted->nsubject;
}

static bool
take_mark(struct look_wanted *wanted, const struct look_query *query, size_t i)
{
	struct look_machines *subject = &wanted->subject[i];
	const bool take = subject->mark[0] != '\0' && !subject->asked;

	(void)query;
	subject->asked = true;
	return take;
}

static const char *
name_mark(const struct look_wanted *wanted, const struct look_query *query,
	  size_t i)
{
	(void)query;
	return wanted->subject[i].mark;
}

static char *
write_marks(const struct look_wanted *wanted, const char *const *name, size_t n,
	    const char *page)
{
	(void)wanted;
	return ec2_describe_marked(name, n, page);
}

/* ---- descriptions of what is named ------------------------------------- */

static size_t
count_facts(const struct look_wanted *wanted, const struct look_query *query)
{
	return facts_count(wanted->facts, query->kind);
}

static const char *
name_fact(const struct look_wanted *wanted, const struct look_query *query,
	  size_t i)
{
	return facts_name(wanted->facts, query->kind, i);
}

static bool
take_named(struct look_wanted *wanted, const struct look_query *query, size_t i)
{
	if (facts_known(wanted->facts, query->kind, i) != FACTS_NAMED)
		return false;
	facts_set_known(wanted->facts, query->kind, i, FACTS_ASKED);
	return true;
}

/* EC2's filters leave out what they don't find. */
static bool
settle_missing(struct look_wanted *wanted, const struct look_query *query,
	       size_t i, struct err *err)
{
	(void)err;
	if (facts_known(wanted->facts, query->kind, i) == FACTS_ASKED)
		facts_set_known(wanted->facts, query->kind, i, FACTS_MISSING);
	return true;
}

/* ECS says of each what it found. */
static bool
settle_answered(struct look_wanted *wanted, const struct look_query *query,
		size_t i, struct err *err)
{
	return facts_known(wanted->facts, query->kind, i) != FACTS_ASKED ||
	       err_set(err, "the answer says nothing of %s",
		       facts_name(wanted->facts, query->kind, i));
}

static char *
write_machines(const struct look_wanted *wanted, const char *const *name,
	       size_t n, const char *page)
{
	(void)wanted;
	return ec2_describe_machines(name, n, page);
}

static char *
write_enis(const struct look_wanted *wanted, const char *const *name, size_t n,
	   const char *page)
{
	(void)wanted;
	return ec2_describe_enis(name, n, page);
}

static char *
write_tasks(const struct look_wanted *wanted, const char *const *name, size_t n,
	    const char *page)
{
	(void)page;
	return ecs_describe_tasks(wanted->cluster, name, n);
}

static char *
write_hosts(const struct look_wanted *wanted, const char *const *name, size_t n,
	    const char *page)
{
	(void)page;
	return ecs_describe_hosts(wanted->cluster, name, n);
}

static bool
read_tasks(struct facts *facts, const char *body, size_t size,
	   char page[LOOK_PAGE_SIZE], struct err *err)
{
	(void)page;
	return ecs_read_tasks(facts, body, size, err);
}

static bool
read_hosts(struct facts *facts, const char *body, size_t size,
	   char page[LOOK_PAGE_SIZE], struct err *err)
{
	(void)page;
	return ecs_read_hosts(facts, body, size, err);
}

/* ---- container instances of machines, tasks on them -------------------- */

static bool
take_machine_hosts(struct look_wanted *wanted, const struct look_query *query,
		   size_t i)
{
	const struct facts_machine *seen = facts_machine_at(wanted->facts, i);

	(void)query;
	if (seen->known != FACTS_SEEN || seen->hosts_asked ||
	    !is_subject(wanted, seen, false))
		return false;
	facts_machine(wanted->facts, seen->id)->hosts_asked = true;
	return true;
}

static char *
write_machine_hosts(const struct look_wanted *wanted, const char *const *name,
		    size_t n, const char *page)
{
	return ecs_list_hosts(wanted->cluster, name, n, page);
}

static bool
take_host_tasks(struct look_wanted *wanted, const struct look_query *query,
		size_t i)
{
	const struct facts_host *host = facts_host_at(wanted->facts, i);
	const struct facts_machine *machine =
	    facts_find_machine(wanted->facts, host->machine);

	(void)query;
	if (host->known != FACTS_SEEN || host->tasks_asked || !machine ||
	    !is_subject(wanted, machine, true))
		return false;
	facts_host(wanted->facts, host->arn)->tasks_asked = true;
	return true;
}

static char *
write_host_tasks(const struct look_wanted *wanted, const char *const *name,
		 size_t n, const char *page)
{
	const struct ecs_list_tasks list = {
	    .cluster = wanted->cluster, .host = name[0], .page = page};

	(void)n;
	return ecs_list_tasks(&list);
}

/* clang-format off */
const struct look_query look_queries[] = {
	{"ListTasks", CLIENT_ECS, .list = 0, .batch = 1,
	 count_list, take_list, name_list,
	 write_family, ecs_read_task_list, settle_nothing},
	{"ListTasks", CLIENT_ECS, .list = 1, .batch = 1,
	 count_list, take_list, name_list,
	 write_started_by, ecs_read_task_list, settle_nothing},
	{"DescribeInstances", CLIENT_EC2, .list = 2, .batch = 1,
	 count_list, take_list, name_list,
	 write_fleet, ec2_read_machines, settle_nothing},
	{"DescribeInstances", CLIENT_EC2, .batch = EC2_FILTER_MAX,
	 count_subjects, take_mark, name_mark,
	 write_marks, ec2_read_machines, settle_nothing},
	{"DescribeTasks", CLIENT_ECS, FACTS_TASK, .batch = ECS_DESCRIBE_MAX,
	 count_facts, take_named, name_fact,
	 write_tasks, read_tasks, settle_answered},
	{"DescribeContainerInstances", CLIENT_ECS, FACTS_HOST,
	 .batch = ECS_DESCRIBE_MAX,
	 count_facts, take_named, name_fact,
	 write_hosts, read_hosts, settle_answered},
	{"DescribeInstances", CLIENT_EC2, FACTS_MACHINE,
	 .batch = EC2_FILTER_MAX,
	 count_facts, take_named, name_fact,
	 write_machines, ec2_read_machines, settle_missing},
	{"DescribeNetworkInterfaces", CLIENT_EC2, FACTS_ENI,
	 .batch = EC2_FILTER_MAX,
	 count_facts, take_named, name_fact,
	 write_enis, ec2_read_enis, settle_missing},
	{"ListContainerInstances", CLIENT_ECS, FACTS_MACHINE,
	 .batch = ECS_LIST_HOSTS_MAX,
	 count_facts, take_machine_hosts, name_fact,
	 write_machine_hosts, ecs_read_host_list, settle_nothing},
	{"ListTasks", CLIENT_ECS, FACTS_HOST, .batch = 1,
	 count_facts, take_host_tasks, name_fact,
	 write_host_tasks, ecs_read_task_list, settle_nothing},
};
/* clang-format on */

const size_t look_nqueries = sizeof(look_queries) / sizeof(look_queries[0]);
