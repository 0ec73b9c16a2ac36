/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/misbehave.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum value { VALUE_NONE, VALUE_MS, VALUE_TEXT };

static const struct {
	const char *name;
	enum value value;
	const char *help;
} kinds[MISBEHAVE_KIND_COUNT] = {
    [MISBEHAVE_NONE] = {"none", VALUE_NONE, "behave"},
    [MISBEHAVE_SLOW] = {"slow", VALUE_MS, "=MS, delay each health answer"},
    [MISBEHAVE_HANG] = {"hang", VALUE_NONE, "accept, never answer"},
    [MISBEHAVE_WRONG_JSON] = {"wrong-json", VALUE_TEXT,
			      "[=TEXT], a health answer of nonsense"},
    [MISBEHAVE_HUGE] = {"huge", VALUE_NONE, "an endless health answer"},
    [MISBEHAVE_NEVER_READY] = {"never-ready", VALUE_NONE, "health is 503"},
    [MISBEHAVE_NEGATIVE] = {"negative", VALUE_NONE, "available_capacity is -5"},
    [MISBEHAVE_LIE_READY] = {"lie-ready", VALUE_NONE,
			     "ready_to_close is always true"},
    [MISBEHAVE_DRIP] = {"drip", VALUE_NONE, "one byte of health a second"},
    [MISBEHAVE_REDIRECT] = {"redirect", VALUE_NONE,
			    "health is elsewhere (/debug/health)"},
    [MISBEHAVE_REFUSE_START] = {"refuse-start", VALUE_NONE,
				"exit with 1 at once"},
    [MISBEHAVE_IGNORE_TERM] = {"ignore-term", VALUE_NONE,
			       "go on after SIGTERM"},
};

const char *
misbehave_name(enum misbehave_kind kind)
{
	return kinds[kind].name;
}

static bool
take_ms(const char *text, struct misbehave *misbehave)
{
	char *end = NULL;

	if (!isdigit((unsigned char)text[0]))
		return false;
	misbehave->ms = strtol(text, &end, 10);
	return *end == '\0' && misbehave->ms <= MISBEHAVE_MS_MAX;
}

static bool
take_value(enum value value, const char *text, struct misbehave *misbehave)
{
	if (text == NULL)
		return value != VALUE_MS;
	if (value == VALUE_MS)
		return take_ms(text, misbehave);
	if (value == VALUE_NONE || strlen(text) >= sizeof(misbehave->text))
		return false;
	memcpy(misbehave->text, text, strlen(text) + 1);
	return true;
}

bool
misbehave_parse(const char *text, struct misbehave *misbehave)
{
	size_t size = strcspn(text, "=");
	const char *value = text[size] == '=' ? text + size + 1 : NULL;

	for (size_t i = 0; i < MISBEHAVE_KIND_COUNT; i++) {
		struct misbehave found = {.kind = (enum misbehave_kind)i};
		if (strlen(kinds[i].name) != size ||
		    strncmp(kinds[i].name, text, size) != 0)
			continue;
		if (!take_value(kinds[i].value, value, &found))
			return false;
		*misbehave = found;
		return true;
	}
	return false;
}

void
misbehave_print_kinds(FILE *to)
{
	for (size_t i = 0; i < MISBEHAVE_KIND_COUNT; i++)
		fprintf(to, "  %-12s %s\n", kinds[i].name, kinds[i].help);
}
