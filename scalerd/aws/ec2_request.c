/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ec2_request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/form.h"
#include "scalerd/aws/marks.h"

#define VERSION  "2016-11-15"
#define PAGE_MAX "500"

enum { SERVER_NAME_SIZE = 300 };

static void
add_filter(struct form *form, int nth, const char *name,
	   const char *const *value, size_t n)
{
	assert(n > 0 && n <= EC2_FILTER_MAX);
	form_add(form, name, "Filter.%d.Name", nth);
	for (size_t i = 0; i < n; i++)
		form_add(form, value[i], "Filter.%d.Value.%zu", nth, i + 1);
}

static char *
close_page(struct form *form, const char *page)
{
	form_add(form, PAGE_MAX, "MaxResults");
	if (page)
		form_add(form, page, "NextToken");
	return form_close(form);
}

static char *
describe(const char *action, const char *filter, const char *const *value,
	 size_t n, const char *page)
{
	struct form form;

	form_open(&form, action, VERSION);
	add_filter(&form, 1, filter, value, n);
	return close_page(&form, page);
}

char *
ec2_describe_machines(const char *const *id, size_t n, const char *page)
{
	return describe("DescribeInstances", "instance-id", id, n, page);
}

char *
ec2_describe_fleet(const char *fleet, const char *page)
{
	static const char *const states[] = {
	    "pending", "running", "shutting-down", "stopping", "stopped"};
	struct form form;

	form_open(&form, "DescribeInstances", VERSION);
	add_filter(&form, 1, "tag:" MARKS_FLEET_TAG, &fleet, 1);
	add_filter(&form, 2, "instance-state-name", states,
		   sizeof(states) / sizeof(states[0]));
	return close_page(&form, page);
}

char *
ec2_describe_marked(const char *const *mark, size_t n, const char *page)
{
	return describe("DescribeInstances", "tag:" MARKS_OPERATION_TAG, mark,
			n, page);
}

char *
ec2_describe_enis(const char *const *id, size_t n, const char *page)
{
	return describe("DescribeNetworkInterfaces", "network-interface-id", id,
			n, page);
}

char *
ec2_describe_template(const char *name)
{
	const bool is_id = strncmp(name, "lt-", 3) == 0;
	struct form form;

	form_open(&form, "DescribeLaunchTemplates", VERSION);
	form_add(&form, name, "LaunchTemplate%s.1", is_id ? "Id" : "Name");
	return form_close(&form);
}

static void
add_tag(struct form *form, int resource, int nth, const char *key,
	const char *value)
{
	form_add(form, key, "TagSpecification.%d.Tag.%d.Key", resource, nth);
	form_add(form, value, "TagSpecification.%d.Tag.%d.Value", resource,
		 nth);
}

char *
ec2_run_instances(const struct ec2_run_instances *run)
{
	static const char *const resource[] = {"instance", "volume"};
	char name[SERVER_NAME_SIZE];
	struct form form;

	snprintf(name, sizeof(name), "gameserver-%s", run->fleet);
	form_open(&form, "RunInstances", VERSION);
	form_add(&form, run->template, "LaunchTemplate.LaunchTemplateId");
	form_add(&form, run->version, "LaunchTemplate.Version");
	form_add(&form, "1", "MinCount");
	form_add(&form, "1", "MaxCount");
	form_add(&form, run->operation, "ClientToken");
	for (int i = 1; i <= 2; i++) {
		form_add(&form, resource[i - 1],
			 "TagSpecification.%d.ResourceType", i);
		add_tag(&form, i, 1, MARKS_FLEET_TAG, run->fleet);
		add_tag(&form, i, 2, MARKS_OPERATION_TAG, run->operation);
	}
	add_tag(&form, 1, 3, "Name", name);
	return form_close(&form);
}

char *
ec2_terminate(const char *id)
{
	struct form form;

	form_open(&form, "TerminateInstances", VERSION);
	form_add(&form, id, "InstanceId.1");
	return form_close(&form);
}
