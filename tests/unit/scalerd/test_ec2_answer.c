/* SPDX-License-Identifier: MIT */
/* What EC2 answers beside its machines: network interfaces, launch templates,
 * what was run, errors; and any answer of it, cut or damaged. */
#include "tests/unit/scalerd/ec2_answers.h"

static bool
enis(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char page[EC2_PAGE_SIZE];

	return ec2_read_enis(facts, body, size, page, err);
}

static bool template(struct facts *facts, const char *body, size_t size,
		     struct err *err)
{
	struct ec2_template one;

	(void)facts;
	return ec2_read_template(&one, body, size, err);
}

static bool
run(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char id[FACTS_ID_SIZE];

	(void)facts;
	return ec2_read_run(id, body, size, err);
}

static bool
error(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char code[EC2_CODE_SIZE], message[EC2_MESSAGE_SIZE];

	(void)facts;
	return ec2_read_error(code, message, body, size) ||
	       err_set(err, "no error");
}

static void
a_network_interface_is_read_with_its_own_addresses(void **state)
{
	const struct facts_eni *eni;

	assert_reads(enis, *state, eni_answer);
	eni = facts_find_eni(*state, "eni-0f62d866");
	assert_non_null(eni);
	assert_string_equal(eni->public_ip, "203.0.113.12");
	assert_string_equal(eni->private_ip, "10.0.0.146");
	assert_string_equal(eni->ipv6, "2001:db8::5");
}

static void
a_network_interface_without_a_name_is_refused(void **state)
{
	assert_malformed(enis, *state,
			 "<DescribeNetworkInterfacesResponse>"
			 "<networkInterfaceSet><item/></networkInterfaceSet>"
			 "</DescribeNetworkInterfacesResponse>",
			 "no networkInterfaceId");
	assert_malformed(enis, *state, "<DescribeNetworkInterfacesResponse/>",
			 "networkInterfaceSet is missing");
}

static void
a_launch_template_is_read(void **state)
{
	struct ec2_template one;
	struct err err;

	(void)state;
	assert_true(ec2_read_template(&one, template_answer,
				      sizeof(template_answer) - 1, &err));
	assert_string_equal(one.id, "lt-0a20c965061f64abc");
	assert_string_equal(one.version, "12");
}

#define TEMPLATES(items)                                                       \
	"<DescribeLaunchTemplatesResponse><launchTemplates>" items             \
	"</launchTemplates></DescribeLaunchTemplatesResponse>"
#define TEMPLATE(version)                                                      \
	"<item><launchTemplateId>lt-1</launchTemplateId>"                      \
	"<defaultVersionNumber>" version "</defaultVersionNumber></item>"

static void
a_list_without_a_launch_template_says_that_there_is_none(void **state)
{
	struct ec2_template one = {.id = "lt-1"};
	struct err err;

	(void)state;
	assert_true(ec2_read_template(&one, TEMPLATES(""),
				      sizeof(TEMPLATES("")) - 1, &err));
	assert_string_equal(one.id, "");
}

static void
a_malformed_launch_template_is_refused(void **state)
{
	assert_reads(template, *state, TEMPLATES(TEMPLATE("1")));
	assert_malformed(template, *state,
			 TEMPLATES(TEMPLATE("1") TEMPLATE("1")),
			 "there are 2, not 1");
	assert_malformed(template, *state, TEMPLATES(TEMPLATE("$Default")),
			 "no number");
	assert_malformed(template, *state, TEMPLATES(TEMPLATE("")),
			 "no number");
	assert_malformed(template, *state, TEMPLATES("<item/>"),
			 "no launchTemplateId");
}

static void
the_machine_that_was_run_is_read(void **state)
{
	char id[FACTS_ID_SIZE];
	struct err err;

	(void)state;
	assert_true(ec2_read_run(id, run_answer, sizeof(run_answer) - 1, &err));
	assert_string_equal(id, "i-1234567890abcdef0");
}

#define RAN(items)                                                             \
	"<RunInstancesResponse><instancesSet>" items                           \
	"</instancesSet></RunInstancesResponse>"

static void
none_or_two_machines_that_were_run_are_refused(void **state)
{
	assert_malformed(run, *state, RAN(""), "there are 0, not 1");
	assert_malformed(run, *state,
			 RAN(MACHINE("i-1") END MACHINE("i-2") END),
			 "there are 2, not 1");
	assert_malformed(run, *state, RAN("<item/>"), "no instanceId");
	assert_malformed(run, *state, "<html><body>502</body></html>",
			 "instancesSet is missing");
}

static void
assert_error(const char *body, const char *code, const char *message)
{
	char c[EC2_CODE_SIZE] = "?", m[EC2_MESSAGE_SIZE] = "?";

	assert_true(ec2_read_error(c, m, body, strlen(body)));
	assert_string_equal(c, code);
	assert_string_equal(m, message);
}

static void
an_error_is_read_in_either_form(void **state)
{
	(void)state;
	assert_error(error_answer, "InsufficientInstanceCapacity",
		     "There is not enough capacity.");
	assert_error("<ErrorResponse><Error><Type>Sender</Type><Code>A</Code>"
		     "<Message>b</Message></Error></ErrorResponse>",
		     "A", "b");
	assert_error("<Response><Errors><Error><Code>A</Code></Error><Error>"
		     "<Code>B</Code><Message>b</Message></Error></Errors>"
		     "</Response>",
		     "A", "");
}

static void
an_error_without_a_code_is_none(void **state)
{
	assert_malformed(error, *state, "", "");
	assert_malformed(error, *state, "<html>502</html>", "");
	assert_malformed(error, *state,
			 "<Response><Errors><Error><Message>b</Message>"
			 "</Error></Errors></Response>",
			 "");
	assert_malformed(error, *state, "<Response><Errors/></Response>", "");
}

static const struct good good[] = {
    {machines, machine_answer},  {enis, eni_answer},
    {template, template_answer}, {run, run_answer},
    {error, error_answer},
};

static void
an_answer_cut_at_any_byte_is_refused(void **state)
{
	assert_refused_when_cut(*state, good, COUNT(good), '>');
}

static void
a_damaged_answer_is_read_or_refused_with_a_reason(void **state)
{
	assert_survives_damage(*state, good, COUNT(good));
}

UNIT_MAIN(FACTS_TEST(a_network_interface_is_read_with_its_own_addresses),
	  FACTS_TEST(a_network_interface_without_a_name_is_refused),
	  FACTS_TEST(a_launch_template_is_read),
	  FACTS_TEST(a_list_without_a_launch_template_says_that_there_is_none),
	  FACTS_TEST(a_malformed_launch_template_is_refused),
	  FACTS_TEST(the_machine_that_was_run_is_read),
	  FACTS_TEST(none_or_two_machines_that_were_run_are_refused),
	  FACTS_TEST(an_error_is_read_in_either_form),
	  FACTS_TEST(an_error_without_a_code_is_none),
	  FACTS_TEST(an_answer_cut_at_any_byte_is_refused),
	  FACTS_TEST(a_damaged_answer_is_read_or_refused_with_a_reason))
