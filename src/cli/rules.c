/* `ringdown rules`: the decision table as the engine walks it. Needs neither engine nor
 * database. */
#include "failover/rules.h"

#include "cli/cli.h"
#include "core/mem.h"

static int run(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	enum rules_format f = RULES_TEXT;

	switch (cli_format(c)) {
	case FORMAT_JSON:
	case FORMAT_JSONL: f = RULES_JSON; break;
	case FORMAT_CSV: f = RULES_CSV; break;
	case FORMAT_TEXT: f = cli_flag(c, "mermaid") ? RULES_MERMAID : RULES_TEXT; break;
	}
	rules_print(&out, f);
	if (out.len && out.s[out.len - 1] != '\n')
		str_addc(&out, '\n');
	cli_write(c, str_get(&out));
	str_fini(&out);
	return EXIT_DONE;
}

static const struct cli_option options[] = {
	{ .name = "mermaid", .help = "a state diagram in Mermaid's language" },
};

const struct subcommand cmd_rules = {
	.name = "rules",
	.help = "print the table of decisions",
	.detail = "For a state the first row whose conditions hold decides; its number is stored"
		  " with\nthe event. What people order and the executor does follows below.",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
