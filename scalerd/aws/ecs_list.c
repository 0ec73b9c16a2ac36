/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/ecs_sight.h"
#include "scalerd/aws/look.h"

struct ecs_list {
	struct ecs_list_setup setup;
	struct look *look;
	int64_t asked_ms;
	struct known *known; /* texts are in known_text */
	char *known_text;
	size_t nknown;
	struct loop_timer no_look; /* due when it fails at once */
};

static void
answer_list(struct ecs_list *list, const struct facts *facts, const char *why)
{
	struct listing listing = {.complete = facts != NULL,
				  .asked_ms = list->asked_ms};
	struct sighting *sighting = NULL;

	if (facts &&
	    !ecs_sight_fleet(list->setup.site, facts, list->known, list->nknown,
			     &sighting, &listing.nsighting)) {
		listing.complete = false;
		why = "out of memory";
	}
	listing.sighting = sighting;
	if (!listing.complete)
		snprintf(listing.detail, sizeof(listing.detail), "%.*s",
			 (int)sizeof(listing.detail) - 1, why);
	list->setup.sink.listed(list->setup.sink.arg, &listing);
	free(sighting);
}

static void
on_looked(void *arg, const struct facts *facts, const struct err *why)
{
	answer_list(arg, facts, why->msg);
}

static void
on_no_look(void *arg)
{
	answer_list(arg, NULL, "out of memory");
}

static void
forget_known(struct ecs_list *list)
{
	free(list->known);
	free(list->known_text);
	list->known = NULL;
	list->known_text = NULL;
	list->nknown = 0;
}

/* The scaler's texts live only during its call. */
static bool
keep_known(struct ecs_list *list, const struct known *known, size_t n)
{
	size_t size = 1;
	char *text;

	forget_known(list);
	for (size_t i = 0; i < n; i++)
		size += strlen(known[i].mark) + strlen(known[i].ref) + 2;
	list->known = calloc(n + 1, sizeof(*known));
	list->known_text = text = malloc(size);
	if (!list->known || !text)
		return false;
	for (size_t i = 0; i < n; i++) {
		list->known[i].mark = text;
		text += snprintf(text, MARK_SIZE, "%s", known[i].mark) + 1;
		list->known[i].ref = text;
		text += snprintf(text, REF_SIZE, "%s", known[i].ref) + 1;
	}
	list->nknown = n;
	return true;
}

static bool
look_at_known(struct ecs_list *list)
{
	for (size_t i = 0; i < list->nknown; i++) {
		struct look_subject subject = {.host_tasks = false};

		snprintf(subject.task, sizeof(subject.task), "%s",
			 list->known[i].ref);
		if (!look_at(list->look, &subject))
			return false;
	}
	return true;
}

void
ecs_list_ask(struct ecs_list *list, const struct known *known, size_t nknown)
{
	const struct look_fleet fleet = {
	    .name = list->setup.site->config.fleet_name,
	    .family = list->setup.site->family,
	    .started_by = list->setup.site->started_by};

	list->asked_ms = loop_now_ms();
	look_begin(list->look);
	look_at_fleet(list->look, &fleet);
	if (keep_known(list, known, nknown) && look_at_known(list))
		look_go(list->look);
	else
		loop_timer_set(list->setup.loop, &list->no_look, loop_now_ms(),
			       on_no_look, list);
}

bool
ecs_list_open(struct ecs_list **out, const struct ecs_list_setup *setup,
	      struct err *err)
{
	struct ecs_list *list = calloc(1, sizeof(*list));

	if (!list)
		return err_set(err, "out of memory");
	list->setup = *setup;
	if (!look_open(&list->look, setup->loop, setup->client,
		       setup->site->config.ecs_cluster, on_looked, list, err)) {
		ecs_list_close(list);
		return false;
	}
	*out = list;
	return true;
}

void
ecs_list_close(struct ecs_list *list)
{
	if (!list)
		return;
	look_close(list->look);
	loop_timer_clear(list->setup.loop, &list->no_look);
	forget_known(list);
	free(list);
}
