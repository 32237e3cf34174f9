/*
 * run: a program by its arguments, never through a shell, or a script under strict bash
 * with the run's values as environment. Standard input is empty, there is no terminal, the
 * environment is small and none of ours, the directory stays below the root.
 *
 * Bounded in time (TERM to everything it started, then KILL) and in output (beginning and
 * end are kept; too much ends it). `follow` ends it on purpose, which is success. What it
 * writes is cleaned and masked before anybody sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc.h"
#include "core/regex.h"
#include "core/task.h"
#include "runbook/output.h"
#include "runbook/verbs.h"

enum { GRACE_MS = 2000, END_MS = 10000, CHUNK = 16 << 10, MAX_LINES = 2000, MAX_COUNTS = 16,
       LIVE_MAX = 256 << 10, MAX_OUTPUT_LINES = 1000000 };
#define MAX_OUTPUT ((int64_t)16 << 20)

struct list { char **v; size_t n, cap; };

static void list_add(struct list *l, char *s)
{
	l->v = grow(l->v, &l->cap, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

static void list_fini(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		explicit_bzero(l->v[i], strlen(l->v[i]));
		free_p(&l->v[i]);
	}
	free_p(&l->v);
}

struct running;
struct stream {
	struct running *r;
	struct output out;
	int fd;
	struct watch *watch;
};
struct running {
	struct verb_call *c;
	struct list argv, env;
	char *path, *cwd;
	struct stream stream[2];	/* stdout, stderr */
	struct proc *proc;
	struct condition changed;	/* a stream ended, too much was written */
	bool too_much;
	int64_t live;
	struct regex *count[MAX_COUNTS];
	int64_t counted[MAX_COUNTS];
};

/* ---- environment ------------------------------------------------------------------------ */

static int add_env(struct running *r, const char *name, const char *value, struct err *err)
{
	char *line;

	if (strlen(name) + strlen(value) > 120000)
		return err_set(err, ERR_TOO_BIG, "%s is too long for an environment variable",
			       name);
	line = xasprintf("%s=%s", name, value);
	for (size_t i = 0; i < r->env.n; i++)
		if (strncmp(r->env.v[i], line, strlen(name) + 1) == 0) {
			free_p(&r->env.v[i]);
			r->env.v[i] = line;
			return 0;
		}
	list_add(&r->env, line);
	return 0;
}

static void base_env(struct running *r)
{
	static const char *const ours[] = { "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ",
					    "TMPDIR" };
	const char *const *more = r->c->env->path_env;

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		if (getenv(ours[i]))
			add_env(r, ours[i], getenv(ours[i]), NULL);
	add_env(r, "TERM", "dumb", NULL);
	for (; more && *more; more++) {
		_cleanup_(free_p) char *name = xstrndup(*more, strcspn(*more, "="));

		if (strchr(*more, '='))
			add_env(r, name, strchr(*more, '=') + 1, NULL);
	}
}

/* A script's value must not become something that the shell or the loader obeys. */
static bool reserved(const char *name)
{
	static const char *const names[] = { "PATH", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4",
					     "HOME",
					     "CDPATH", "GLOBIGNORE", "PROMPT_COMMAND" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(name, names[i]))
			return true;
	return str_has_prefix(name, "LD_") || str_has_prefix(name, "BASH_") ||
	       str_has_prefix(name, "PYTHON") || str_has_prefix(name, "GIT_");
}

/* Does the runbook speak of this name (so that it is no variable of the script's own)? */
static bool declared(const struct runbook *rb, const char *name)
{
	const struct step *s;

	for (size_t i = 0; rb && i < rb->n_params; i++)
		if (str_eq(rb->params[i].name, name))
			return true;
	for (size_t i = 0; rb && (s = runbook_step_at(rb, i, NULL)) != NULL; i++) {
		for (size_t k = 0; k < s->n_save; k++)
			if (str_eq(s->save[k].name, name))
				return true;
		for (size_t k = 0; k < s->n_preview_save; k++)
			if (str_eq(s->preview_save[k].name, name))
				return true;
		for (size_t k = 0; k < s->n_bind; k++)
			if (str_eq(s->bind[k].name, name))
				return true;
	}
	return false;
}

/* Values of the names in a script; others are the script's own variables. */
static int script_env(struct running *r, const char *script, struct err *err)
{
	char **names = NULL;
	size_t n = bind_names(script, &names);
	int e = 0;

	for (size_t i = 0; i < n; i++) {
		struct str text = STR_INIT(1 << 20);
		_cleanup_(free_p) char *ref = xasprintf("${%s}", names[i]);
		bool there = r->c->scope->get(r->c->scope->ctx, names[i]) != NULL;

		if (e == 0 && (there || declared(r->c->runbook, names[i]))) {
			e = bind_text(r->c->scope, ref, BIND_PLAIN, &text, NULL, err);
			if (e == 0 && reserved(names[i]))
				e = err_set(err, ERR_DENIED,
					    "%s is not a name for a value of a script", names[i]);
			if (e == 0)
				e = add_env(r, names[i], str_get(&text), err);
		}
		str_fini(&text);
		free_p(&names[i]);
	}
	free_p(&names);
	return e;
}

static int own_env(struct running *r, struct err *err)
{
	const struct operation *op = r->c->op;
	int e = 0;

	for (size_t i = 0; i < op->n_env && e == 0; i++) {
		struct str text = STR_INIT(1 << 20);

		e = bind_text(r->c->scope, op->env[i].text, BIND_PLAIN, &text, NULL, err);
		if (e == 0 && str_has_prefix(op->env[i].name, "LD_"))
			e = err_set(err, ERR_DENIED, "%s is not for runbooks", op->env[i].name);
		if (e == 0)
			e = add_env(r, op->env[i].name, str_get(&text), err);
		str_fini(&text);
	}
	return e;
}

/* ---- what is executed -------------------------------------------------------------------- */

static int bind_argv(struct running *r, struct err *err)
{
	const struct operation *op = r->c->op;
	static const char *const shell[] = { "bash", "--noprofile", "--norc", "-euo", "pipefail",
					     "-c" };
	int e = 0;

	for (size_t i = 0; i < op->n_argv && e == 0; i++) {
		struct str text = STR_INIT(120000);
		bool secret = false;

		e = bind_text(r->c->scope, op->argv[i], BIND_PLAIN, &text, &secret, err);
		if (e == 0 && secret)
			e = err_set(err, ERR_DENIED, "a secret does not go into arguments, where"
				    " anybody can read it: use env");
		list_add(&r->argv, str_take(&text));
	}
	if (op->n_argv || e < 0)
		return e;
	for (size_t i = 0; i < COUNT_OF(shell); i++)
		list_add(&r->argv, xstrdup(shell[i]));
	list_add(&r->argv, xstrdup(op->text));
	list_add(&r->argv, xstrdup("runbook"));
	return script_env(r, op->text, err);
}

static const char *env_of(const struct running *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->env.n; i++)
		if (strncmp(r->env.v[i], name, n) == 0 && r->env.v[i][n] == '=')
			return r->env.v[i] + n + 1;
	return NULL;
}

/* In the PATH that the program itself will see. */
static int find_program(struct running *r, struct err *err)
{
	const char *name = r->argv.n ? r->argv.v[0] : "", *p = env_of(r, "PATH");

	if (!*name)
		return err_set(err, ERR_INVALID, "no program is named");
	if (strchr(name, '/')) {
		r->path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", r->cwd, name);
		return 0;
	}
	for (p = p ? p : "/usr/bin:/bin"; *p; p += strcspn(p, ":"), p += *p == ':') {
		_cleanup_(free_p) char *file = xasprintf("%.*s/%s", (int)strcspn(p, ":"), p, name);

		if (*p == '/' && access(file, X_OK) == 0) {
			r->path = TAKE(file);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "there is no program '%.80s' in the PATH of runbooks",
		       name);
}

static bool below(const char *dir, const char *root)
{
	size_t n = strlen(root);

	return strncmp(dir, root, n) == 0 && (dir[n] == '/' || dir[n] == '\0' || str_eq(root, "/"));
}

static int find_cwd(struct running *r, struct err *err)
{
	const char *root = r->c->env->root;
	struct str text = STR_INIT(PATH_MAX);
	char real[PATH_MAX], real_root[PATH_MAX];
	int e = 0;

	if (r->c->op->cwd)
		e = bind_text(r->c->scope, r->c->op->cwd, BIND_PLAIN, &text, NULL, err);
	else
		str_add(&text, root ? root : "/");
	if (e == 0 && str_get(&text)[0] != '/' && root) {
		_cleanup_(free_p) char *rel = str_take(&text);

		str_addf(&text, "%s/%s", root, rel);
	}
	if (e == 0 && !realpath(str_get(&text), real))
		e = err_set(err, ERR_NOT_FOUND, "cwd %s: %s", str_get(&text), strerror(errno));
	if (e == 0 && root && (!realpath(root, real_root) || !below(real, real_root)))
		e = err_set(err, ERR_DENIED, "cwd %s is outside of %s", real, root);
	if (e == 0)
		r->cwd = xstrdup(real);
	str_fini(&text);
	return e;
}

static int prepare(struct running *r, struct err *err)
{
	int e;

	base_env(r);
	e = bind_argv(r, err);
	if (e == 0)
		e = own_env(r, err);
	if (e == 0)
		e = find_cwd(r, err);
	return e == 0 ? find_program(r, err) : e;
}

static int prepare_counts(struct running *r, struct err *err)
{
	for (size_t i = 0; i < r->c->op->n_count && i < MAX_COUNTS; i++) {
		r->count[i] = regex_new(r->c->op->count[i].text, false, err);
		if (!r->count[i])
			return ERR_INVALID;
	}
	return 0;
}

/* ---- output --------------------------------------------------------------------------------- */

static void on_line(void *ctx, const char *text, size_t n)
{
	struct running *r = ctx;

	for (size_t i = 0; i < MAX_COUNTS && r->count[i]; i++)
		r->counted[i] += regex_match(r->count[i], text, n - 1);
	if (!r->c->output || r->live > LIVE_MAX)
		return;
	r->live += (int64_t)n;
	if (r->live > LIVE_MAX)
		r->c->output(r->c->output_ctx, "[... more, not shown live ...]\n", 31);
	else
		r->c->output(r->c->output_ctx, text, n);
}

static void close_stream(struct stream *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* One piece each turn: nobody else waits for long. false: nothing there. */
static bool read_some(struct stream *s)
{
	char buf[CHUNK];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n > 0) {
		output_add(&s->out, buf, (size_t)n);
		if ((s->out.bytes > MAX_OUTPUT || s->out.lines > MAX_OUTPUT_LINES) &&
		    !s->r->too_much) {
			s->r->too_much = true;
			condition_wake(&s->r->changed);
		}
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_stream(s);
		condition_wake(&s->r->changed);
	}
	return false;
}

static void on_readable(void *ctx, int events)
{
	struct stream *s = ctx;

	(void)events;
	if (s->fd >= 0)
		read_some(s);
}

static int open_stream(struct running *r, int i, int *ret_write, struct err *err)
{
	struct stream *s = &r->stream[i];
	int both[2];

	if (pipe2(both, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYSTEM, "pipe: %s", strerror(errno));
	fcntl(both[0], F_SETFL, O_NONBLOCK);
	*ret_write = both[1];
	s->fd = both[0];
	s->watch = watch_new(r->c->env->loop, s->fd, on_readable, s);
	watch_set(s->watch, WATCH_READ);
	return 0;
}

/* ---- running -------------------------------------------------------------------- */

static void on_ended(void *ctx, int status)
{
	struct running *r = ctx;

	(void)status;
	condition_wake(&r->changed);
}

static int start(struct running *r, struct err *err)
{
	int w[2] = { -1, -1 }, e = open_stream(r, 0, &w[0], err);
	struct proc_options o;

	if (e == 0)
		e = open_stream(r, 1, &w[1], err);
	o = (struct proc_options){
		.argv = (const char *const *)r->argv.v, .env = (const char *const *)r->env.v,
		.only_env = true, .path = r->path, .cwd = r->cwd, .stdout_fd = w[0],
		.stderr_fd = w[1],
		.die_with_parent = true, .tree = true, .grace_ms = GRACE_MS,
		.keepers = r->c->env->keepers,
		.leave_running = r->c->op->leaves_running && r->c->effect != EFFECT_READ,
	};
	if (e == 0) {
		r->proc = proc_start(r->c->env->loop, &o, on_ended, r, err);
		e = r->proc ? 0 : err && err->code < 0 ? err->code : ERR_SYSTEM;
	}
	for (int i = 0; i < 2; i++)
		if (w[i] >= 0)
			close(w[i]);
	return e;
}

enum ended { BY_ITSELF, BY_FOLLOW, BY_TIME, BY_SIZE, BY_CANCEL };

/* Until it ends or has to be ended. */
static enum ended watch_it(struct running *r)
{
	struct loop *l = r->c->env->loop;
	int64_t limit = r->c->timeout_ms > 0 ? r->c->timeout_ms : 30000,
		follow = r->c->op->follow_ms;
	int64_t until = loop_now_ms(l) + (follow > 0 ? follow : limit), left;

	while (proc_running(r->proc)) {
		left = until - loop_now_ms(l);
		if (r->too_much)
			return follow > 0 ? BY_FOLLOW : BY_SIZE;
		if (left <= 0)
			return follow > 0 ? BY_FOLLOW : BY_TIME;
		if (condition_wait(&r->changed, left) == OP_CANCELLED)
			return BY_CANCEL;
	}
	return BY_ITSELF;
}

/* What is still in the pipes; no writer is left, so this ends. */
static void drain(struct running *r)
{
	for (int i = 0; i < 2; i++) {
		struct stream *s = &r->stream[i];

		while (s->fd >= 0 && s->out.bytes <= MAX_OUTPUT && read_some(s))
			;
		close_stream(s);
		output_end(&s->out);
	}
}

static int finish(struct running *r, enum ended how, int *ret_status, struct err *err)
{
	char d[64];

	if (how == BY_ITSELF)
		*ret_status = proc_wait(r->proc, 0);
	else if (how == BY_CANCEL)
		proc_signal(r->proc, SIGTERM); /* the guardian sees to the rest */
	else
		*ret_status = proc_stop(r->proc, GRACE_MS + END_MS);
	drain(r);
	switch (how) {
	case BY_ITSELF: return 0;
	case BY_FOLLOW: *ret_status = 0; return 0;
	case BY_CANCEL: return err_set(err, ERR_CANCELLED, "cancelled");
	case BY_SIZE:
		return err_set(err, ERR_TOO_BIG, "it wrote more than %lld MiB or %d lines and was"
						 " ended", (long long)(MAX_OUTPUT >> 20),
						 MAX_OUTPUT_LINES);
	case BY_TIME: break;
	}
	format_duration(d, sizeof(d), r->c->timeout_ms > 0 ? r->c->timeout_ms : 30000);
	return err_set(err, ERR_TIMEOUT, "it did not end within %s and was ended", d);
}

/* ---- results -------------------------------------------------------------------- */

static void set_lines(struct value *result, const char *text)
{
	struct value *list = value_add(result, "lines");

	list->type = V_LIST;
	for (size_t i = 0; *text && i < MAX_LINES; i++) {
		size_t n = strcspn(text, "\n");
		_cleanup_(free_p) char *line = xstrndup(text, n);

		value_set_text(value_add(list, NULL), line);
		text += n + (text[n] != 0);
	}
}

static void set_result(struct running *r, enum ended how, int status, struct value *result)
{
	static const char *const names[] = { "stdout", "stderr" };
	struct value *counts;

	for (int i = 0; i < 2; i++) {
		struct str text = STR_INIT(OUTPUT_HEAD + OUTPUT_TAIL + 200);
		struct json *j = NULL;

		output_text(&r->stream[i].out, &text);
		value_set_text(value_add(result, names[i]), str_get(&text));
		if (i == 0 && verb_expects(r->c, "lines"))
			set_lines(result, str_get(&text));
		if (i == 0 && (*str_get(&text) == '{' || *str_get(&text) == '['))
			j = json_parse(str_get(&text), text.len, NULL);
		if (j)
			value_from_json(value_add(result, "json"), j);
		json_free(j);
		str_fini(&text);
	}
	if (how != BY_CANCEL)
		value_set_number(value_add(result, "exit"), status);
	if (how == BY_FOLLOW)
		value_set_bool(value_add(result, "followed"), true);
	if (!r->c->op->n_count)
		return;
	counts = value_add(result, "counts");
	counts->type = V_MAP;
	for (size_t i = 0; i < r->c->op->n_count && i < MAX_COUNTS; i++)
		value_set_number(value_add(counts, r->c->op->count[i].name), (double)r->counted[i]);
}

static int go(struct running *r, struct value *result, struct err *err)
{
	int64_t began = loop_now_ms(r->c->env->loop);
	int status = -1, e = start(r, err);
	enum ended how;

	if (e < 0)
		return e;
	how = watch_it(r);
	e = finish(r, how, &status, err);
	set_result(r, how, status, result);
	verb_time(result, loop_now_ms(r->c->env->loop) - began);
	return e;
}

static void running_init(struct running *r, struct verb_call *c)
{
	*r = (struct running){ .c = c };
	for (int i = 0; i < 2; i++) {
		output_init(&r->stream[i].out, c->masker);
		r->stream[i].out.line = on_line;
		r->stream[i].out.ctx = r;
		r->stream[i].r = r;
		r->stream[i].fd = -1;
	}
}

static void running_fini(struct running *r)
{
	for (int i = 0; i < 2; i++) {
		close_stream(&r->stream[i]);
		output_fini(&r->stream[i].out);
	}
	for (size_t i = 0; i < MAX_COUNTS; i++)
		regex_free(r->count[i]);
	proc_free(r->proc);
	list_fini(&r->argv);
	list_fini(&r->env);
	free_p(&r->path);
	free_p(&r->cwd);
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	struct running r;
	int e = 0;

	result->type = V_MAP;
	if (c->effect == EFFECT_UNKNOWN)
		return err_set(err, ERR_DENIED, "the effect of this step is not declared");
	running_init(&r, c);
	e = prepare(&r, err);
	if (e == 0)
		e = prepare_counts(&r, err);
	if (e == 0 && c->rehearse)
		value_set_bool(value_add(result, "rehearsed"), false);
	else if (e == 0)
		e = go(&r, result, err);
	running_fini(&r);
	return e;
}

/* ---- for people ----------------------------------------------------------------- */

/* As one would type it. */
static void show_word(const struct verb_call *c, struct str *ret, const char *word)
{
	bool simple = *word &&
		word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						 "0123456789_@%+=:,./-")] == '\0';

	if (simple) {
		verb_show(c, ret, word);
		return;
	}
	struct str quoted = STR_INIT(1 << 20); /* as a shell would take it: ' is '\'' */

	for (const char *p = word; *p; p++)
		if (*p == '\'')
			str_add(&quoted, "'\\''");
		else
			str_addc(&quoted, *p);
	str_addc(ret, '\'');
	verb_show(c, ret, str_get(&quoted));
	str_addc(ret, '\'');
	str_fini(&quoted);
}

static int show_env(const struct verb_call *c, struct str *ret, struct err *err)
{
	int e = 0;

	for (size_t i = 0; i < c->op->n_env && e == 0; i++) {
		struct str v = STR_INIT(1 << 20);
		bool secret = false;

		e = bind_text(c->scope, c->op->env[i].text, BIND_PLAIN, &v, &secret, err);
		str_addf(ret, "%s=", c->op->env[i].name);
		show_word(c, ret, secret ? "***" : str_get(&v));
		str_addc(ret, ' ');
		str_fini(&v);
	}
	return e;
}

static int show_script(const struct verb_call *c, struct str *ret, struct err *err)
{
	char **names = NULL;
	size_t n = bind_names(c->op->text, &names);
	int e = 0;

	for (size_t i = 0; i < n; i++) {
		const struct value *v = c->scope->get(c->scope->ctx, names[i]);
		struct str text = STR_INIT(4000);

		if (!v && declared(c->runbook, names[i]) && e == 0)
			e = bind_lookup(c->scope, names[i], err) ? 0 : ERR_NOT_FOUND;
		if (v) {
			value_print(&text, v, 1000);
			str_addf(ret, "%s=", names[i]);
			show_word(c, ret, v->secret ? "***" : str_get(&text));
			str_addc(ret, '\n');
		}
		str_fini(&text);
		free_p(&names[i]);
	}
	free_p(&names);
	output_clean(c->masker, c->op->text, strlen(c->op->text), 65536, ret);
	return e;
}

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str text = STR_INIT(1 << 20);
	int e = show_env(c, ret, err);

	for (size_t i = 0; i < c->op->n_argv && e == 0; i++) {
		bool secret = false;

		str_clear(&text);
		e = bind_text(c->scope, c->op->argv[i], BIND_PLAIN, &text, &secret, err);
		if (i)
			str_addc(ret, ' ');
		show_word(c, ret, secret ? "***" : str_get(&text));
	}
	if (e == 0 && c->op->n_argv == 0)
		e = show_script(c, ret, err);
	if (e == 0 && c->op->cwd) {
		str_clear(&text);
		e = bind_text(c->scope, c->op->cwd, BIND_PLAIN, &text, NULL, err);
		str_add(ret, "\nin ");
		verb_show(c, ret, str_get(&text));
	}
	str_fini(&text);
	return e;
}

const struct verb verb_run = { .describe = describe, .run = run };
