/* SPDX-License-Identifier: MIT */
#include "scalerd/options.h"

#include <getopt.h>
#include <stdio.h>

#include "common/config.h"
#include "common/version.h"

static const char usage[] = "usage: scalerd [--config FILE] [--ensure]\n"
			    "       scalerd --options | --version | --help\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"ensure", no_argument, NULL, 'e'},
    {"options", no_argument, NULL, 'o'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum options_result
options_parse(struct options *options, int argc, char **argv)
{
	int c;

	*options = (struct options){0};
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'e':
			options->ensure = true;
			break;
		case 'o':
			config_print_options(stdout);
			return OPTIONS_SHOWN;
		case 'v':
			puts("scalerd " GSM_VERSION);
			return OPTIONS_SHOWN;
		case 'h':
			fputs(usage, stdout);
			return OPTIONS_SHOWN;
		default:
			fputs(usage, stderr);
			return OPTIONS_WRONG;
		}
	}
	if (optind == argc)
		return OPTIONS_RUN;
	fprintf(stderr, "scalerd: unexpected argument\n%s", usage);
	return OPTIONS_WRONG;
}
