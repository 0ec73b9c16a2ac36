/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/descriptors.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

int64_t
descriptors_needed(int64_t gameservers)
{
	return DESCRIPTORS_OWN + gameservers + gameservers / 3;
}

bool
descriptors_raise(int64_t gameservers, struct err *err)
{
	const int64_t needed = descriptors_needed(gameservers);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return err_set(err, "getrlimit: %s", strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return err_set(err, "setrlimit: %s", strerror(errno));
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= (rlim_t)needed)
		return true;
	return err_set(err,
		       "MAX_SERVERS=%" PRId64 " needs %" PRId64
		       " open files, the hard limit is %" PRIuMAX
		       ": raise LimitNOFILE (ulimit -Hn)",
		       gameservers, needed, (uintmax_t)limit.rlim_max);
}
