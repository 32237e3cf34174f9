/*
 * Shell completions, written from the table of commands: what --help shows is what a Tab
 * completes. The scripts find the command on the line themselves and know words, options,
 * choices and files; they never start the program.
 */
#include "cli/complete.h"

#include <string.h>

#include "core/mem.h"

typedef void (*walk_fn)(struct str *out, const struct subcommand *cmd, const char *path);

static void walk(struct str *out, const struct subcommand *cmd, const char *path, walk_fn fn)
{
	fn(out, cmd, path);
	for (size_t i = 0; i < cmd->n_verbs; i++) {
		_cleanup_(free_p) char *sub = xasprintf("%s %s", path, cmd->verbs[i].name);

		walk(out, &cmd->verbs[i], sub, fn);
	}
}

static void walk_all(struct str *out, walk_fn fn)
{
	for (size_t i = 0; cli_subcommands[i]; i++)
		if (!cli_subcommands[i]->hidden)
			walk(out, cli_subcommands[i], cli_subcommands[i]->name, fn);
}

/* Options of a command in the order of its help: its own, the standard ones, the global ones. */
static const struct cli_option *option_at(const struct subcommand *cmd, size_t i)
{
	const struct cli_option *o;

	if (cmd && i < cmd->n_options)
		return &cmd->options[i];
	i -= cmd ? cmd->n_options : 0;
	for (size_t k = 0; cmd && (o = cli_standard_option(cmd->kind, k)); k++)
		if (i-- == 0)
			return o;
	if (i == 0)
		return &cli_help_option;
	i--;
	for (o = cli_global_options; o->name; o++)
		if (i-- == 0)
			return o;
	return NULL;
}

/* The argument is a path. */
static bool wants_file(const struct cli_option *o)
{
	static const char *const words[] = { "F", "FILE", "DIR" };

	for (size_t i = 0; o->arg && i < COUNT_OF(words); i++)
		if (str_eq(o->arg, words[i]))
			return true;
	return false;
}

static void add_choices(struct str *out, const char *choices)
{
	for (; *choices; choices++)
		str_addc(out, *choices == '|' ? ' ' : *choices);
}

/* ---- which words take a value, which are commands ------------------------------- */

static void collect(const struct subcommand *cmd, bool files, struct strlist *names)
{
	const struct cli_option *o;

	for (size_t i = 0; (o = option_at(cmd, i)); i++) {
		bool known = false;

		if (!o->arg || (files && !wants_file(o)))
			continue;
		for (size_t k = 0; k < names->n && !known; k++)
			known = str_eq(names->v[k], o->name);
		if (!known)
			strlist_add(names, o->name);
	}
	for (size_t i = 0; cmd && i < cmd->n_verbs; i++)
		collect(&cmd->verbs[i], files, names);
}

/* --a|--b of all options with a value (files: that are paths). */
static void add_valued(struct str *out, bool files)
{
	struct strlist names = { 0 };

	collect(NULL, files, &names);
	for (size_t i = 0; cli_subcommands[i]; i++)
		collect(cli_subcommands[i], files, &names);
	for (size_t i = 0; i < names.n; i++)
		str_addf(out, "%s--%s", i ? "|" : "", names.v[i]);
	strlist_fini(&names);
}

static void add_path(struct str *out, const struct subcommand *cmd, const char *path)
{
	(void)cmd;
	str_addf(out, "%s'%s'", out->s[out->len - 1] == '(' ? "" : "|", path);
}

/* Both shells find the command so; `first` is the index of the first word after the program. */
static void add_finder(struct str *out, const char *words, int first, const char *current)
{
	str_addf(out, "\tlocal at= w i\n\tfor ((i = %d; i < %s; i++)); do\n\t\tw=${%s[i]}\n"
		 "\t\tcase $w in\n\t\t", first, current, words);
	add_valued(out, false);
	str_add(out, ") ((i++)) ;;\n\t\t-*) ;;\n\t\t*)\n\t\t\tcase \"${at:+$at }$w\" in\n\t\t\t(");
	walk_all(out, add_path);
	str_add(out, ") at=\"${at:+$at }$w\" ;;\n\t\t\tesac ;;\n\t\tesac\n\tdone\n");
}

/* ---- bash ----------------------------------------------------------------------- */

/* The names of the command's list: values of its option, or words of it (of NULL). */
static void add_names(struct str *out, const struct subcommand *cmd, const char *option)
{
	const char *name, *what;

	for (size_t i = 0; cmd->list && str_eq(cmd->list_option, option) &&
	     (name = cmd->list(i, &what)) != NULL; i++)
		str_addf(out, "%s ", name);
}

static void bash_choices(struct str *out, const struct subcommand *cmd, const char *path)
{
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct cli_option *o = &cmd->options[i];

		if (!o->choices && !str_eq(cmd->list_option, o->name))
			continue;
		str_addf(out, "\t'%s --%s') words='", path, o->name);
		add_choices(out, o->choices ? o->choices : "");
		add_names(out, cmd, o->name);
		str_add(out, "' ;;\n");
	}
}

static void bash_words(struct str *out, const struct subcommand *cmd, const char *path)
{
	const struct cli_option *o;

	str_addf(out, "\t'%s') words='", path);
	for (size_t i = 0; i < cmd->n_verbs; i++)
		str_addf(out, "%s ", cmd->verbs[i].name);
	add_names(out, cmd, NULL);
	for (size_t i = 0; (o = option_at(cmd, i)); i++)
		str_addf(out, "%s--%s", i ? " " : "", o->name);
	str_add(out, "' ;;\n");
}

void cli_complete_bash(struct str *out)
{
	const struct cli_option *o;

	str_add(out, "# bash completion for ringdown; written by `ringdown help --completion"
		     " bash`\n_ringdown() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]}"
		     " prev=${COMP_WORDS[COMP_CWORD-1]} words=\n");
	add_finder(out, "COMP_WORDS", 1, "COMP_CWORD");
	str_add(out, "\tcase \"$at $prev\" in\n");
	walk_all(out, bash_choices);
	str_add(out, "\tesac\n\tif [[ -z $words ]]; then\n\tcase $prev in\n\t");
	add_valued(out, true);
	str_add(out, ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\t");
	add_valued(out, false);
	str_add(out, ") return ;;\n\tesac\n\tcase $at in\n\t'') words='");
	for (size_t i = 0; cli_subcommands[i]; i++)
		if (!cli_subcommands[i]->hidden)
			str_addf(out, "%s ", cli_subcommands[i]->name);
	for (size_t i = 0; (o = option_at(NULL, i)); i++)
		str_addf(out, "%s--%s", i ? " " : "", o->name);
	str_add(out, "' ;;\n");
	walk_all(out, bash_words);
	str_add(out, "\tesac\n\tfi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
		     "complete -o default -F _ringdown ringdown\n");
}

/* ---- zsh ------------------------------------------------------------------------ */

/* 'word:what it is', quoted for an array. */
static void zsh_item(struct str *out, const char *dashes, const char *word, const char *help)
{
	str_addf(out, " '%s%s:", dashes, word);
	for (; help && *help; help++) {
		if (*help == '\'')
			str_add(out, "'\\''");
		else if (*help == ':' || *help == '\\')
			str_addf(out, "\\%c", *help);
		else
			str_addc(out, *help);
	}
	str_addc(out, '\'');
}

static void zsh_options(struct str *out, const struct subcommand *cmd)
{
	const struct cli_option *o;

	str_add(out, " options=(");
	for (size_t i = 0; (o = option_at(cmd, i)); i++)
		zsh_item(out, "--", o->name, o->help);
	str_add(out, " ) ;;\n");
}

static void zsh_choices(struct str *out, const struct subcommand *cmd, const char *path)
{
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct cli_option *o = &cmd->options[i];

		if (!o->choices && !str_eq(cmd->list_option, o->name))
			continue;
		str_addf(out, "\t'%s --%s') compadd -- ", path, o->name);
		add_choices(out, o->choices ? o->choices : "");
		add_names(out, cmd, o->name);
		str_add(out, "; return ;;\n");
	}
}

static void zsh_words(struct str *out, const struct subcommand *cmd, const char *path)
{
	const char *name, *what;

	str_addf(out, "\t'%s') commands=(", path);
	for (size_t i = 0; i < cmd->n_verbs; i++)
		zsh_item(out, "", cmd->verbs[i].name, cmd->verbs[i].help);
	for (size_t i = 0; cmd->list && !cmd->list_option && (name = cmd->list(i, &what)); i++)
		zsh_item(out, "", name, what);
	str_add(out, " );");
	zsh_options(out, cmd);
}

void cli_complete_zsh(struct str *out)
{
	str_add(out, "#compdef ringdown\n# written by `ringdown help --completion zsh`\n_ringdown()"
		     " {\n\tlocal -a commands options\n\tlocal prev=${words[CURRENT-1]}\n");
	add_finder(out, "words", 2, "CURRENT");
	str_add(out, "\tcase \"$at $prev\" in\n");
	walk_all(out, zsh_choices);
	str_add(out, "\tesac\n\tcase $prev in\n\t");
	add_valued(out, true);
	str_add(out, ") _files; return ;;\n\t");
	add_valued(out, false);
	str_add(out, ") return ;;\n\tesac\n\tcase $at in\n\t'') commands=(");
	for (size_t i = 0; cli_subcommands[i]; i++)
		if (!cli_subcommands[i]->hidden)
			zsh_item(out, "", cli_subcommands[i]->name, cli_subcommands[i]->help);
	str_add(out, " );");
	zsh_options(out, NULL);
	walk_all(out, zsh_words);
	str_add(out, "\tesac\n\t(( $#commands )) && _describe -t commands command commands\n"
		     "\t_describe -o -t options option options\n\t(( $#commands )) || _files\n}\n"
		     "_ringdown \"$@\"\n");
}
