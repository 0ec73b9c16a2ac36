/* SPDX-License-Identifier: MIT */
/* Machines, as DescribeInstances tells of them. */
#include "tests/unit/scalerd/ec2_answers.h"

static void
a_machine_is_read_with_its_tags_and_addresses(void **state)
{
	struct facts *facts = *state;
	const struct facts_machine *m;
	char page[EC2_PAGE_SIZE];
	struct err err;

	assert_true(ec2_read_machines(facts, machine_answer,
				      sizeof(machine_answer) - 1, page, &err));
	assert_string_equal(page, "AAMA+/=");
	assert_int_equal(facts_count(facts, FACTS_MACHINE), 1);
	m = facts_find_machine(facts, "i-1234567890abcdef0");
	assert_non_null(m);
	assert_string_equal(m->state, "running");
	assert_string_equal(
	    m->reason, "Client.UserInitiatedShutdown: User initiated shutdown");
	assert_string_equal(m->public_ip, "54.194.252.215");
	assert_string_equal(m->private_ip, "192.168.1.88");
	assert_string_equal(m->ipv6, "2001:db8::1");
	assert_string_equal(m->fleet, "blitz");
	assert_string_equal(m->mark, OPERATION);
}

static void
machines_of_several_reservations_are_all_read(void **state)
{
	struct facts *facts = *state;
	char page[EC2_PAGE_SIZE] = "old";
	struct err err;
	static const char body[] =
	    MACHINES(MACHINE("i-1") END MACHINE("i-2") "<tagSet>" TAG_OF(
			 "gameserver-manager:fleet",
			 "blitz") "</tagSet>" END "</instancesSet></item><item>"
				  "<instancesSet>" MACHINE("i-3") END,
		     "<nextToken/>");

	facts_machine(facts, "i-3")->hosts_asked = true;
	facts_machine(facts, "i-4")->known = FACTS_ASKED;
	assert_true(
	    ec2_read_machines(facts, body, sizeof(body) - 1, page, &err));
	assert_string_equal(page, "");
	assert_int_equal(facts_count(facts, FACTS_MACHINE), 4);
	assert_string_equal(facts_find_machine(facts, "i-1")->fleet, "");
	assert_string_equal(facts_find_machine(facts, "i-2")->fleet, "blitz");
	assert_true(facts_find_machine(facts, "i-3")->hosts_asked);
	assert_int_equal(facts_machine(facts, "i-4")->known, FACTS_ASKED);
}

static void
an_answer_without_machines_is_good(void **state)
{
	assert_reads(machines, *state,
		     "<DescribeInstancesResponse><reservationSet/>"
		     "</DescribeInstancesResponse>");
	assert_int_equal(facts_count(*state, FACTS_MACHINE), 0);
}

static void
the_order_of_elements_does_not_matter(void **state)
{
	const struct facts_machine *m;

	assert_reads(machines, *state,
		     MACHINES("<item><tagSet><item><value>blitz</value><key>"
			      "gameserver-manager:fleet</key></item></tagSet>"
			      "<ipAddress>192.0.2.1</ipAddress>" STATE(
				  "pending") "<instanceId>i-1</instanceId>" END,
			      ""));
	m = facts_find_machine(*state, "i-1");
	assert_non_null(m);
	assert_string_equal(m->fleet, "blitz");
	assert_string_equal(m->state, "pending");
	assert_string_equal(m->public_ip, "192.0.2.1");
}

static void
a_long_reason_is_cut(void **state)
{
	char body[2048];
	char reason[500] = "";

	memset(reason, 'r', sizeof(reason) - 1);
	snprintf(body, sizeof(body),
		 MACHINES(MACHINE("i-1") "<stateReason><message>%s</message>"
					 "</stateReason>" END,
			  ""),
		 reason);
	assert_reads(machines, *state, body);
	assert_int_equal(strlen(facts_find_machine(*state, "i-1")->reason),
			 FACTS_REASON_SIZE - 1);
}

static void
a_malformed_list_of_machines_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"<DescribeInstancesResponse/>", "reservationSet is missing"},
	    {"<RunInstancesResponse><instancesSet/></RunInstancesResponse>",
	     "reservationSet is missing"},
	    {"{}", "no XML"},
	    {MACHINES("<item>" STATE("running") END, ""), "no instanceId"},
	    {MACHINES("<item><instanceId/>" STATE("running") END, ""),
	     "no instanceId"},
	    {MACHINES("<item><instanceId>i-1</instanceId>" END, ""),
	     "no instanceState"},
	    {MACHINES("<item><instanceId><x>i-1</x></instanceId>" STATE(
			  "running") END,
		      ""),
	     "no instanceId"},
	    {MACHINES(MACHINE("i-1") "<instanceId>i-2</instanceId>" END, ""),
	     "instanceId is there twice"},
	    {MACHINES(MACHINE("i-0123456789abcdef0123456789abcd") END, ""),
	     "instanceId is longer than 31 bytes"},
	    {MACHINES(MACHINE("i-1") END,
		      "<nextToken>a</nextToken><nextToken>b</nextToken>"),
	     "nextToken is there twice"},
	    {"<!DOCTYPE x><DescribeInstancesResponse/>", "DOCTYPE"},
	};

	assert_all_malformed(machines, *state, bad, COUNT(bad));
}

static void
a_mark_that_no_manager_writes_is_none(void **state)
{
	assert_reads(machines, *state,
		     MACHINES(MACHINE("i-1") "<tagSet>" TAG_OF(
				  "gameserver-manager:operation",
				  OPERATION "0") "</tagSet>" END,
			      ""));
	assert_string_equal(facts_find_machine(*state, "i-1")->mark, "");
}

UNIT_MAIN(FACTS_TEST(a_machine_is_read_with_its_tags_and_addresses),
	  FACTS_TEST(a_mark_that_no_manager_writes_is_none),
	  FACTS_TEST(machines_of_several_reservations_are_all_read),
	  FACTS_TEST(an_answer_without_machines_is_good),
	  FACTS_TEST(the_order_of_elements_does_not_matter),
	  FACTS_TEST(a_long_reason_is_cut),
	  FACTS_TEST(a_malformed_list_of_machines_is_refused))
