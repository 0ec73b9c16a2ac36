/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/core/names.h"

struct journal {
	/* Twice the room, so that dropping the oldest moves the others once in
	 * JOURNAL_EVENTS_MAX events. */
	struct event event[2 * JOURNAL_EVENTS_MAX];
	size_t nevent;
	struct alarm raised[JOURNAL_ALARMS_MAX]; /* sorted: see compare */
	size_t nraised;
	struct alarm edge[JOURNAL_ALARMS_MAX]; /* edges to be written */
	size_t nedge;
};

static const char *const alarm_names[ALARM_COUNT] = {
    [ALARM_LAUNCH_FAILING] = "launch_failing",
    [ALARM_LIST_FAILING] = "list_failing",
    [ALARM_PANIC] = "panic",
    [ALARM_SECOND_MANAGER] = "second_manager",
    [ALARM_LIMITED] = "limited",
    [ALARM_DEAD_WITH_PLAYERS] = "dead_with_players",
    [ALARM_DRAIN_DEADLINE] = "drain_deadline",
    [ALARM_STOP_FAILING] = "stop_failing",
    [ALARM_COMMIT_FAILING] = "commit_failing",
    [ALARM_ORPHAN] = "orphan",
};

NAMES_DEFINE(alarm, enum alarm_kind, alarm_names, ALARM_COUNT)

struct journal *
journal_new(void)
{
	return calloc(1, sizeof(struct journal));
}

void
journal_free(struct journal *journal)
{
	free(journal);
}

static void
log_event_line(const struct event *event)
{
	struct log_field field[6];
	size_t n = 0;

	if (event->gameserver != 0)
		field[n++] =
		    (struct log_field)LOG_NUM("gameserver", event->gameserver);
	if (event->from != NULL)
		field[n++] = (struct log_field)LOG_TEXT("from", event->from);
	if (event->to != NULL)
		field[n++] = (struct log_field)LOG_TEXT("to", event->to);
	if (event->reason != NULL)
		field[n++] =
		    (struct log_field)LOG_TEXT("reason", event->reason);
	if (event->detail[0] != '\0')
		field[n++] =
		    (struct log_field)LOG_TEXT("detail", event->detail);
	field[n] = (struct log_field){.key = NULL};
	log_write(LOG_LEVEL_INFO, event->kind, field);
}

static void
append(struct journal *journal, const struct event *event)
{
	if (journal->nevent == 2 * JOURNAL_EVENTS_MAX) {
		memcpy(&journal->event[0], &journal->event[JOURNAL_EVENTS_MAX],
		       sizeof(journal->event[0]) * JOURNAL_EVENTS_MAX);
		journal->nevent = JOURNAL_EVENTS_MAX;
	}
	journal->event[journal->nevent++] = *event;
}

void
journal_event(struct journal *journal, const struct event *event)
{
	log_event_line(event);
	append(journal, event);
}

static int
compare(const struct alarm *alarm, const char *name, int64_t gameserver)
{
	if (alarm->gameserver != gameserver)
		return alarm->gameserver < gameserver ? -1 : 1;
	return strcmp(alarm->name, name);
}

/* Where it is among the raised, or would have to be. Asked of each gameserver
 * in each turn. */
static size_t
find_raised(const struct journal *journal, const char *name, int64_t gameserver)
{
	size_t low = 0, high = journal->nraised;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare(&journal->raised[middle], name, gameserver) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_raised(const struct journal *journal, size_t i, const char *name,
	  int64_t gameserver)
{
	return i < journal->nraised &&
	       compare(&journal->raised[i], name, gameserver) == 0;
}

static void
insert_raised(struct journal *journal, size_t i, const struct alarm *alarm)
{
	memmove(&journal->raised[i + 1], &journal->raised[i],
		sizeof(journal->raised[0]) * (journal->nraised - i));
	journal->raised[i] = *alarm;
	journal->nraised++;
}

static void
remove_raised(struct journal *journal, size_t i)
{
	journal->nraised--;
	memmove(&journal->raised[i], &journal->raised[i + 1],
		sizeof(journal->raised[0]) * (journal->nraised - i));
}

/* One edge per alarm is enough: the last one wins. */
static void
add_edge(struct journal *journal, const struct alarm *alarm)
{
	size_t i = 0;

	while (i < journal->nedge &&
	       compare(&journal->edge[i], alarm->name, alarm->gameserver) != 0)
		i++;
	if (i == JOURNAL_ALARMS_MAX)
		return;
	if (i == journal->nedge)
		journal->nedge++;
	journal->edge[i] = *alarm;
}

void
journal_alarm(struct journal *journal, enum alarm_kind kind, int64_t gameserver,
	      int64_t utc_ms, const char *message)
{
	const bool raised = message != NULL;
	const char *name = alarm_name(kind);
	const size_t i = find_raised(journal, name, gameserver);
	struct alarm alarm = {.name = name,
			      .gameserver = gameserver,
			      .raised = raised,
			      .at_utc_ms = utc_ms};
	struct event event = {.at_utc_ms = utc_ms,
			      .gameserver = gameserver,
			      .kind = "alarm",
			      .to = raised ? "raised" : "over",
			      .reason = name};

	if (raised == is_raised(journal, i, name, gameserver) ||
	    (raised && journal->nraised == JOURNAL_ALARMS_MAX))
		return;
	snprintf(alarm.message, sizeof(alarm.message), "%s",
		 raised ? message : "");
	snprintf(event.detail, sizeof(event.detail), "%s", alarm.message);
	if (raised)
		insert_raised(journal, i, &alarm);
	else
		remove_raised(journal, i);
	add_edge(journal, &alarm);
	append(journal, &event);
	log_at(raised ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "alarm",
	       LOG_TEXT("alarm", name), LOG_TEXT("to", event.to),
	       LOG_NUM("gameserver", gameserver),
	       LOG_TEXT("message", alarm.message));
}

void
journal_load_alarm(struct journal *journal, const struct alarm *alarm)
{
	struct alarm known = *alarm;
	enum alarm_kind kind;
	size_t i;

	/* A name that a later version gave is that version's to end. */
	if (!alarm_parse(alarm->name, &kind) ||
	    journal->nraised == JOURNAL_ALARMS_MAX)
		return;
	known.name = alarm_name(kind);
	i = find_raised(journal, known.name, known.gameserver);
	if (!is_raised(journal, i, known.name, known.gameserver))
		insert_raised(journal, i, &known);
}

bool
journal_is_empty(const struct journal *journal)
{
	return journal->nevent == 0 && journal->nedge == 0;
}

void
journal_fill(const struct journal *journal, struct batch *batch)
{
	const size_t dropped = journal->nevent > JOURNAL_EVENTS_MAX
				   ? journal->nevent - JOURNAL_EVENTS_MAX
				   : 0;

	batch->event = journal->event + dropped;
	batch->nevent = journal->nevent - dropped;
	batch->alarm = journal->edge;
	batch->nalarm = journal->nedge;
}

void
journal_committed(struct journal *journal)
{
	journal->nevent = 0;
	journal->nedge = 0;
}

void
journal_rewrite(struct journal *journal)
{
	for (size_t i = 0; i < journal->nraised; i++)
		add_edge(journal, &journal->raised[i]);
}
