/* SPDX-License-Identifier: MIT */
/* The file, the environment over it, and what is said of mistakes. */
#include "tests/unit/common/config_bench.h"

#define SAMPLE "docs/gameserver-manager.env"

static void
sample_of_the_django_application_works(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("PROVIDER", "local", 1);
	r = load_file("AWS_REGION=ap_south_1\n"
		      "SECRET_KEY=lol\n"
		      "DEBUG=False\n"
		      "UPSCALE_MARGIN=4\n"
		      "DOWNSCALE_MARGIN=18\n"
		      "SERVER_CAPACITY=10\n"
		      "AWS_REGION=ap-south-1\n"
		      "ECS_INSTANCE_LAUNCH_TEMPLATE=defaultECS\n"
		      "SERVER_TASK_DEFINITION=LaunchGameserver\n"
		      "SLEEP_TIME=0\n"
		      "BACKUP_GAMESERVER=127.0.0.1:8888\n");
	clear_environment();
	assert_true(r.done);
	assert_int_equal(r.config.provider, CONFIG_PROVIDER_LOCAL);
	assert_string_equal(r.config.aws_region, "ap-south-1");
	assert_int_equal(r.config.upscale_margin, 4);
	assert_int_equal(r.config.downscale_margin, 18);
	assert_int_equal(r.config.server_capacity, 10);
	assert_int_equal(r.config.poll_interval_ms, 1000);
	assert_string_equal(r.config.backup_gameserver, "127.0.0.1:8888");
	assert_string_equal(
	    r.warnings,
	    "FILE:7: AWS_REGION is already set in line 1; line 7 counts\n"
	    "MAX_SERVERS is not set; at most 20 gameservers will be "
	    "launched\n");
}

static void
environment_counts_more_than_the_file(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("HEALTH_FALL", "9", 1);
	setenv("BACKUP_GAMESERVER", "", 1);
	r = load_file("HEALTH_FALL=bad\nHEALTH_RISE=8\nMAX_SERVERS=2\n"
		      "BACKUP_GAMESERVER=10.0.0.1:1\n");
	clear_environment();
	assert_true(r.done);
	assert_int_equal(r.config.health_fall, 9);
	assert_int_equal(r.config.health_rise, 8);
	assert_string_equal(r.config.backup_gameserver, "");
	assert_string_equal(r.warnings, "");
}

static void
empty_number_in_the_environment_is_a_mistake(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("HEALTH_FALL", "", 1);
	r = load_file("HEALTH_FALL=9\n");
	clear_environment();
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "environment: HEALTH_FALL: \"\" is not accepted; accepted: a whole "
	    "number from 1 to 100");
}

static void
mistake_says_file_line_option_value_and_range(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("\n# x\nUPSCALE_MARGIN=abc\n");
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "FILE:3: UPSCALE_MARGIN: \"abc\" is not accepted; accepted: a "
	    "whole number from 0 to 1000000000");
	r = load_file("UPSCALE_MARGIN=4\x1b[31m\xff\n");
	assert_string_equal(
	    r.err.msg,
	    "FILE:1: UPSCALE_MARGIN: \"4\\x1b[31m\\xff\" is not accepted; "
	    "accepted: a whole number from 0 to 1000000000");
	r = load_file("UPSCALE_MARGIN=" X64 "\n");
	assert_non_null(strstr(r.err.msg, "\"" X64 "\" is not accepted"));
	r = load_file("UPSCALE_MARGIN=" X64 "x\n");
	assert_non_null(strstr(r.err.msg, "\"" X64 "...\" is not accepted"));
}

static void
broken_lines_are_mistakes(void **state)
{
	(void)state;
	clear_environment();
	assert_string_equal(
	    load_file("DEBUG=1\nUPSCALE_MARGIN 4\n").err.msg,
	    "FILE:2: no \"=\" in the line, expected NAME=VALUE");
	assert_string_equal(
	    load_file("UPSCALE MARGIN=4\n").err.msg,
	    "FILE:1: the name before the \"=\" must consist of letters, "
	    "digits and _");
	assert_string_equal(load_file("LOCAL_COMMAND=\"a\n").err.msg,
			    "FILE:1: LOCAL_COMMAND: the quote is not closed");
}

static void
several_mistakes_are_told_at_once(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("HEALTH_FALL=x\nMIN SERVERS=1\n");
	assert_string_equal(
	    r.err.msg,
	    "FILE:2: the name before the \"=\" must consist of letters, "
	    "digits and _; "
	    "FILE:1: HEALTH_FALL: \"x\" is not accepted; accepted: a whole "
	    "number from 1 to 100");
}

static void
mistakes_that_do_not_fit_are_counted(void **state)
{
	struct result r;
	const char *more;
	int shown = 0;

	(void)state;
	clear_environment();
	r = load_file("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\n");
	assert_false(r.done);
	for (const char *s = r.err.msg; (s = strstr(s, "FILE:")) != NULL; s++)
		shown++;
	assert_in_range(shown, 4, 16);
	more = strstr(r.err.msg, " (and ");
	assert_non_null(more);
	assert_int_equal(strtol(more + strlen(" (and "), NULL, 10), 17 - shown);
	assert_string_equal(more + strlen(more) - strlen(" more)"), " more)");
}

static void
unknown_names_warn_with_a_suggestion(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("MAX_SERVERS=2\nUPSCALE_MARGN=1\nmax_servers=1\n"
		      "DOWN_SCALEMARGIN=x\nSOMETHING=1\nX=2\n" X64 "=3\n");
	assert_true(r.done);
	assert_string_equal(
	    r.warnings,
	    "FILE:2: UPSCALE_MARGN is not an option; did you mean "
	    "UPSCALE_MARGIN?\n"
	    "FILE:3: max_servers is not an option; did you mean "
	    "MAX_SERVERS?\n"
	    "FILE:4: DOWN_SCALEMARGIN is not an option; did you mean "
	    "DOWNSCALE_MARGIN?\n"
	    "FILE:5: SOMETHING is not an option\n"
	    "FILE:6: X is not an option\n"
	    "FILE:7: " X64 " is not an option\n");
	assert_int_equal(r.config.upscale_margin, 999);
}

static void
failure_leaves_the_configuration_alone(void **state)
{
	struct config config, before;
	struct err err;
	struct result r = {.warnings = ""};

	(void)state;
	clear_environment();
	memset(&config, 0x5a, sizeof(config));
	memcpy(&before, &config, sizeof(config));
	setenv("MIN_SERVERS", "x", 1);
	assert_false(config_load(&config, CONFIG_SCALERD, "/dev/null",
				 note_warning, &r, &err));
	clear_environment();
	assert_memory_equal(&config, &before, sizeof(config));
}

static void
missing_file_is_refused_when_it_was_named(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_path(CONFIG_SCALERD, "/nonexistent.env");
	assert_false(r.done);
	assert_string_equal(r.err.msg,
			    "/nonexistent.env: No such file or directory");
}

static void
file_in_the_working_directory_is_found(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char *cwd = getcwd(NULL, 0);
	struct result with, without;
	FILE *file;

	(void)state;
	if (access("/etc/gameserver-manager.env", F_OK) == 0) {
		free(cwd);
		skip(); /* it comes first */
	}
	clear_environment();
	assert_non_null(cwd);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	without = load_path(CONFIG_SCALERD, NULL);
	file = fopen(".env", "w");
	assert_non_null(file);
	fputs("HEALTH_FALL=77\n", file);
	fclose(file);
	with = load_path(CONFIG_SCALERD, NULL);
	unlink(".env");
	assert_int_equal(chdir(cwd), 0);
	rmdir(dir);
	free(cwd);
	assert_true(without.done);
	assert_int_equal(without.config.health_fall, 3);
	assert_true(with.done);
	assert_int_equal(with.config.health_fall, 77);
}

static void
relative_database_is_the_same_before_and_after_its_directory(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char expected[256];
	char *cwd = getcwd(NULL, 0);
	char *real;
	struct result before, after, through_link, beside;

	(void)state;
	assert_non_null(cwd);
	assert_non_null(mkdtemp(dir));
	real = realpath(dir, NULL);
	assert_non_null(real);
	assert_int_equal(chdir(dir), 0);
	before = load_option("DATABASE", "./run/.//state.db");
	assert_int_equal(mkdir("run", 0700), 0);
	after = load_option("DATABASE", "./run/.//state.db");
	assert_int_equal(symlink("run", "link"), 0);
	through_link = load_option("DATABASE", "link/state.db");
	beside = load_option("DATABASE", "state.db");
	unlink("link");
	rmdir("run");
	assert_int_equal(chdir(cwd), 0);
	rmdir(dir);
	snprintf(expected, sizeof(expected), "%s/run/state.db", real);
	assert_string_equal(before.config.database, expected);
	assert_string_equal(after.config.database, expected);
	assert_string_equal(through_link.config.database, expected);
	snprintf(expected, sizeof(expected), "%s/state.db", real);
	assert_string_equal(beside.config.database, expected);
	free(real);
	free(cwd);
}

/* Needs the project's root as the working directory. */
static void
sample_file_has_the_defaults(void **state)
{
	struct result sample, none;

	(void)state;
	clear_environment();
	assert_int_equal(access(SAMPLE, R_OK), 0);
	sample = load_path(CONFIG_SCALERD, SAMPLE);
	assert_true(sample.done);
	assert_string_equal(sample.warnings, "");
	none = load_path(CONFIG_SCALERD, "/dev/null");
	assert_memory_equal(&sample.config, &none.config, sizeof(none.config));
}

UNIT_MAIN(cmocka_unit_test(sample_of_the_django_application_works),
	  cmocka_unit_test(environment_counts_more_than_the_file),
	  cmocka_unit_test(empty_number_in_the_environment_is_a_mistake),
	  cmocka_unit_test(mistake_says_file_line_option_value_and_range),
	  cmocka_unit_test(broken_lines_are_mistakes),
	  cmocka_unit_test(several_mistakes_are_told_at_once),
	  cmocka_unit_test(mistakes_that_do_not_fit_are_counted),
	  cmocka_unit_test(unknown_names_warn_with_a_suggestion),
	  cmocka_unit_test(failure_leaves_the_configuration_alone),
	  cmocka_unit_test(missing_file_is_refused_when_it_was_named),
	  cmocka_unit_test(file_in_the_working_directory_is_found),
	  cmocka_unit_test(
	      relative_database_is_the_same_before_and_after_its_directory),
	  cmocka_unit_test(sample_file_has_the_defaults))
