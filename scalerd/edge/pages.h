/* SPDX-License-Identifier: MIT */
/*
 * Memory that only start-up needs: resolving the names of the forty libraries
 * that come with libcurl, and setting them up, maps 6 MB of their code and
 * constants, most of which is never looked at again.
 */
#ifndef GSM_EDGE_PAGES_H
#define GSM_EDGE_PAGES_H

/* Takes code and constants of this program and its libraries out of its
 * memory. They stay in the page cache; what is still needed is mapped again
 * when it is touched. Frees nothing that others could not have had. */
void pages_give_back(void);

#endif
