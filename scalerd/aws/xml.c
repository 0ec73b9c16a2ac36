/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/xml.h"

#include <expat.h>
#include <string.h>

struct reading {
	XML_Parser parser;
	xml_element_fn *element;
	void *arg;
	struct err *err;
	bool failed; /* err says why */
	/* The elements that are open. */
	size_t depth;
	bool parent[XML_DEPTH_MAX];  /* it holds elements */
	size_t above[XML_DEPTH_MAX]; /* length of the path without it */
	size_t path_len;
	char path[XML_PATH_SIZE];
	/* Of the innermost. */
	size_t text_len;
	char text[XML_TEXT_SIZE];
};

static void
fail(struct reading *r)
{
	r->failed = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]))
			return false;
	return true;
}

static bool
push(struct reading *r, const char *name)
{
	const size_t len = strlen(name);
	const size_t slash = r->depth > 0;

	if (r->depth == XML_DEPTH_MAX)
		return err_set(r->err, "XML is nested deeper than %d",
			       XML_DEPTH_MAX);
	if (len >= XML_NAME_SIZE ||
	    len + slash >= sizeof(r->path) - r->path_len)
		return err_set(r->err, "the name of an XML element is too "
				       "long");
	if (!is_blank(r->text, r->text_len))
		return err_set(r->err, "%s holds text and elements", r->path);
	if (slash) {
		r->parent[r->depth - 1] = true;
		r->path[r->path_len] = '/';
	}
	r->above[r->depth] = r->path_len;
	r->parent[r->depth++] = false;
	memcpy(r->path + r->path_len + slash, name, len + 1);
	r->path_len += slash + len;
	r->text_len = 0;
	return true;
}

static void
begin_element(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;

	(void)attributes;
	if (!r->failed && !push(r, name))
		fail(r);
}

static void
end_element(void *arg, const char *name)
{
	struct reading *r = arg;

	(void)name;
	if (r->failed)
		return;
	r->text[r->text_len] = '\0';
	if (!r->element(r->arg, r->path, r->text, r->err)) {
		fail(r);
		return;
	}
	r->path_len = r->above[--r->depth];
	r->path[r->path_len] = '\0';
	r->text_len = 0;
}

static bool
add_text(struct reading *r, const char *text, size_t len)
{
	if (r->parent[r->depth - 1]) {
		if (is_blank(text, len))
			return true;
		return err_set(r->err, "%s holds text and elements", r->path);
	}
	if (len >= sizeof(r->text) - r->text_len)
		return err_set(r->err, "the text of %s is too long", r->path);
	memcpy(r->text + r->text_len, text, len);
	r->text_len += len;
	return true;
}

static void
read_text(void *arg, const char *text, int len)
{
	struct reading *r = arg;

	if (!r->failed && !add_text(r, text, (size_t)len))
		fail(r);
}

static void
refuse_doctype(void *arg, const char *name, const char *system_id,
	       const char *public_id, int has_internal_subset)
{
	struct reading *r = arg;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	err_set(r->err, "XML with a DOCTYPE is not accepted");
	fail(r);
}

static bool
parse(struct reading *r, const char *body, size_t size)
{
	const XML_Parser parser = r->parser;

	XML_SetUserData(parser, r);
	XML_SetElementHandler(parser, begin_element, end_element);
	XML_SetCharacterDataHandler(parser, read_text);
	XML_SetStartDoctypeDeclHandler(parser, refuse_doctype);
	if (XML_Parse(parser, body, (int)size, XML_TRUE) == XML_STATUS_OK)
		return true;
	if (r->failed)
		return false;
	return err_set(r->err, "the answer is no XML: %s at byte %ld",
		       XML_ErrorString(XML_GetErrorCode(parser)),
		       (long)XML_GetCurrentByteIndex(parser));
}

bool
xml_read(const char *body, size_t size, xml_element_fn *element, void *arg,
	 struct err *err)
{
	struct reading r = {.element = element, .arg = arg, .err = err};
	bool ok;

	if (size > XML_SIZE_MAX)
		return err_set(err, "XML of more than %d bytes", XML_SIZE_MAX);
	/* Whatever the document says: everything else here is UTF-8. */
	r.parser = XML_ParserCreate("UTF-8");
	if (!r.parser)
		return err_set(err, "can't read XML: out of memory");
	ok = parse(&r, body, size);
	XML_ParserFree(r.parser);
	return ok;
}
