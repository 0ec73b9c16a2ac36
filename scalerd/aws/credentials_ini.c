/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials_ini.h"

#include <string.h>

static const char blanks[] = " \t\r\f\v";

/* Where the reader is. */
struct reader {
	bool in_section;
	bool in_profile;
	bool after_setting;
	size_t indent; /* of the setting before */
};

static char *
trim(char *text)
{
	size_t n;

	text += strspn(text, blanks);
	n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static char *
unquote(char *text)
{
	const size_t n = strlen(text);

	if (n < 2 || (text[0] != '"' && text[0] != '\'') ||
	    text[n - 1] != text[0])
		return text;
	text[n - 1] = '\0';
	return text + 1;
}

static bool
is_profile(const struct credentials_ini *ini, char *section)
{
	static const char prefix[] = "profile";
	const size_t n = strlen(prefix);

	if (!ini->prefixed)
		return strcmp(section, ini->profile) == 0;
	if (strncmp(section, prefix, n) == 0 && section[n] != '\0' &&
	    strchr(blanks, section[n]))
		return strcmp(unquote(trim(section + n)), ini->profile) == 0;
	return strcmp(section, "default") == 0 &&
	       strcmp(ini->profile, "default") == 0;
}

static bool
take_section(struct credentials_ini *ini, struct reader *reader, char *line)
{
	char *end = strchr(line, ']');

	if (!end)
		return false;
	*end = '\0';
	reader->in_section = true;
	reader->after_setting = false;
	reader->in_profile = is_profile(ini, trim(line + 1));
	ini->found = ini->found || reader->in_profile;
	return true;
}

static void
cut_comment(char *value)
{
	for (char *c = value; *c != '\0'; c++) {
		if ((*c == '#' || *c == ';') &&
		    (c == value || strchr(blanks, c[-1]))) {
			*c = '\0';
			return;
		}
	}
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static bool
take_setting(struct credentials_ini *ini, struct reader *reader, char *line)
{
	char *value = line + strcspn(line, "=:");
	char *name;

	if (!reader->in_section || *value == '\0' || value == line)
		return false;
	*value++ = '\0';
	name = trim(line);
	lower(name);
	cut_comment(value);
	if (reader->in_profile)
		ini->setting(ini->arg, name, trim(value));
	return true;
}

static bool
take_line(struct credentials_ini *ini, struct reader *reader, char *line)
{
	const size_t indent = strspn(line, blanks);

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return true;
	if (reader->after_setting && indent > reader->indent)
		return true;
	if (line[0] == '[')
		return take_section(ini, reader, line);
	reader->after_setting = true;
	reader->indent = indent;
	return take_setting(ini, reader, line);
}

bool
credentials_ini_parse(struct credentials_ini *ini, char *text, struct err *err)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct reader reader = {0};
	char *next = text;

	ini->found = false;
	if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
		next += strlen(byte_order_mark);
	for (int number = 1; next; number++) {
		char *line = next;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!take_line(ini, &reader, line))
			return err_set(err,
				       "%s:%d: expected [SECTION] or, "
				       "within one, NAME = VALUE",
				       ini->path, number);
	}
	return true;
}
