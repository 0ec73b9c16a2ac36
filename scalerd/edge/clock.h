/* SPDX-License-Identifier: MIT */
/* The machine's clocks and its random numbers, as the scaler's clock port. */
#ifndef GSM_EDGE_CLOCK_H
#define GSM_EDGE_CLOCK_H

#include "scalerd/scaler/ports.h"

struct clock_port clock_system(void);

#endif
