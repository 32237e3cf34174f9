/*
 * Help and the manual, both from the tables of subcommands and options, so that
 * neither can drift from what the program does. `ringdown help --man` prints roff;
 * `make install` puts it where man finds it.
 */
#include "cli/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "cli/version.h"
#include "core/mem.h"
#include "ui/bindings.h"

static const struct cli_option *const kind_options[][2] = {
	[CLI_READS] = { &cli_json_option, &cli_csv_option },
	[CLI_STREAMS] = { &cli_json_option, &cli_jsonl_option },
	[CLI_CHANGES] = { &cli_json_option, NULL },
	[CLI_SERVES] = { NULL, NULL },
};

static void add_synopsis(struct str *out, const struct subcommand *cmd, const char *path)
{
	str_add(out, path);
	if (cmd->n_verbs) {
		str_add(out, cmd->run ? " [" : " ");
		for (size_t i = 0; i < cmd->n_verbs; i++)
			str_addf(out, "%s%s", i ? "|" : "", cmd->verbs[i].name);
		str_add(out, cmd->run ? "]" : "");
	}
	if (!str_empty(cmd->args))
		str_addf(out, " %s", cmd->args);
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct cli_option *o = &cmd->options[i];
		str_addf(out, o->required ? " --%s" : " [--%s", o->name);
		if (o->arg)
			str_addf(out, " %s", o->arg);
		str_addf(out, "%s%s", o->required ? "" : "]", o->repeated ? "..." : "");
	}
}

static void add_option(struct str *out, const struct cli_option *o)
{
	char head[80];

	snprintf(head, sizeof(head), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	str_addf(out, "  %-22s %s%s%s%s\n", head, o->help ? o->help : "", o->choices ? " (" : "",
		 o->choices ? o->choices : "", o->choices ? ")" : "");
}

void cli_usage(struct cli *c, const struct subcommand *cmd, const char *path, struct str *out)
{
	const char *name, *what;

	(void)c;
	str_add(out, "usage: ringdown ");
	add_synopsis(out, cmd, path);
	str_addf(out, "\n\n%s\n", cmd->help);
	if (cmd->detail)
		str_addf(out, "\n%s\n", cmd->detail);
	if (cmd->n_verbs)
		str_add(out, "\n");
	for (size_t i = 0; i < cmd->n_verbs; i++)
		str_addf(out, "  %-22s %s\n", cmd->verbs[i].name, cmd->verbs[i].help);
	str_add(out, "\noptions:\n");
	for (size_t i = 0; i < cmd->n_options; i++)
		add_option(out, &cmd->options[i]);
	for (size_t i = 0; i < 2; i++)
		if (kind_options[cmd->kind][i])
			add_option(out, kind_options[cmd->kind][i]);
	add_option(out, &cli_help_option);
	if (cmd->list)
		str_addf(out, "\n%s:\n", cmd->list_title);
	for (size_t i = 0; cmd->list && (name = cmd->list(i, &what)) != NULL; i++)
		str_addf(out, "  %-22s %s\n", name, what);
	str_add(out, "'ringdown help' lists the options that every command takes.\n");
}

void cli_overview(struct str *out)
{
	str_add(out, "usage: ringdown [OPTIONS] [COMMAND ...]\n\n"
		     "Failover engine and incident console for voice and SMS services.\n"
		     "Without a command the console opens.\n\ncommands:\n");
	for (size_t i = 0; cli_subcommands[i]; i++)
		if (!cli_subcommands[i]->hidden)
			str_addf(out, "  %-22s %s\n", cli_subcommands[i]->name,
				 cli_subcommands[i]->help);
	str_add(out, "\noptions that every command takes:\n");
	for (const struct cli_option *o = cli_global_options; o->name; o++)
		add_option(out, o);
	add_option(out, &cli_help_option);
	str_add(out, "\nexit status: 0 done or true; 1 refused, failed check or no; 2 usage or "
		     "configuration;\n3 cannot reach what is needed; 4 not permitted\n");
}

/* ---- manual -------------------------------------------------------------------- */

/* roff text: '-' must stay a minus, '\' and leading '.' or ''' must not be requests. */
static void add_roff(struct str *out, const char *s)
{
	bool at_start = true;

	for (; s && *s; s++) {
		if (*s == '\\')
			str_add(out, "\\e");
		else if (*s == '-')
			str_add(out, "\\-");
		else if (*s == '|') /* lists of words may be broken here */
			str_add(out, "|\\:");
		else if (at_start && (*s == '.' || *s == '\''))
			str_addf(out, "\\&%c", *s);
		else
			str_addc(out, *s);
		at_start = *s == '\n';
	}
}

static void add_term(struct str *out, const char *term, const char *text)
{
	str_add(out, ".TP\n.B ");
	add_roff(out, term);
	str_add(out, "\n");
	add_roff(out, text);
	str_add(out, "\n");
}

static void man_option(struct str *out, const struct cli_option *o)
{
	_cleanup_(free_p) char *term =
		xasprintf("--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	_cleanup_(free_p) char *text =
		xasprintf("%s%s%s%s", o->help ? o->help : "", o->choices ? ": " : "",
			  o->choices ? o->choices : "", o->required ? " (required)" : "");

	add_term(out, term, text);
}

static void man_command(struct str *out, const struct subcommand *cmd, const char *path)
{
	struct str line = STR_INIT(4000);
	const char *name, *what;

	add_synopsis(&line, cmd, path);
	str_add(out, ".SS \"");
	add_roff(out, path);
	/* a list of verbs has no spaces to stretch */
	str_add(out, "\"\n.na\n.B ringdown ");
	add_roff(out, str_get(&line));
	str_add(out, "\n.ad\n.PP\n");
	add_roff(out, cmd->help);
	str_add(out, "\n");
	if (cmd->detail) {
		str_add(out, ".PP\n");
		add_roff(out, cmd->detail);
		str_add(out, "\n");
	}
	for (size_t i = 0; i < cmd->n_options; i++)
		man_option(out, &cmd->options[i]);
	for (size_t i = 0; cmd->list && (name = cmd->list(i, &what)) != NULL; i++) {
		str_add(out, ".TP\n.B ");
		add_roff(out, name);
		str_add(out, "\n");
		add_roff(out, what);
		str_add(out, "\n");
	}
	for (size_t i = 0; i < cmd->n_verbs; i++) {
		_cleanup_(free_p) char *sub = xasprintf("%s %s", path, cmd->verbs[i].name);
		man_command(out, &cmd->verbs[i], sub);
	}
	str_fini(&line);
}

static void man_configuration(struct str *out)
{
	str_add(out, ".SH CONFIGURATION\nA YAML file. Each key below may also stand in a set"
		     " under\n.BR environments ,\nbeside\n.B label\nand\n.BR production ,\n"
		     "and is then used when\n.B \\-\\-env\nchooses the set.\n");
	for (size_t t = 0; t < option_table_count; t++) {
		for (size_t i = 0; i < option_tables[t]->n; i++) {
			const struct option_row *r = &option_tables[t]->rows[i];
			if (r->flags & OPT_HIDDEN)
				continue;
			_cleanup_(free_p) char *text = xasprintf(
				"%s%s%s%s%s; %s", opt_type_name(r->type),
				r->def ? ", default " : "",
				r->def ? r->def : "", r->env ? ", environment " : "",
				r->env ? r->env : "", r->help ? r->help : "");
			add_term(out, r->name, text);
		}
	}
}

void cli_manual(struct str *out)
{
	str_add(out, ".TH RINGDOWN 1 \"\" \"ringdown " RINGDOWN_VERSION "\" \"User Commands\"\n"
		     ".SH NAME\nringdown \\- failover engine and incident console for voice and"
		     " SMS services\n.SH SYNOPSIS\n.B ringdown\n[\\fIOPTIONS\\fR] [\\fICOMMAND\\fR"
		     " ...]\n.SH DESCRIPTION\nWithout a command the console opens.\n.B ringdown"
		     " engine\nis the service behind it; the other commands do the same things"
		     " without a screen.\n.SH OPTIONS\n");
	for (const struct cli_option *o = cli_global_options; o->name; o++)
		man_option(out, o);
	man_option(out, &cli_help_option);
	str_add(out, ".SH COMMANDS\nReading commands also take\n.B \\-\\-json\nand\n.BR \\-\\-csv"
		     " ;\nthose that stream take\n.BR \\-\\-jsonl .\n");
	for (size_t i = 0; cli_subcommands[i]; i++)
		if (!cli_subcommands[i]->hidden)
			man_command(out, cli_subcommands[i], cli_subcommands[i]->name);
	str_add(out, ".SH KEYS\nIn the console. Lower-case keys never change the outside world;"
		     " upper-case ones open a dialog.\n");
	bindings_manual(out);
	man_configuration(out);
	str_add(out, ".SH EXIT STATUS\n.TP\n.B 0\ndone, or true\n.TP\n.B 1\n"
		     "refused, failed check, or no\n.TP\n.B 2\nusage or configuration\n.TP\n.B 3\n"
		     "cannot reach what is needed\n.TP\n.B 4\nnot permitted\n.SH FILES\n"
		     ".I ./ringdown.yaml\n.br\n.I $XDG_CONFIG_HOME/ringdown/ringdown.yaml\n.br\n"
		     ".I /etc/ringdown/ringdown.yaml\n");
}

/* ---- the subcommand --------------------------------------------------------------- */

static int unknown(struct cli *c, const struct subcommand *cmd, const char *word)
{
	const char *names[128], *near;
	size_t n = 0;

	for (size_t i = 0; !cmd && cli_subcommands[i] && n < COUNT_OF(names); i++)
		names[n++] = cli_subcommands[i]->name;
	for (size_t i = 0; cmd && i < cmd->n_verbs && n < COUNT_OF(names); i++)
		names[n++] = cmd->verbs[i].name;
	near = str_nearest(word, names, n);
	return cli_fail(c, EXIT_USAGE, "no command '%.60s'%s%s%s", word,
			near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int run(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	const struct subcommand *cmd = NULL;
	struct str path = STR_INIT(1000);
	int status = EXIT_DONE;

	for (int i = 0; i < cli_argc(c) && !status; i++) {
		const struct subcommand *next = NULL;
		for (size_t k = 0; !cmd && cli_subcommands[k]; k++)
			if (str_eq(cli_subcommands[k]->name, cli_arg(c, i)))
				next = cli_subcommands[k];
		for (size_t k = 0; cmd && k < cmd->n_verbs; k++)
			if (str_eq(cmd->verbs[k].name, cli_arg(c, i)))
				next = &cmd->verbs[k];
		if (!next)
			status = unknown(c, cmd, cli_arg(c, i));
		cmd = next;
		str_addf(&path, "%s%s", i ? " " : "", cli_arg(c, i));
	}
	if (status)
		;
	else if (str_eq(cli_opt(c, "completion"), "bash"))
		cli_complete_bash(&out);
	else if (cli_opt(c, "completion"))
		cli_complete_zsh(&out);
	else if (cli_flag(c, "man"))
		cli_manual(&out);
	else if (cmd)
		cli_usage(c, cmd, str_get(&path), &out);
	else
		cli_overview(&out);
	cli_write(c, str_get(&out));
	str_fini(&out);
	str_fini(&path);
	return status;
}

static const struct cli_option options[] = {
	{ .name = "man", .help = "print the whole manual as roff" },
	{ .name = "completion", .arg = "SHELL", .choices = "bash|zsh",
	  .help = "print what a shell needs to complete commands and options" },
};

const struct subcommand cmd_help = {
	.name = "help",
	.args = "[COMMAND...]",
	.help = "what the commands do",
	.kind = CLI_SERVES,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
