/* SPDX-License-Identifier: MIT */
/* scalerd's command line. */
#ifndef GSM_SCALERD_OPTIONS_H
#define GSM_SCALERD_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config; /* --config, NULL: the default places */
	bool ensure;        /* --ensure */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_SHOWN, /* --help, --version, --options: printed what was asked,
			  nothing else is to be done */
	OPTIONS_WRONG, /* usage is printed on stderr */
};

enum options_result options_parse(struct options *options, int argc,
				  char **argv);

#endif
