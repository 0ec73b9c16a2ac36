/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"
#include "tests/sim/world.h"

static struct world *log_world; /* log_write has no argument for it */

static void
add_line(struct world *world, const char *text)
{
	char *line = world->trace[world->ntrace % TRACE_LINES];

	world->ntrace++;
	snprintf(line, TRACE_LINE_SIZE, "%8lld.%03lld %s",
		 (long long)(world->now_ms / 1000),
		 (long long)(world->now_ms % 1000), text);
	if (world->verbose)
		puts(line);
}

void
trace(struct world *world, const char *fmt, ...)
{
	char text[TRACE_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_line(world, text);
}

void
violate(struct world *world, const char *fmt, ...)
{
	char text[TRACE_TEXT_SIZE];
	va_list ap;

	if (world->violated)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	world->violated = true;
	snprintf(world->violation, sizeof(world->violation), "%s", text);
	add_line(world, text);
}

void
trace_print(const struct world *world)
{
	const size_t n =
	    world->ntrace < TRACE_LINES ? world->ntrace : TRACE_LINES;

	for (size_t i = world->ntrace - n; i < world->ntrace; i++)
		puts(world->trace[i % TRACE_LINES]);
}

void
trace_log_of(struct world *world)
{
	log_world = world;
}

/* The simulation brings its own log, so that the scaler's lines stand among
 * the world's, in virtual time. */
void
log_set_level(enum log_level level)
{
	(void)level;
}

void
log_write(enum log_level level, const char *event,
	  const struct log_field *fields)
{
	char text[TRACE_TEXT_SIZE];
	size_t used;

	if (log_world == NULL || log_world->killed || level == LOG_LEVEL_DEBUG)
		return;
	used = (size_t)snprintf(text, sizeof(text), "    scalerd %s", event);
	for (; fields->key != NULL && used < sizeof(text); fields++) {
		const size_t room = sizeof(text) - used;
		const int n =
		    fields->text != NULL
			? snprintf(text + used, room, " %s=%s", fields->key,
				   fields->text)
			: snprintf(text + used, room, " %s=%lld", fields->key,
				   (long long)fields->number);

		used += n > 0 ? (size_t)n : 0;
	}
	add_line(log_world, text);
}
