/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/endpoint.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	REGION_MAX = 63, /* a label of a host's name */
	VARIABLE_SIZE = 64,
	PORT_MAX_TEXT = 8,
};

/* By the region's prefix; the last is everywhere else. */
static const struct partition {
	const char *prefix;
	const char *suffix;
	const char *dual_stack_suffix;
	bool plain_fips_ec2; /* ec2's own endpoint is the FIPS one */
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false},
    {"us-gov-", "amazonaws.com", "api.aws", true},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", false},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", false},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", false},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", false},
    {"", "amazonaws.com", "api.aws", false},
};

/* Where the variables come from. */
struct source {
	credentials_env_fn *env;
	void *arg;
};

/* The variable's value; NULL: not set or empty. */
static const char *
value_of(const struct source *source, const char *name)
{
	const char *value = source->env(source->arg, name);

	return value && value[0] != '\0' ? value : NULL;
}

static bool
read_switch(const struct source *source, const char *name, bool *on,
	    struct err *err)
{
	const char *value = value_of(source, name);

	*on = value && strcasecmp(value, "true") == 0;
	if (value && !*on && strcasecmp(value, "false") != 0)
		return err_set(err, "%s: \"%s\" must be true or false", name,
			       value);
	return true;
}

/* ---- AWS's own --------------------------------------------------------- */

static bool
is_region(const char *region)
{
	const size_t size = strlen(region);

	return size > 0 && size <= REGION_MAX &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static bool
make_usual(struct endpoint *endpoint, const char *service, const char *region,
	   bool fips, bool dual_stack, struct err *err)
{
	const struct partition *p = partitions;
	const char *mark;

	if (!is_region(region))
		return err_set(err, "\"%.64s\" is no AWS region", region);
	while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
		p++;
	if (p->plain_fips_ec2 && !dual_stack && strcmp(service, "ec2") == 0)
		mark = "";
	else
		mark = fips ? "-fips" : "";
	snprintf(endpoint->host, sizeof(endpoint->host), "%s%s.%s.%s", service,
		 mark, region, dual_stack ? p->dual_stack_suffix : p->suffix);
	snprintf(endpoint->url, sizeof(endpoint->url), "https://%s/",
		 endpoint->host);
	return true;
}

/* ---- one that is configured -------------------------------------------- */

/* Copies a part of the URL. False: it has none. */
static bool
get_part(CURLU *url, CURLUPart part, unsigned int flags, char *to, size_t size)
{
	char *text = NULL;
	bool ok = !curl_url_get(url, part, &text, flags);

	if (ok)
		ok = (size_t)snprintf(to, size, "%s", text) < size;
	curl_free(text);
	return ok;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	const bool has = !curl_url_get(url, part, &text, 0);

	curl_free(text);
	return has;
}

/* Scheme, host and port, and nothing else. */
static bool
is_plain(CURLU *url)
{
	static const CURLUPart others[] = {CURLUPART_USER, CURLUPART_PASSWORD,
					   CURLUPART_OPTIONS, CURLUPART_QUERY,
					   CURLUPART_FRAGMENT};
	char path[2];

	for (size_t i = 0; i < COUNT(others); i++)
		if (has_part(url, others[i]))
			return false;
	return get_part(url, CURLUPART_PATH, 0, path, sizeof(path));
}

static bool
take_parts(struct endpoint *endpoint, CURLU *url)
{
	char scheme[sizeof("https")];
	char host[ENDPOINT_HOST_SIZE - PORT_MAX_TEXT];
	char port[PORT_MAX_TEXT] = "";

	if (!is_plain(url) ||
	    !get_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) ||
	    !get_part(url, CURLUPART_HOST, 0, host, sizeof(host)))
		return false;
	get_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, port,
		 sizeof(port));
	for (char *c = host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	snprintf(endpoint->host, sizeof(endpoint->host), "%s%s%s", host,
		 port[0] != '\0' ? ":" : "", port);
	snprintf(endpoint->url, sizeof(endpoint->url), "%s://%s/", scheme,
		 endpoint->host);
	return true;
}

static bool
make_configured(struct endpoint *endpoint, const char *name, const char *value,
		struct err *err)
{
	CURLU *url = curl_url();
	bool ok;

	if (!url)
		return err_set(err, "out of memory");
	ok = !curl_url_set(url, CURLUPART_URL, value, 0) &&
	     take_parts(endpoint, url);
	curl_url_cleanup(url);
	/* A user and a password may be in it: what went wrong is not quoted. */
	if (!ok && strchr(value, '@'))
		return err_set(err,
			       "%s must be http://HOST[:PORT] or "
			       "https://HOST[:PORT], without a user",
			       name);
	if (!ok)
		return err_set(err,
			       "%s: \"%.200s\" must be http://HOST[:PORT] or "
			       "https://HOST[:PORT]",
			       name, value);
	return true;
}

/* ------------------------------------------------------------------------ */

bool
endpoint_resolve(struct endpoint *endpoint, const char *service,
		 const char *region, credentials_env_fn *env, void *env_arg,
		 struct err *err)
{
	const struct source source = {env, env_arg};
	char name[VARIABLE_SIZE];
	const char *value;
	bool ignore, fips, dual_stack;

	if (!read_switch(&source, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
			 &ignore, err) ||
	    !read_switch(&source, "AWS_USE_FIPS_ENDPOINT", &fips, err) ||
	    !read_switch(&source, "AWS_USE_DUALSTACK_ENDPOINT", &dual_stack,
			 err))
		return false;
	snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
	for (char *c = name; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	value = value_of(&source, name);
	if (!value) {
		snprintf(name, sizeof(name), "AWS_ENDPOINT_URL");
		value = value_of(&source, name);
	}
	if (!value || ignore)
		return make_usual(endpoint, service, region, fips, dual_stack,
				  err);
	if (fips || dual_stack)
		return err_set(err, "%s can't be set together with %s", name,
			       fips ? "AWS_USE_FIPS_ENDPOINT"
				    : "AWS_USE_DUALSTACK_ENDPOINT");
	return make_configured(endpoint, name, value, err);
}
