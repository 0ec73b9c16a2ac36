/* SPDX-License-Identifier: MIT */
/*
 * A whole XML document, element by element, through expat. Pure, bounded,
 * without DOCTYPE, and so without entities of its own. An element holds text or
 * elements, never both.
 */
#ifndef GSM_AWS_XML_H
#define GSM_AWS_XML_H

#include <stddef.h>

#include "common/err.h"

enum {
	XML_SIZE_MAX = 8 << 20, /* bytes of a document */
	XML_DEPTH_MAX = 32,
	XML_PATH_SIZE = 1024,
	XML_NAME_SIZE = 128,
	XML_TEXT_SIZE = 16 << 10, /* of an element */
};

/* An element has ended. path: its name after those of all that it is in,
 * "Response/Errors/Error/Code". text: "" if it holds elements. Both are valid
 * during the call. False: err says what is wrong, and the reading ends. */
typedef bool xml_element_fn(void *arg, const char *path, const char *text,
			    struct err *err);

/* False: it is no whole document, or exceeds a bound; err says which. */
NODISCARD bool xml_read(const char *body, size_t size, xml_element_fn *element,
			void *arg, struct err *err);

#endif
