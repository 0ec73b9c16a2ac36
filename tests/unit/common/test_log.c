/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

enum { LINE_LIMIT = 4096, THREADS = 4, LINES_PER_THREAD = 200 };

/* stderr while a test looks at it. */
struct capture {
	int saved;
	int reader;
	char text[1 << 18];
	size_t len;
};

static struct capture capture;

static void
capture_read(void)
{
	ssize_t n;

	while ((n = read(capture.reader, capture.text + capture.len,
			 sizeof(capture.text) - 1 - capture.len)) > 0)
		capture.len += (size_t)n;
	capture.text[capture.len] = '\0';
}

static void
capture_begin(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	capture.saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	capture.reader = ends[0];
	/* Lines that an earlier test lost are reported now, not later. */
	log_error("begin", LOG_NUM("n", 1));
	capture_read();
	capture.len = 0;
}

static void
capture_end(void)
{
	capture_read();
	dup2(capture.saved, STDERR_FILENO);
	close(capture.saved);
	close(capture.reader);
}

/* What was logged after "event=test ". */
static const char *
fields_of_line(void)
{
	char *found = strstr(capture.text, " event=test ");

	assert_non_null(found);
	return found + strlen(" event=test ");
}

static void
assert_logged_as(const char *value, const char *expected)
{
	char line[256];

	capture_begin();
	log_info("test", LOG_TEXT("k", value));
	capture_end();
	snprintf(line, sizeof(line), "k=%s\n", expected);
	assert_string_equal(fields_of_line(), line);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
line_has_time_level_event_and_fields(void **state)
{
	static const char shape[] = "time=dddd-dd-ddTdd:dd:dd.dddZ ";
	size_t i;

	(void)state;
	capture_begin();
	log_warn("test", LOG_NUM("n", INT64_MIN), LOG_TEXT("t", "a:1"));
	capture_end();
	for (i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == 'd')
			assert_in_range(capture.text[i], '0', '9');
		else
			assert_int_equal(capture.text[i], shape[i]);
	}
	assert_string_equal(
	    capture.text + i,
	    "level=warn event=test n=-9223372036854775808 t=a:1\n");
}

static void
time_is_utc_now(void **state)
{
	struct tm utc = {0};
	time_t before = time(NULL);
	time_t logged;

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	capture_begin();
	log_info("test", LOG_NUM("n", 1));
	capture_end();
	assert_int_equal(sscanf(capture.text, "time=%d-%d-%dT%d:%d:%d.",
				&utc.tm_year, &utc.tm_mon, &utc.tm_mday,
				&utc.tm_hour, &utc.tm_min, &utc.tm_sec),
			 6);
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	setenv("TZ", "UTC0", 1);
	tzset();
	logged = mktime(&utc);
	assert_in_range(logged, before, time(NULL));
}

static void
plain_values_are_bare(void **state)
{
	(void)state;
	assert_logged_as("203.0.113.7:49153", "203.0.113.7:49153");
	assert_logged_as("/a_b@c+d-e", "/a_b@c+d-e");
}

static void
other_values_are_quoted(void **state)
{
	(void)state;
	assert_logged_as("", "\"\"");
	assert_logged_as("a b", "\"a b\"");
	assert_logged_as("a=b", "\"a=b\"");
	assert_logged_as("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\"");
	assert_logged_as("caf\xc3\xa9", "\"caf\xc3\xa9\"");
	assert_logged_as("\xf0\x9f\x8e\xb2", "\"\xf0\x9f\x8e\xb2\"");
}

static void
control_bytes_and_broken_utf8_are_escaped(void **state)
{
	(void)state;
	assert_logged_as("a\nlevel=error", "\"a\\nlevel=error\"");
	assert_logged_as("\x1b[31m\x7f\t", "\"\\x1b[31m\\x7f\\x09\"");
	assert_logged_as("\xff\xfe", "\"\\xff\\xfe\"");
	assert_logged_as("\xc3", "\"\\xc3\"");          /* cut */
	assert_logged_as("\xc0\xaf", "\"\\xc0\\xaf\""); /* overlong */
	assert_logged_as("\xe0\x80\xaf", "\"\\xe0\\x80\\xaf\"");
	assert_logged_as("\xed\xa0\x80", "\"\\xed\\xa0\\x80\""); /* surrogate */
	assert_logged_as("\xf4\x90\x80\x80",
			 "\"\\xf4\\x90\\x80\\x80\"");            /* too high */
	assert_logged_as("\xc2\x9b", "\"\\xc2\\x9b\"");          /* C1: CSI */
	assert_logged_as("\xe2\x80\xae", "\"\\xe2\\x80\\xae\""); /* RLO */
}

static void
level_hides_what_is_above(void **state)
{
	(void)state;
	capture_begin();
	log_debug("hidden", LOG_NUM("n", 1));
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden", LOG_NUM("n", 1));
	log_error("seen", LOG_NUM("n", 1));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("seen_too", LOG_NUM("n", 1));
	log_set_level(LOG_LEVEL_INFO);
	capture_end();
	assert_null(strstr(capture.text, "hidden"));
	assert_non_null(strstr(capture.text, "level=error event=seen n=1\n"));
	assert_non_null(
	    strstr(capture.text, "level=debug event=seen_too n=1\n"));
}

static void
errno_is_kept(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	errno = ERANGE;
	close(STDERR_FILENO);
	log_info("test", LOG_NUM("n", 1));
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(errno, ERANGE);
}

/* Fills the value with `unit` again and again and checks the end. */
static void
assert_cut(const char *unit, const char *end)
{
	static char value[3 * LINE_LIMIT];
	size_t len = strlen(unit);

	for (size_t i = 0; i + len < sizeof(value); i += len)
		memcpy(value + i, unit, len + 1);
	capture_begin();
	log_info("test", LOG_TEXT("k", value), LOG_NUM("after", 1));
	capture_end();
	assert_in_range(capture.len, LINE_LIMIT - 8, LINE_LIMIT);
	assert_ptr_equal(strchr(capture.text, '\n'),
			 capture.text + capture.len - 1);
	capture.text[capture.len - 1] = '\0';
	assert_string_equal(capture.text + capture.len - 1 - strlen(end), end);
	assert_null(strstr(capture.text, "after"));
}

static void
long_lines_are_cut_between_characters(void **state)
{
	(void)state;
	assert_cut("x", "x\"");
	assert_cut("\x01", "\\x01\"");
	assert_cut("\xe2\x82\xac", "\xe2\x82\xac\"");
	assert_cut("\"", "\\\"\"");
}

static void *
log_many(void *arg)
{
	for (int i = 0; i < LINES_PER_THREAD; i++)
		log_info("test", LOG_TEXT("who", arg), LOG_TEXT("s", "a b"));
	return NULL;
}

static void
lines_of_several_threads_do_not_mix(void **state)
{
	pthread_t threads[THREADS];
	static char names[THREADS][2];
	int lines = 0;

	(void)state;
	capture_begin();
	/* The pipe must hold everything: 4 * 200 lines of about 70 bytes. */
	assert_true(fcntl(capture.reader, F_SETPIPE_SZ, 1 << 17) >= 1 << 17);
	for (int i = 0; i < THREADS; i++) {
		names[i][0] = (char)('a' + i);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_many, names[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	capture_end();
	for (char *line = capture.text; *line != '\0'; lines++) {
		char *end = strchr(line, '\n');
		char who;

		assert_non_null(end);
		*end = '\0';
		assert_int_equal(sscanf(line,
					"time=%*s level=info event=test "
					"who=%c s=\"a b\"",
					&who),
				 1);
		assert_int_equal(
		    strlen(line),
		    strlen("time=2026-11-22T16:48:48.123Z level=info "
			   "event=test who=a s=\"a b\""));
		line = end + 1;
	}
	assert_int_equal(lines, THREADS * LINES_PER_THREAD);
}

static void
reader_that_is_gone_does_not_end_us(void **state)
{
	sigset_t pending;
	int ends[2];
	int saved = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(sigaction(SIGPIPE,
				   &(struct sigaction){.sa_handler = SIG_DFL},
				   NULL),
			 0);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	close(ends[0]);
	log_info("test", LOG_NUM("n", 1));
	sigpending(&pending);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

static void
reader_that_does_not_read_costs_one_wait(void **state)
{
	int64_t begin, took;
	int flags;

	(void)state;
	capture_begin();
	/* Fill the pipe; the end that log.c writes to stays blocking. */
	flags = fcntl(STDERR_FILENO, F_GETFL);
	fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	while (write(STDERR_FILENO, capture.text, LINE_LIMIT) > 0)
		;
	fcntl(STDERR_FILENO, F_SETFL, flags);
	begin = now_ms();
	for (int i = 0; i < 100; i++)
		log_info("lost", LOG_NUM("n", i));
	took = now_ms() - begin;
	capture_read();
	capture.len = 0;
	log_info("test", LOG_NUM("n", 1));
	capture_end();
	assert_in_range(took, 0, 5000);
	assert_null(strstr(capture.text, "event=lost "));
	assert_non_null(strstr(capture.text, "event=test n=1\n"));
	assert_non_null(
	    strstr(capture.text, "level=warn event=log_lost lines=100\n"));
}

UNIT_MAIN(cmocka_unit_test(line_has_time_level_event_and_fields),
	  cmocka_unit_test(time_is_utc_now),
	  cmocka_unit_test(plain_values_are_bare),
	  cmocka_unit_test(other_values_are_quoted),
	  cmocka_unit_test(control_bytes_and_broken_utf8_are_escaped),
	  cmocka_unit_test(level_hides_what_is_above),
	  cmocka_unit_test(errno_is_kept),
	  cmocka_unit_test(long_lines_are_cut_between_characters),
	  cmocka_unit_test(lines_of_several_threads_do_not_mix),
	  cmocka_unit_test(reader_that_is_gone_does_not_end_us),
	  cmocka_unit_test(reader_that_does_not_read_costs_one_wait))
