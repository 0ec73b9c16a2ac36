/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ec2_answer.h"

#include <string.h>

#include "scalerd/aws/marks.h"
#include "scalerd/aws/xml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { TAG_SIZE = 1025 }; /* a value: 256 characters of at most 4 bytes */

/* One thing in a list of an answer, and the tag of it that is read. */
struct item {
	union {
		struct facts_machine machine;
		struct facts_eni eni;
		struct ec2_template template;
		struct {
			char code[EC2_CODE_SIZE];
			char message[EC2_MESSAGE_SIZE];
		} error;
	};
	char key[TAG_SIZE];
	char value[TAG_SIZE];
};

enum how {
	ONCE,  /* there at most once, never cut */
	FIRST, /* of several the first that is not empty */
	CUT,   /* there at most once, cut if it is too long */
};

/* An element, by its path below the item, and where its text goes. */
struct field {
	const char *path;
	size_t at;
	size_t size;
	enum how how;
};

#define FIELD(path, field, how)                                                \
	{                                                                      \
		path, offsetof(struct item, field),                            \
		    sizeof(((struct item *)0)->field), how                     \
	}

struct reading;

/* An answer that lists things: paths of the list, which must be there, of an
 * item, and of the next page's token (NULL: there are no pages). */
struct shape {
	const char *list;
	const char *item;
	const char *page;
	const struct field *fields;
	size_t nfield;
	bool (*keep)(struct reading *r, struct err *err);
};

struct reading {
	const struct shape *shape;
	bool listed;
	size_t nitem;
	struct item item;
	struct facts *facts; /* where it goes to: this, or `one` */
	void *one;
	char *page;
};

#define TAG "tagSet/item"

static const struct field machine_fields[] = {
    FIELD("instanceId", machine.id, ONCE),
    FIELD("instanceState/name", machine.state, ONCE),
    FIELD("stateReason/message", machine.reason, CUT),
    FIELD("ipAddress", machine.public_ip, ONCE),
    FIELD("privateIpAddress", machine.private_ip, ONCE),
    FIELD("ipv6Address", machine.ipv6, FIRST),
    FIELD("networkInterfaceSet/item/ipv6AddressesSet/item/ipv6Address",
	  machine.ipv6, FIRST),
    FIELD(TAG "/key", key, CUT),
    FIELD(TAG "/value", value, CUT),
};

static const struct field eni_fields[] = {
    FIELD("networkInterfaceId", eni.id, ONCE),
    FIELD("association/publicIp", eni.public_ip, ONCE),
    FIELD("privateIpAddress", eni.private_ip, ONCE),
    FIELD("ipv6Address", eni.ipv6, FIRST),
    FIELD("ipv6AddressesSet/item/ipv6Address", eni.ipv6, FIRST),
};

static const struct field template_fields[] = {
    FIELD("launchTemplateId", template.id, ONCE),
    FIELD("defaultVersionNumber", template.version, ONCE),
};

static const struct field run_fields[] = {
    FIELD("instanceId", machine.id, ONCE),
};

static const struct field error_fields[] = {
    FIELD("Code", error.code, ONCE),
    FIELD("Message", error.message, CUT),
};

static bool
put(char *to, size_t size, enum how how, const char *path, const char *text,
    struct err *err)
{
	size_t len = strlen(text);

	if (to[0] != '\0')
		return how == FIRST || err_set(err, "%s is there twice", path);
	if (len >= size && how != CUT)
		return err_set(err, "%s is longer than %zu bytes", path,
			       size - 1);
	if (len >= size)
		len = size - 1;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static void
take_tag(struct item *item)
{
	marks_take(item->key, item->value, item->machine.fleet,
		   item->machine.mark);
	item->key[0] = '\0';
	item->value[0] = '\0';
}

/* `below`: the path without the item's. */
static bool
take_field(struct reading *r, const char *below, const char *path,
	   const char *text, struct err *err)
{
	const struct shape *shape = r->shape;

	for (size_t i = 0; i < shape->nfield; i++) {
		const struct field *f = &shape->fields[i];

		if (strcmp(f->path, below) == 0)
			return put((char *)&r->item + f->at, f->size, f->how,
				   path, text, err);
	}
	if (strcmp(below, TAG) == 0)
		take_tag(&r->item);
	return true;
}

static bool
take_item(struct reading *r, struct err *err)
{
	const bool ok = r->shape->keep(r, err);

	r->nitem++;
	r->item = (struct item){0};
	return ok;
}

static bool
take_element(void *arg, const char *path, const char *text, struct err *err)
{
	struct reading *r = arg;
	const struct shape *shape = r->shape;
	const size_t len = strlen(shape->item);

	if (strncmp(path, shape->item, len) == 0) {
		if (path[len] == '\0')
			return take_item(r, err);
		if (path[len] == '/')
			return take_field(r, path + len + 1, path, text, err);
	}
	if (strcmp(path, shape->list) == 0)
		r->listed = true;
	if (shape->page && strcmp(path, shape->page) == 0)
		return put(r->page, EC2_PAGE_SIZE, ONCE, path, text, err);
	return true;
}

static bool
read_answer(struct reading *r, const char *body, size_t size, struct err *err)
{
	if (r->page)
		r->page[0] = '\0';
	if (!xml_read(body, size, take_element, r, err))
		return false;
	return r->listed || err_set(err, "%s is missing", r->shape->list);
}

static bool
keep_machine(struct reading *r, struct err *err)
{
	struct facts_machine *seen = &r->item.machine;
	struct facts_machine *machine;

	if (seen->id[0] == '\0' || seen->state[0] == '\0')
		return err_set(err, "%s has no instanceId or no instanceState",
			       r->shape->item);
	machine = facts_machine(r->facts, seen->id);
	if (!machine)
		return err_set(err, "no room for machine %s", seen->id);
	seen->known = FACTS_SEEN;
	seen->hosts_asked = machine->hosts_asked;
	*machine = *seen;
	return true;
}

bool
ec2_read_machines(struct facts *facts, const char *body, size_t size,
		  char page[EC2_PAGE_SIZE], struct err *err)
{
	static const struct shape shape = {
	    .list = "DescribeInstancesResponse/reservationSet",
	    .item = "DescribeInstancesResponse/reservationSet/item/"
		    "instancesSet/item",
	    .page = "DescribeInstancesResponse/nextToken",
	    .fields = machine_fields,
	    .nfield = COUNT(machine_fields),
	    .keep = keep_machine,
	};
	struct reading r = {.shape = &shape, .facts = facts, .page = page};

	return read_answer(&r, body, size, err);
}

static bool
keep_eni(struct reading *r, struct err *err)
{
	struct facts_eni *seen = &r->item.eni;
	struct facts_eni *eni;

	if (seen->id[0] == '\0')
		return err_set(err, "%s has no networkInterfaceId",
			       r->shape->item);
	eni = facts_eni(r->facts, seen->id);
	if (!eni)
		return err_set(err, "no room for network interface %s",
			       seen->id);
	seen->known = FACTS_SEEN;
	*eni = *seen;
	return true;
}

bool
ec2_read_enis(struct facts *facts, const char *body, size_t size,
	      char page[EC2_PAGE_SIZE], struct err *err)
{
	static const struct shape shape = {
	    .list = "DescribeNetworkInterfacesResponse/networkInterfaceSet",
	    .item =
		"DescribeNetworkInterfacesResponse/networkInterfaceSet/item",
	    .page = "DescribeNetworkInterfacesResponse/nextToken",
	    .fields = eni_fields,
	    .nfield = COUNT(eni_fields),
	    .keep = keep_eni,
	};
	struct reading r = {.shape = &shape, .facts = facts, .page = page};

	return read_answer(&r, body, size, err);
}

static bool
keep_template(struct reading *r, struct err *err)
{
	const struct ec2_template *seen = &r->item.template;

	if (seen->id[0] == '\0' || seen->version[0] == '\0' ||
	    seen->version[strspn(seen->version, "0123456789")] != '\0')
		return err_set(err,
			       "%s has no launchTemplateId or no number "
			       "as defaultVersionNumber",
			       r->shape->item);
	*(struct ec2_template *)r->one = *seen;
	return true;
}

/* An answer about one thing, or about `least` 0. */
static bool
read_one(const struct shape *shape, void *one, size_t least, const char *body,
	 size_t size, struct err *err)
{
	struct reading r = {.shape = shape, .one = one};

	if (!read_answer(&r, body, size, err))
		return false;
	return (r.nitem >= least && r.nitem <= 1) ||
	       err_set(err, "%s: there are %zu, not 1", shape->item, r.nitem);
}

bool
ec2_read_template(struct ec2_template *template, const char *body, size_t size,
		  struct err *err)
{
	static const struct shape shape = {
	    .list = "DescribeLaunchTemplatesResponse/launchTemplates",
	    .item = "DescribeLaunchTemplatesResponse/launchTemplates/item",
	    .fields = template_fields,
	    .nfield = COUNT(template_fields),
	    .keep = keep_template,
	};

	*template = (struct ec2_template){0};
	return read_one(&shape, template, 0, body, size, err);
}

static bool
keep_run(struct reading *r, struct err *err)
{
	const struct facts_machine *seen = &r->item.machine;

	if (seen->id[0] == '\0')
		return err_set(err, "%s has no instanceId", r->shape->item);
	memcpy(r->one, seen->id, sizeof(seen->id));
	return true;
}

bool
ec2_read_run(char id[FACTS_ID_SIZE], const char *body, size_t size,
	     struct err *err)
{
	static const struct shape shape = {
	    .list = "RunInstancesResponse/instancesSet",
	    .item = "RunInstancesResponse/instancesSet/item",
	    .fields = run_fields,
	    .nfield = COUNT(run_fields),
	    .keep = keep_run,
	};

	return read_one(&shape, id, 1, body, size, err);
}

/* Only the first: the others tell no more. */
static bool
keep_error(struct reading *r, struct err *err)
{
	struct item *first = r->one;

	(void)err;
	if (r->nitem == 0)
		first->error = r->item.error;
	return true;
}

bool
ec2_read_error(char code[EC2_CODE_SIZE], char message[EC2_MESSAGE_SIZE],
	       const char *body, size_t size)
{
	static const struct shape shapes[] = {
	    {"Response/Errors", "Response/Errors/Error", NULL, error_fields,
	     COUNT(error_fields), keep_error},
	    {"ErrorResponse", "ErrorResponse/Error", NULL, error_fields,
	     COUNT(error_fields), keep_error},
	};
	struct item first;
	struct err err;

	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct reading r = {.shape = &shapes[i], .one = &first};

		first = (struct item){0};
		if (!read_answer(&r, body, size, &err) ||
		    first.error.code[0] == '\0')
			continue;
		memcpy(code, first.error.code, EC2_CODE_SIZE);
		memcpy(message, first.error.message, EC2_MESSAGE_SIZE);
		return true;
	}
	return false;
}
