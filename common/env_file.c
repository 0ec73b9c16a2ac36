/* SPDX-License-Identifier: MIT */
#include "common/env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char blanks[] = " \t\r\f\v";

static char *
skip_blanks(char *s)
{
	return s + strspn(s, blanks);
}

static void
trim_end(char *s)
{
	size_t len = strlen(s);

	while (len > 0 && strchr(blanks, s[len - 1]) != NULL)
		len--;
	s[len] = '\0';
}

/* Ends the value at the first # that follows white space or begins it. */
static char *
read_bare(char *value)
{
	for (char *s = value; *s != '\0'; s++) {
		if (*s == '#' && (s == value || strchr(blanks, s[-1]))) {
			*s = '\0';
			break;
		}
	}
	trim_end(value);
	return value;
}

/* NULL and *problem when the quote is not closed or something follows it. */
static char *
read_quoted(char *value, const char **problem)
{
	char quote = value[0];
	char *to = ++value;
	char *from = value;

	for (; *from != '\0' && *from != quote; from++) {
		if (quote == '"' && *from == '\\' && from[1] != '\0') {
			from++;
			if (strchr("nrt", *from) != NULL)
				*to++ = '\\';
		}
		*to++ = *from;
	}
	if (*from == '\0') {
		*problem = "the quote is not closed";
		return NULL;
	}
	from = skip_blanks(from + 1);
	if (*from != '\0' && *from != '#') {
		*problem = "text follows the closing quote";
		return NULL;
	}
	*to = '\0';
	return value;
}

static char *
skip_export(char *line)
{
	static const char word[] = "export";
	size_t len = strlen(word);

	if (strncmp(line, word, len) != 0 || strspn(line + len, blanks) == 0)
		return line;
	return skip_blanks(line + len);
}

static void
parse_line(char *line, struct env_file_entry *entry)
{
	static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz"
					 "0123456789_";
	char *equals = strchr(line, '=');
	char *value;

	if (equals == NULL) {
		entry->problem = "no \"=\" in the line, expected NAME=VALUE";
		return;
	}
	*equals = '\0';
	line = skip_export(line);
	trim_end(line);
	if (line[0] == '\0' || line[strspn(line, name_chars)] != '\0') {
		entry->problem = "the name before the \"=\" must consist of "
				 "letters, digits and _";
		return;
	}
	entry->name = line;
	value = skip_blanks(equals + 1);
	if (value[0] == '\'' || value[0] == '"')
		value = read_quoted(value, &entry->problem);
	else
		value = read_bare(value);
	if (value != NULL)
		entry->value = value;
}

void
env_file_parse(char *text, size_t size, env_file_fn *fn, void *arg)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	char *const end = text + size;
	char *next;
	int number = 0;

	if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
		text += strlen(byte_order_mark);
	for (char *line = text; line < end; line = next) {
		struct env_file_entry entry = {"", "", NULL, ++number};
		char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline != NULL ? newline + 1 : end;
		if (newline != NULL)
			*newline = '\0';
		line = skip_blanks(line);
		trim_end(line);
		if (line[0] == '\0' || line[0] == '#')
			continue;
		parse_line(line, &entry);
		fn(arg, &entry);
	}
}

/* Bytes read, at most `size`; -1: errno says why. */
static ssize_t
read_all(int fd, char *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, to + done, size - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int
last_line(const char *text)
{
	int line = 1;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		line++;
	}
	return line;
}

static bool
read_open(int fd, const char *path, size_t max, char **text, size_t *size,
	  struct err *err)
{
	struct stat st;
	ssize_t n;
	char *buf;

	if (fstat(fd, &st) == -1)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return err_set(err, "%s: not a file", path);
	buf = malloc(max + 2); /* one byte to see that there is more, and NUL */
	if (buf == NULL)
		return err_set(err, "%s: out of memory", path);
	n = read_all(fd, buf, max + 1);
	if (n == -1) {
		err_set(err, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if ((size_t)n > max) {
		err_set(err, "%s: larger than %zu bytes", path, max);
		goto fail;
	}
	buf[n] = '\0';
	if (strlen(buf) != (size_t)n) {
		err_set(err, "%s:%d: a NUL byte in the line", path,
			last_line(buf));
		goto fail;
	}
	*text = buf;
	*size = (size_t)n;
	return true;
fail:
	free(buf);
	return false;
}

bool
env_file_read(const char *path, size_t max, char **text, size_t *size,
	      struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool done;

	if (fd == -1)
		return err_set(err, "%s: %s", path, strerror(errno));
	done = read_open(fd, path, max, text, size, err);
	close(fd);
	return done;
}
