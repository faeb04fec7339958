/* SPDX-License-Identifier: MIT */
/*
 * The reader of xl.cfg's syntax: `key = value` lines, values being strings in ' or ", numbers, or lists of
 * those. Every mistake is reported as FILE:LINE:COLUMN: what is wrong. Pure code.
 */
#ifndef TOOLSTACK_CONFIG_PARSE_H
#define TOOLSTACK_CONFIG_PARSE_H

#include "../lib/config.h"

/* Start from the defaults: one vCPU, xl's actions, no memory given yet. */
void config_init(struct tn_config *config);

/* Apply a configuration text on top of what `config` has. `file` stands in failure lines. Returns 0 or -1. */
int config_parse(struct tn_config *config, const char *text, size_t length, const char *file,
                 struct tn_error *err);

/* Apply one `key=value` from a command line, where a string needs no quotes. */
int config_assign(struct tn_config *config, const char *argument, struct tn_error *err);

/* Check the whole and fill in what follows from other keys. `file` stands in failure lines. */
int config_finish(struct tn_config *config, const char *file, struct tn_error *err);

#endif
