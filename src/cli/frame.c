/*
 * What every subcommand is given: its arguments by name, the loaded configuration,
 * and the two ways to speak, stdout for the answer and one line on stderr for what
 * went wrong. All of it passes the redaction of secrets.
 */
#include "cli/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "core/crypto.h"
#include "core/mem.h"

const struct subcommand *cli_command(const struct cli *c)
{
	return c->command;
}

const char *cli_program(const struct cli *c)
{
	return c->argv[0];
}

enum cli_format cli_format(const struct cli *c)
{
	if (cli_flag(c, "jsonl"))
		return FORMAT_JSONL;
	if (cli_flag(c, "json"))
		return FORMAT_JSON;
	return cli_flag(c, "csv") ? FORMAT_CSV : FORMAT_TEXT;
}

int cli_argc(const struct cli *c)
{
	return c->n_args;
}

const char *cli_arg(const struct cli *c, int i)
{
	return i >= 0 && i < c->n_args ? c->args[i] : NULL;
}

size_t cli_opt_count(const struct cli *c, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_given; i++)
		n += str_eq(c->given[i].option->name, name);
	return n;
}

const char *cli_opt_at(const struct cli *c, const char *name, size_t at)
{
	for (size_t i = 0; i < c->n_given; i++)
		if (str_eq(c->given[i].option->name, name) && at-- == 0)
			return c->given[i].value;
	return NULL;
}

const char *cli_opt(const struct cli *c, const char *name)
{
	size_t n = cli_opt_count(c, name);

	return n ? cli_opt_at(c, name, n - 1) : NULL;
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_opt_count(c, name) > 0;
}

bool cli_opt_i64(struct cli *c, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	const char *text = cli_opt(c, name);

	if (!text || parse_i64(text, min, max, ret))
		return true;
	cli_fail(c, EXIT_USAGE, "--%s wants %lld to %lld, not '%.60s'", name, (long long)min,
		 (long long)max, text);
	return false;
}

bool cli_opt_duration(struct cli *c, const char *name, int64_t *ret_ms)
{
	const char *text = cli_opt(c, name);

	if (!text || parse_duration_ms(text, ret_ms))
		return true;
	cli_fail(c, EXIT_USAGE, "--%s wants a duration with its unit, such as 90s or 1h30m, not"
				" '%.60s'", name, text);
	return false;
}

/* ---- telling ------------------------------------------------------------------ */

static void say(FILE *f, const char *text)
{
	char *safe = redact_copy(text);

	fputs(safe, f);
	free(safe);
}

static void say_line(FILE *f, const char *head, const char *path, const char *text)
{
	_cleanup_(free_p) char *line =
		xasprintf("%s%s%s%s", head, path, *path ? ": " : "", text);
	_cleanup_(free_p) char *clean = text_clean(line, 0);

	say(f, clean);
	fputc('\n', f);
}

int cli_fail(struct cli *c, int status, const char *fmt, ...)
{
	struct str text = STR_INIT(4000);
	char buf[2000];
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	str_add(&text, buf);
	say_line(stderr, "ringdown: ", c->path, str_get(&text));
	str_fini(&text);
	return status;
}

int cli_status_of(int err_code)
{
	switch (err_code) {
	case 0: return EXIT_DONE;
	case ERR_INVALID: return EXIT_USAGE;
	case ERR_DENIED: return EXIT_DENIED;
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_CANCELLED:
	case ERR_SYSTEM: return EXIT_UNREACHABLE;
	default: return EXIT_NO;
	}
}

int cli_fail_err(struct cli *c, const struct err *err)
{
	return cli_fail(c, cli_status_of(err->code), "%s", err->msg);
}

void cli_print(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	cli_write(c, text);
}

void cli_write(struct cli *c, const char *text)
{
	(void)c;
	say(stdout, text);
}

int cli_write_file(struct cli *c, const char *name, const struct str *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t at = 0;
	ssize_t n = 0;

	if (fd < 0)
		return cli_fail(c, EXIT_USAGE, "%s: %s", name, strerror(errno));
	while (at < text->len && (n = write(fd, text->s + at, text->len - at)) > 0)
		at += (size_t)n;
	if (close(fd) < 0 || n < 0)
		return cli_fail(c, EXIT_NO, "%s: %s", name, strerror(errno));
	return 0;
}

void cli_note(struct cli *c, const char *fmt, ...)
{
	char buf[2000];
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	(void)c;
	say_line(stderr, "", "", buf);
}

/* ---- configuration ------------------------------------------------------------- */

static void **bases_new(void)
{
	void **bases = xcalloc(option_table_count, sizeof(*bases));

	for (size_t i = 0; i < option_table_count; i++)
		bases[i] = xcalloc(1, option_tables[i]->size);
	return bases;
}

static void bases_free(void **bases)
{
	for (size_t i = 0; bases && i < option_table_count; i++)
		free(bases[i]);
	free(bases);
}

static int set_from_flags(struct cli *c, struct config *config, struct err *err)
{
	static const char *const flags[][2] = { { "api", "api" }, { "db", "database" } };

	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		const char *v = cli_opt(c, flags[i][0]);
		char origin[32];
		snprintf(origin, sizeof(origin), "--%s", flags[i][0]);
		int r = v ? config_set(config, flags[i][1], v, origin, err) : 0;
		if (r)
			return r;
	}
	return 0;
}

static struct config *load(struct cli *c, void **bases, struct err *err)
{
	struct config *config = config_load(option_tables, bases, option_table_count, c->file,
					    cli_opt(c, "env"), getenv, err);

	if (config && set_from_flags(c, config, err)) {
		config_free(config);
		config = NULL;
	}
	return config;
}

int cli_load(struct cli *c)
{
	struct err err = { 0 };

	if (c->config)
		return 0;
	c->file = config_find(cli_opt(c, "config"), getenv);
	c->bases = bases_new();
	c->config = load(c, c->bases, &err);
	if (!c->config)
		return cli_fail(c, EXIT_USAGE, "%s", err.msg);
	for (size_t i = 0; config_warning(c->config, i); i++)
		cli_note(c, "ringdown: %s", config_warning(c->config, i));
	return 0;
}

int cli_load_builtin(struct cli *c)
{
	struct err err = { 0 };

	if (c->config)
		return 0;
	c->bases = bases_new();
	c->config = config_load(option_tables, c->bases, option_table_count, NULL, NULL, NULL,
				&err);
	return c->config ? 0 : cli_fail(c, EXIT_USAGE, "%s", err.msg);
}

int cli_load_file(struct cli *c, const char *file)
{
	struct err err = { 0 };

	config_free(c->config);
	bases_free(c->bases);
	c->bases = bases_new();
	c->config = config_load(option_tables, c->bases, option_table_count, file, NULL, NULL,
				&err);
	return c->config ? 0 : cli_fail(c, EXIT_USAGE, "%s", err.msg);
}

const char *cli_reload(struct cli *c, void (*tell)(void *ctx, const char *text), void *ctx)
{
	struct err err = { 0 };
	void **bases = bases_new();
	struct config *fresh = load(c, bases, &err);

	if (!fresh) {
		snprintf(c->reload_problem, sizeof(c->reload_problem), "%s", err.msg);
	} else {
		config_take(c->config, fresh, tell, ctx);
		config_free(fresh);
	}
	bases_free(bases);
	return fresh ? NULL : c->reload_problem;
}

struct config *cli_config(const struct cli *c)
{
	return c->config;
}

void *cli_settings(const struct cli *c, const struct option_table *t)
{
	for (size_t i = 0; c->bases && i < option_table_count; i++)
		if (option_tables[i] == t)
			return c->bases[i];
	return NULL;
}

static bool make_dirs(const char *path)
{
	_cleanup_(free_p) char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(copy, 0755) && errno != EEXIST)
			return false;
		*p = '/';
	}
	return !mkdir(copy, 0700) || errno == EEXIST;
}

const char *cli_state_dir(struct cli *c)
{
	const struct main_settings *s = cli_settings(c, &main_options);
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (c->state_dir)
		return c->state_dir;
	if (s && s->state_dir)
		c->state_dir = xstrdup(s->state_dir);
	else if (!str_empty(xdg))
		c->state_dir = xasprintf("%s/ringdown", xdg);
	else
		c->state_dir = xasprintf("%s/.local/state/ringdown", str_empty(home) ? "" : home);
	if (make_dirs(c->state_dir) && access(c->state_dir, W_OK) == 0)
		return c->state_dir;
	cli_fail(c, EXIT_USAGE, "%s: %s; set stateDir or RINGDOWN_STATE_DIR to a directory that"
		 " can be written", c->state_dir, strerror(errno));
	free(TAKE(c->state_dir));
	return NULL;
}

void cli_free(struct cli *c)
{
	if (!c)
		return;
	config_free(c->config);
	bases_free(c->bases);
	free(c->file);
	free(c->path);
	free(c->state_dir);
	free(c);
}
