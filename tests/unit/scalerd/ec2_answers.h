/* SPDX-License-Identifier: MIT */
/* What EC2 answers, as its API Reference shows it, shortened. */
#ifndef GSM_SCALERD_EC2_ANSWERS_H
#define GSM_SCALERD_EC2_ANSWERS_H

#include "scalerd/aws/ec2_answer.h"
#include "tests/unit/scalerd/answer_bench.h"

#define DECL    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS      " xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
#define REQUEST "<requestId>8f7724cf-496f-496e-8fe3-example</requestId>"

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

/* A page of machines, as an answer_bench.h reader. */
static inline bool
machines(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char page[EC2_PAGE_SIZE];

	return ec2_read_machines(facts, body, size, page, err);
}

#endif
