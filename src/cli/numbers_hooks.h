/* Verbs of `numbers` about webhooks that are not as approved, and SMS readiness. */
#ifndef RD_CLI_NUMBERS_HOOKS_H
#define RD_CLI_NUMBERS_HOOKS_H

#include "cli/cli.h"
#include "core/mem.h"

extern const struct cli_option numbers_hooks_options[4], numbers_ready_options[4],
	numbers_drift_options[2];
int numbers_run_drift(struct cli *c);
int numbers_run_hooks(struct cli *c);	/* adopt, repair */
int numbers_run_ready(struct cli *c);

#define NUMBERS_HOOKS_VERBS                                                                        \
	{ .name = "drift", .help = "numbers whose webhooks are not the approved ones",             \
	  .kind = CLI_READS, .options = numbers_drift_options,                                     \
	  .n_options = COUNT_OF(numbers_drift_options), .run = numbers_run_drift },                \
	{ .name = "adopt", .args = "[NUMBER]",                                                     \
	  .help = "take the webhooks a number has now as the approved ones",                       \
	  .kind = CLI_CHANGES, .options = numbers_hooks_options,                                   \
	  .n_options = COUNT_OF(numbers_hooks_options), .run = numbers_run_hooks },                \
	{ .name = "repair", .args = "[NUMBER]",                                                    \
	  .help = "put the approved webhooks of a number back", .kind = CLI_CHANGES,               \
	  .options = numbers_hooks_options, .n_options = COUNT_OF(numbers_hooks_options),          \
	  .run = numbers_run_hooks },                                                              \
	{ .name = "sms-ready", .args = "[NUMBER]",                                                 \
	  .help = "say that a pool number may send SMS: a hold on its agent's SMS ends",           \
	  .kind = CLI_CHANGES, .options = numbers_ready_options,                                   \
	  .n_options = COUNT_OF(numbers_ready_options), .run = numbers_run_ready }

#endif
