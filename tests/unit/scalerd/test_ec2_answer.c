/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/ec2_answer.h"
#include "tests/unit/scalerd/damage.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define DECL      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS        " xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
#define REQUEST   "<requestId>8f7724cf-496f-496e-8fe3-example</requestId>"
#define OPERATION "00112233445566778899aabbccddee01"

#define MACHINES(items, rest)                                                  \
	DECL "<DescribeInstancesResponse" NS REQUEST                           \
	     "<reservationSet><item><reservationId>r-1</reservationId>"        \
	     "<groupSet/><instancesSet>" items "</instancesSet></item>"        \
	     "</reservationSet>" rest "</DescribeInstancesResponse>\n"
#define STATE(name)                                                            \
	"<instanceState><code>16</code><name>" name "</name></instanceState>"
#define MACHINE(id)  "<item><instanceId>" id "</instanceId>" STATE("running")
#define END          "</item>"
#define TAG_OF(k, v) "<item><key>" k "</key><value>" v "</value></item>"

/* As the EC2 API Reference shows it, shortened. */
static const char machine_answer[] = MACHINES(
    "<item>"
    "<instanceId>i-1234567890abcdef0</instanceId>"
    "<imageId>ami-bff32ccc</imageId>"
    "<instanceState><code>16</code><name>running</name></instanceState>"
    "<privateDnsName>ip-192-168-1-88.eu-west-1.compute.internal"
    "</privateDnsName><dnsName/><reason/><keyName>my_keypair</keyName>"
    "<placement><availabilityZone>eu-west-1c</availabilityZone><groupName/>"
    "</placement><monitoring><state>disabled</state></monitoring>"
    "<privateIpAddress>192.168.1.88</privateIpAddress>"
    "<ipAddress>54.194.252.215</ipAddress>"
    "<groupSet><item><groupId>sg-e4076980</groupId></item></groupSet>"
    "<stateReason><code>Client.UserInitiatedShutdown</code>"
    "<message>Client.UserInitiatedShutdown: User initiated shutdown</message>"
    "</stateReason>"
    "<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"
    "<volumeId>vol-1234567890abcdef0</volumeId></ebs></item>"
    "</blockDeviceMapping>"
    "<tagSet>" TAG_OF("Name", "gameserver-blitz")
	TAG_OF("gameserver-manager:fleet", "blitz") TAG_OF(
	    "gameserver-manager:operation",
	    OPERATION) "<item><key>empty</key><value/></item></tagSet>"
		       "<networkInterfaceSet><item>"
		       "<networkInterfaceId>eni-551ba033</networkInterfaceId>"
		       "<ipv6AddressesSet><item><ipv6Address>2001:db8::1</"
		       "ipv6Address></item>"
		       "<item><ipv6Address>2001:db8::2</ipv6Address></item></"
		       "ipv6AddressesSet>"
		       "<privateIpAddress>192.168.1.99</privateIpAddress>"
		       "<association><publicIp>54.194.252.216</publicIp></"
		       "association>"
		       "<tagSet><item><key>gameserver-manager:fleet</"
		       "key><value>not-this</value>"
		       "</item></tagSet></item></networkInterfaceSet>"
		       "<ebsOptimized>false</ebsOptimized></item>",
    "<nextToken>AAMA+/=</nextToken>");

static const char eni_answer[] =
    DECL "<DescribeNetworkInterfacesResponse" NS REQUEST
	 "<networkInterfaceSet><item>"
	 "<networkInterfaceId>eni-0f62d866</networkInterfaceId>"
	 "<subnetId>subnet-c53c87ac</subnetId><status>in-use</status>"
	 "<privateIpAddress>10.0.0.146</privateIpAddress>"
	 "<association><publicIp>203.0.113.12</publicIp></association>"
	 "<privateIpAddressesSet><item><privateIpAddress>10.0.0.147"
	 "</privateIpAddress><association><publicIp>203.0.113.13</publicIp>"
	 "</association></item></privateIpAddressesSet>"
	 "<ipv6AddressesSet><item><ipv6Address>2001:db8::5</ipv6Address>"
	 "</item></ipv6AddressesSet></item></networkInterfaceSet>"
	 "</DescribeNetworkInterfacesResponse>";

static const char template_answer[] =
    DECL "<DescribeLaunchTemplatesResponse" NS REQUEST "<launchTemplates><item>"
	 "<createTime>2017-10-31T11:38:52.000Z</createTime>"
	 "<createdBy>arn:aws:iam::123456789012:root</createdBy>"
	 "<defaultVersionNumber>12</defaultVersionNumber>"
	 "<latestVersionNumber>13</latestVersionNumber>"
	 "<launchTemplateId>lt-0a20c965061f64abc</launchTemplateId>"
	 "<launchTemplateName>game</launchTemplateName>"
	 "</item></launchTemplates></DescribeLaunchTemplatesResponse>";

static const char run_answer[] =
    DECL "<RunInstancesResponse" NS REQUEST
	 "<reservationId>r-08626e73c547023b1</reservationId><groupSet/>"
	 "<instancesSet><item><instanceId>i-1234567890abcdef0</instanceId>"
	 "<instanceState><code>0</code><name>pending</name></instanceState>"
	 "</item></instancesSet></RunInstancesResponse>";

static const char error_answer[] =
    DECL "<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code>"
	 "<Message>There is not enough capacity.</Message></Error></Errors>"
	 "<RequestID>1d0b8b4c</RequestID></Response>";

static int
open_facts(void **state)
{
	*state = facts_new();
	return *state ? 0 : -1;
}

static int
close_facts(void **state)
{
	facts_free(*state);
	return 0;
}

/* Each reader of one answer, behind one signature; the outcome is dropped. */
typedef bool reader_fn(struct facts *facts, const char *body, size_t size,
		       struct err *err);

static bool
machines(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char page[EC2_PAGE_SIZE];

	return ec2_read_machines(facts, body, size, page, err);
}

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
assert_reads(reader_fn *reader, struct facts *facts, const char *body)
{
	struct err err = {0};

	if (!reader(facts, body, strlen(body), &err))
		fail_msg("%s", err.msg);
}

static void
assert_malformed(reader_fn *reader, struct facts *facts, const char *body,
		 const char *because)
{
	struct err err = {0};

	assert_false(reader(facts, body, strlen(body), &err));
	if (!strstr(err.msg, because))
		fail_msg("%s: %s", body, err.msg);
}

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
	static const struct {
		const char *body;
		const char *because;
	} bad[] = {
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

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_malformed(machines, *state, bad[i].body, bad[i].because);
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

static const struct {
	reader_fn *reader;
	const char *body;
} good[] = {
    {machines, machine_answer},  {enis, eni_answer},
    {template, template_answer}, {run, run_answer},
    {error, error_answer},
};

static void
an_answer_cut_at_any_byte_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		/* Without the line's end, which may be missing. */
		const size_t whole =
		    (size_t)(strrchr(good[i].body, '>') - good[i].body);

		for (size_t size = 0; size <= whole; size++) {
			char *copy = malloc(size > 0 ? size : 1);
			struct err err = {0};

			assert_non_null(copy);
			memcpy(copy, good[i].body, size);
			assert_false(good[i].reader(*state, copy, size, &err));
			assert_string_not_equal(err.msg, "");
			free(copy);
		}
		assert_reads(good[i].reader, *state, good[i].body);
	}
}

static void
a_damaged_answer_is_read_or_refused_with_a_reason(void **state)
{
	uint64_t seed = DAMAGE_SEED;
	int refused = 0;

	for (int round = 0; round < DAMAGE_ROUNDS; round++) {
		const size_t i = (size_t)round % COUNT(good);
		const size_t size = strlen(good[i].body);
		char *body = damaged(good[i].body, size, &seed);
		struct err err = {0};

		facts_clear(*state);
		if (!good[i].reader(*state, body, size, &err)) {
			refused++;
			assert_string_not_equal(err.msg, "");
		}
		free(body);
	}
	assert_in_range(refused, DAMAGE_ROUNDS / 10, DAMAGE_ROUNDS - 1);
}

#define FACTS_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, open_facts, close_facts)

UNIT_MAIN(FACTS_TEST(a_machine_is_read_with_its_tags_and_addresses),
	  FACTS_TEST(a_mark_that_no_manager_writes_is_none),
	  FACTS_TEST(machines_of_several_reservations_are_all_read),
	  FACTS_TEST(an_answer_without_machines_is_good),
	  FACTS_TEST(the_order_of_elements_does_not_matter),
	  FACTS_TEST(a_long_reason_is_cut),
	  FACTS_TEST(a_malformed_list_of_machines_is_refused),
	  FACTS_TEST(a_network_interface_is_read_with_its_own_addresses),
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
