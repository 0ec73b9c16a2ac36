/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/marks.h"

static bool
is(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static bool
is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(text, words[i]))
			return true;
	return false;
}

#define IS_ONE_OF(text, words)                                                 \
	is_one_of((text), (words), sizeof(words) / sizeof((words)[0]))

bool
ecs_sight_is_live(const struct facts_machine *machine)
{
	static const char *const live[] = {"pending", "running", "stopping",
					   "stopped"};

	return IS_ONE_OF(machine->state, live);
}

bool
ecs_sight_is_our_machine(const struct ecs_site *site,
			 const struct facts_machine *machine)
{
	return is(machine->fleet, site->config.fleet_name);
}

/* ---- tasks ------------------------------------------------------------- */

bool
ecs_sight_is_our_task(const struct ecs_site *site,
		      const struct facts_task *task)
{
	return is(task->started_by, site->started_by) ||
	       is(task->fleet, site->config.fleet_name);
}

bool
ecs_sight_has_ended(const struct facts *facts, const struct facts_task *task)
{
	const struct facts_host *host = facts_find_host(facts, task->host);
	const struct facts_machine *machine =
	    host ? facts_find_machine(facts, host->machine) : NULL;

	return is(task->last, "STOPPED") ||
	       (machine && (is(machine->state, "terminated") ||
			    is(machine->state, "stopped")));
}

static bool
is_marked_by_another(const struct facts_task *task)
{
	return task->fleet[0] != '\0' ||
	       strncmp(task->started_by, MARKS_STARTED_BY,
		       strlen(MARKS_STARTED_BY)) == 0;
}

/* The host goes away, or AWS or somebody ends the task. */
static bool
is_leaving(const struct facts_task *task, const struct facts_host *host,
	   const struct facts_machine *machine)
{
	static const char *const ending[] = {"DEACTIVATING", "STOPPING",
					     "DEPROVISIONING"};

	return task->to_stop || IS_ONE_OF(task->last, ending) ||
	       (host && !is(host->status, "ACTIVE") &&
		!is(host->status, "REGISTERING")) ||
	       (machine && !is(machine->state, "pending") &&
		!is(machine->state, "running"));
}

bool
ecs_sight_task(const struct ecs_site *site, const struct facts *facts,
	       const struct facts_task *task, struct sighting *sighting)
{
	const struct facts_host *host = facts_find_host(facts, task->host);
	const struct facts_machine *machine =
	    host ? facts_find_machine(facts, host->machine) : NULL;
	struct err err;

	*sighting =
	    (struct sighting){.ours = ecs_sight_is_our_task(site, task)};
	if (!sighting->ours && (is_marked_by_another(task) ||
				site->config.adopt == CONFIG_ADOPT_OFF))
		return false;
	snprintf(sighting->ref, sizeof(sighting->ref), "%s", task->arn);
	if (sighting->ours)
		snprintf(sighting->mark, sizeof(sighting->mark), "%s",
			 task->mark);
	if (host)
		snprintf(sighting->instance, sizeof(sighting->instance), "%s",
			 host->machine);
	sighting->gone = ecs_sight_has_ended(facts, task);
	sighting->leaving = is_leaving(task, host, machine);
	/* ECS counts those that are to run: this one while it is. */
	sighting->shares_host =
	    host && host->tasks - (task->to_stop ? 0 : 1) > 0;
	sighting->running = !sighting->gone && is(task->last, "RUNNING") &&
			    ecs_sight_address(site, facts, task, sighting,
					      &err) == ECS_ADDRESS_KNOWN;
	return true;
}

/* ---- the fleet --------------------------------------------------------- */

static int
compare_marks(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The marks for which a machine alone says nothing: they have a task, or had
 * one when they were last seen. Sorted. */
struct marks {
	char (*mark)[MARK_SIZE];
	size_t n;
};

static void
add_mark(struct marks *marks, const char *mark)
{
	if (mark[0] != '\0')
		snprintf(marks->mark[marks->n++], MARK_SIZE, "%s", mark);
}

static bool
collect_marks(struct marks *marks, const struct sighting *sighting, size_t n,
	      const struct known *known, size_t nknown)
{
	marks->n = 0;
	marks->mark = calloc(n + nknown + 1, sizeof(*marks->mark));
	if (!marks->mark)
		return false;
	for (size_t i = 0; i < n; i++)
		add_mark(marks, sighting[i].mark);
	for (size_t i = 0; i < nknown; i++)
		if (known[i].ref[0] != '\0')
			add_mark(marks, known[i].mark);
	qsort(marks->mark, marks->n, sizeof(*marks->mark), compare_marks);
	return true;
}

/* A machine of ours on which no gameserver runs: one is on its way there, or
 * what should have started it is lost. */
static bool
sight_machine(const struct ecs_site *site, const struct facts_machine *machine,
	      const struct marks *marks, struct sighting *sighting)
{
	if (machine->known != FACTS_SEEN ||
	    !ecs_sight_is_our_machine(site, machine) ||
	    !ecs_sight_is_live(machine) || machine->mark[0] == '\0' ||
	    bsearch(machine->mark, marks->mark, marks->n, sizeof(*marks->mark),
		    compare_marks))
		return false;
	*sighting = (struct sighting){.ours = true};
	snprintf(sighting->mark, sizeof(sighting->mark), "%s", machine->mark);
	snprintf(sighting->instance, sizeof(sighting->instance), "%s",
		 machine->id);
	return true;
}

bool
ecs_sight_fleet(const struct ecs_site *site, const struct facts *facts,
		const struct known *known, size_t nknown, struct sighting **out,
		size_t *nout)
{
	const size_t ntask = facts_count(facts, FACTS_TASK);
	const size_t nmachine = facts_count(facts, FACTS_MACHINE);
	struct sighting *sighting =
	    calloc(ntask + nmachine + 1, sizeof(*sighting));
	struct marks marks = {.mark = NULL};
	bool ok = false;
	size_t n = 0;

	if (!sighting)
		goto done;
	for (size_t i = 0; i < ntask; i++) {
		const struct facts_task *task = facts_task_at(facts, i);

		if (task->known == FACTS_SEEN)
			n += ecs_sight_task(site, facts, task, &sighting[n]);
	}
	if (!collect_marks(&marks, sighting, n, known, nknown))
		goto done;
	for (size_t i = 0; i < nmachine; i++)
		n += sight_machine(site, facts_machine_at(facts, i), &marks,
				   &sighting[n]);
	ok = true;
done:
	free(marks.mark);
	if (!ok) {
		free(sighting);
		sighting = NULL;
		n = 0;
	}
	*out = sighting;
	*nout = n;
	return ok;
}
