/*
 * Arguments to struct cli: options anywhere, then words; the first word chooses the
 * subcommand, the next one its verb where it has any (`timeline import ID`, or behind an
 * argument of its own: `timeline ID import`). Unknown names are answered
 * with the nearest known one. Values are not interpreted here beyond choices.
 */
#include "cli/frame.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

const struct cli_option cli_global_options[] = {
	{ .name = "config", .arg = "F", .help = "configuration file" },
	{ .name = "env", .arg = "NAME", .help = "environment of the configuration file" },
	{ .name = "api", .arg = "URL[,URL...]", .help = "engines to talk to" },
	{ .name = "db", .arg = "URL", .help = "PostgreSQL of the engine (postgresql://...)" },
	{ .name = "view", .arg = "NAME", .help = "view that the console opens with" },
	{ .name = "read-only", .help = "refuse everything that changes something" },
	{ .name = "theme", .arg = "T", .help = "colours: dark light high-contrast mono"
					       " colorblind" },
	{ .name = "ascii", .help = "draw with ASCII only" },
	{ .name = "utc", .help = "times in UTC (the default)" },
	{ .name = "local", .help = "times in the local zone, marked as such" },
	{ .name = "version", .help = "print the version" },
	{ .name = NULL },
};
const struct cli_option cli_help_option = { .name = "help", .help = "what this command does" };
const struct cli_option cli_json_option = { .name = "json", .help = "one JSON document" };
const struct cli_option cli_jsonl_option = { .name = "jsonl", .help = "one JSON document a line" };
const struct cli_option cli_csv_option = { .name = "csv", .help = "comma separated values" };

const struct cli_option *cli_standard_option(enum cli_kind kind, size_t i)
{
	static const struct cli_option *const standard[][3] = {
		[CLI_READS] = { &cli_json_option, &cli_csv_option, NULL },
		[CLI_STREAMS] = { &cli_json_option, &cli_jsonl_option, NULL },
		[CLI_CHANGES] = { &cli_json_option, NULL, NULL },
		[CLI_SERVES] = { NULL, NULL, NULL },
	};

	return i < 3 ? standard[kind][i] : NULL;
}

static bool is_named(const struct cli_option *o, const char *name, size_t n)
{
	return strlen(o->name) == n && !memcmp(o->name, name, n);
}

const struct cli_option *cli_find_option(const struct subcommand *cmd, const char *name, size_t n)
{
	const struct cli_option *o;

	for (size_t i = 0; cmd && i < cmd->n_options; i++)
		if (is_named(&cmd->options[i], name, n))
			return &cmd->options[i];
	for (size_t i = 0; cmd && i < 3 && (o = cli_standard_option(cmd->kind, i)); i++)
		if (is_named(o, name, n))
			return o;
	for (o = cli_global_options; o->name; o++)
		if (is_named(o, name, n))
			return o;
	return is_named(&cli_help_option, name, n) ? &cli_help_option : NULL;
}

struct cli *cli_new(int argc, char **argv)
{
	struct cli *c = xcalloc(1, sizeof(*c));

	c->argc = argc;
	c->argv = argv;
	c->path = xstrdup("");
	return c;
}

static int unknown_option(struct cli *c, const char *name, size_t n)
{
	const char *names[128] = { NULL };
	size_t count = 0;
	_cleanup_(free_p) char *word = xstrndup(name, n);
	const struct subcommand *cmd = c->command;
	const struct cli_option *o;

	for (size_t i = 0; cmd && i < cmd->n_options && count < 100; i++)
		names[count++] = cmd->options[i].name;
	for (size_t i = 0; cmd && i < 3 && (o = cli_standard_option(cmd->kind, i)); i++)
		names[count++] = o->name;
	for (o = cli_global_options; o->name; o++)
		names[count++] = o->name;
	names[count++] = "help";
	const char *near = str_nearest(word, names, count);
	const char *sep = *c->path ? " " : "";
	if (near)
		return cli_fail(c, EXIT_USAGE, "unknown option --%.60s, did you mean --%s?", word,
				near);
	return cli_fail(c, EXIT_USAGE, "unknown option --%.60s; 'ringdown %s%s--help' lists them",
			word, c->path, sep);
}

static int unknown_command(struct cli *c, const struct subcommand *parent, const char *word)
{
	const char *names[128] = { NULL };
	size_t n = 0;

	for (size_t i = 0; parent && i < parent->n_verbs && n < COUNT_OF(names); i++)
		names[n++] = parent->verbs[i].name;
	for (size_t i = 0; !parent && cli_subcommands[i] && n < COUNT_OF(names); i++)
		if (!cli_subcommands[i]->hidden)
			names[n++] = cli_subcommands[i]->name;
	const char *near = str_nearest(word, names, n);
	if (near)
		return cli_fail(c, EXIT_USAGE, "unknown %s '%.60s', did you mean '%s'?",
				parent ? "word" : "command", word, near);
	struct str known = STR_INIT(1000);
	for (size_t i = 0; parent && i < n; i++)
		str_addf(&known, "%s%s", i ? ", " : "; there are ", names[i]);
	int r = cli_fail(c, EXIT_USAGE, "unknown %s '%.60s'%s", parent ? "word" : "command", word,
			 parent ? str_get(&known) : "; 'ringdown help' lists them");
	str_fini(&known);
	return r;
}

static int check_choices(struct cli *c, const struct cli_option *o, const char *value)
{
	_cleanup_(free_p) char *copy = xstrdup(o->choices);
	char *save = NULL;

	for (char *p = strtok_r(copy, "|", &save); p; p = strtok_r(NULL, "|", &save))
		if (str_eq(p, value))
			return 0;
	return cli_fail(c, EXIT_USAGE, "--%s wants one of %s, not '%.60s'", o->name, o->choices,
			value);
}

/* One option at argv[*i]; its value may be the next word. */
static int take_option(struct cli *c, const char *name, int *i)
{
	const char *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	const struct cli_option *o = cli_find_option(c->command, name, n);
	const char *value = eq ? eq + 1 : NULL;

	if (!o)
		return unknown_option(c, name, n);
	if (!o->arg && eq)
		return cli_fail(c, EXIT_USAGE, "--%s takes no value", o->name);
	if (o->arg && !eq) {
		if (*i + 1 >= c->argc)
			return cli_fail(c, EXIT_USAGE, "--%s wants a value: %s", o->name, o->arg);
		value = c->argv[++*i];
	}
	if (o->choices && check_choices(c, o, value))
		return EXIT_USAGE;
	if (o->arg && !o->repeated && cli_opt(c, o->name))
		return cli_fail(c, EXIT_USAGE, "--%s is given twice", o->name);
	if (c->n_given == CLI_MAX_ARGS)
		return cli_fail(c, EXIT_USAGE, "too many options");
	c->given[c->n_given++] = (struct cli_given){ o, value };
	return 0;
}

static const struct subcommand *find_verb(const struct subcommand *parent, const char *word)
{
	for (size_t i = 0; parent && i < parent->n_verbs; i++)
		if (str_eq(parent->verbs[i].name, word))
			return &parent->verbs[i];
	for (size_t i = 0; !parent && cli_subcommands[i]; i++)
		if (str_eq(cli_subcommands[i]->name, word))
			return cli_subcommands[i];
	return NULL;
}

static int take_word(struct cli *c, const char *word)
{
	bool may_choose = !c->command || (c->command->n_verbs && c->n_args <= 1);
	const struct subcommand *next = may_choose ? find_verb(c->command, word) : NULL;

	if (next) {
		char *path = xasprintf("%s%s%s", c->path, *c->path ? " " : "", word);
		free(c->path);
		c->path = path;
		c->command = next;
		return 0;
	}
	/* a command with verbs may take an argument too (`alerts`), but says so in args */
	if (!c->command || (c->command->n_verbs && str_empty(c->command->args)))
		return unknown_command(c, c->command, word);
	if (c->n_args == CLI_MAX_ARGS)
		return cli_fail(c, EXIT_USAGE, "too many arguments");
	c->args[c->n_args++] = word;
	return 0;
}

/* "ACCOUNT [--to X] [NUMBER...]": needed words, and whether there may be more. */
static void count_args(const char *spec, int *ret_min, int *ret_max)
{
	int min = 0;
	int max = 0;

	for (const char *p = spec ? spec : ""; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		bool many = n >= 3 && (strstr(p, "...") && strstr(p, "...") < p + n);
		max = many ? CLI_MAX_ARGS : max + 1;
		min += *p != '[';
	}
	*ret_min = min;
	*ret_max = max;
}

static int check_args(struct cli *c)
{
	const struct subcommand *cmd = c->command;
	int min;
	int max;

	count_args(cmd->args, &min, &max);
	if (c->n_args > max)
		return cli_fail(c, EXIT_USAGE, "'%.60s' is one argument too many", c->args[max]);
	if (c->n_args < min)
		return cli_fail(c, EXIT_USAGE, "wants %s; 'ringdown %s --help' explains", cmd->args,
				c->path);
	for (size_t i = 0; i < cmd->n_options; i++)
		if (cmd->options[i].required && !cli_opt(c, cmd->options[i].name))
			return cli_fail(c, EXIT_USAGE, "wants --%s %s: %s", cmd->options[i].name,
					cmd->options[i].arg, cmd->options[i].help);
	if (cli_flag(c, "utc") && cli_flag(c, "local"))
		return cli_fail(c, EXIT_USAGE, "--utc and --local exclude each other");
	if (cmd->kind == CLI_CHANGES && cli_flag(c, "read-only"))
		return cli_fail(c, EXIT_DENIED, "--read-only is set");
	return 0;
}

static int answer(struct cli *c, const struct subcommand *cmd)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	if (cmd)
		cli_usage(c, cmd, c->path, &out);
	else
		cli_overview(&out);
	cli_write(c, str_get(&out));
	str_fini(&out);
	return -1;
}

int cli_parse(struct cli *c)
{
	bool words_only = false;
	int r = 0;

	for (int i = 1; i < c->argc && !r; i++) {
		const char *a = c->argv[i];
		if (words_only || a[0] != '-' || !a[1])
			r = take_word(c, a);
		else if (!strcmp(a, "--"))
			words_only = true;
		else if (!strcmp(a, "-h"))
			r = take_option(c, "help", &i);
		else if (!strcmp(a, "-o"))
			r = take_option(c, "out", &i);
		else if (a[1] == '-')
			r = take_option(c, a + 2, &i);
		else
			r = cli_fail(c, EXIT_USAGE, "unknown option %.60s; options begin with --",
				     a);
	}
	if (r)
		return r;
	if (cli_flag(c, "help"))
		return answer(c, c->command);
	if (cli_flag(c, "version")) {
		cmd_version.run(c);
		return -1;
	}
	if (!c->command)
		c->command = find_verb(NULL, "console");
	if (!c->command) {
		answer(c, NULL);
		return EXIT_USAGE;
	}
	if (!c->command->run) {
		struct str verbs = STR_INIT(1000);
		for (size_t i = 0; i < c->command->n_verbs; i++)
			str_addf(&verbs, "%s%s", i ? ", " : "", c->command->verbs[i].name);
		r = cli_fail(c, EXIT_USAGE, "wants one of: %s", str_get(&verbs));
		str_fini(&verbs);
		return r;
	}
	return check_args(c);
}
