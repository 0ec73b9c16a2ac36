/* SPDX-License-Identifier: MIT */
#include "scalerd/core/model.h"

#include "scalerd/core/names.h"

static const char *const op_kind_names[OP_KIND_COUNT] = {
    [OP_LAUNCH] = "launch",
    [OP_STOP] = "stop",
};

static const char *const op_result_names[OP_RESULT_COUNT] = {
    [OP_PENDING] = "pending",
    [OP_DONE] = "done",
    [OP_REFUSED] = "refused",
    [OP_ABANDONED] = "abandoned",
};

NAMES_DEFINE(op_kind, enum op_kind, op_kind_names, OP_KIND_COUNT)
NAMES_DEFINE(op_result, enum op_result, op_result_names, OP_RESULT_COUNT)
