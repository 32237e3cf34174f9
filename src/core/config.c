/*
 * Configuration: the layers (defaults, file, the file's chosen environment, the
 * process environment, the command line) applied in that order over the option
 * rows of all modules. A later layer replaces a value whole; lists do not add up.
 *
 * Everything wrong is reported with its place. In the ordinary form the first
 * problem ends the load; config_load_all goes on and tells them all. The file is
 * read once; nothing here watches it.
 */
#include "core/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config_value.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"

struct entry {
	struct config_value v;
	void *base;
};

struct config {
	struct entry *entries;
	size_t n;
	char *environment, *label;
	bool production;
	struct strlist warnings, elsewhere;	/* elsewhere: in environments not chosen */
	/* while loading */
	const char *file;
	void (*problem)(void *ctx, const char *text);
	void *problem_ctx;
	size_t problems;
	struct err *err;
	bool in_environment;		/* its own two keys may be meant as well */
};

static const char insecure_option[] = "allowInsecureHttp";

/* Reports; 0 = go on with the next. */
static int problem(struct config *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int problem(struct config *c, const char *fmt, ...)
{
	char text[sizeof(c->err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->problems++;
	if (!c->problem)
		return err_set(c->err, ERR_INVALID, "%s", text);
	c->problem(c->problem_ctx, text);
	return 0;
}

static void remember(struct entry *e, const char *text, const char *origin)
{
	const struct option_row *row = e->v.row;

	str_replace(&e->v.text, row->type == OPT_SECRET && !str_empty(text) ? "[secret]" : text);
	str_replace(&e->v.origin, origin);
}

static int set_entry(struct config *c, struct entry *e, const char *text, const char *origin)
{
	struct err why;

	if (!option_set(e->v.row, e->base, text, &why)) {
		remember(e, text, origin);
		return 0;
	}
	if (str_has_prefix(origin, "environment "))
		return problem(c, "%s: %s", origin, why.msg);
	return problem(c, "%s: '%s' %s", origin, e->v.row->name, why.msg);
}

static struct entry *find_n(const struct config *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strncmp(c->entries[i].v.row->name, name, n) && !c->entries[i].v.row->name[n])
			return &c->entries[i];
	return NULL;
}

static struct entry *find(const struct config *c, const char *name)
{
	return find_n(c, name, strlen(name));
}

/* Is path the beginning of an option's name ("twilio" of "twilio.apiBase")? */
static bool is_section(const struct config *c, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < c->n; i++)
		if (!strncmp(c->entries[i].v.row->name, path, n) &&
		    c->entries[i].v.row->name[n] == '.')
			return true;
	return false;
}

/* Nearest full name, else the option or section whose part at this level is nearest. */
static char *suggest(const struct config *c, const char *path, const char *key)
{
	size_t prefix = strlen(path) - strlen(key);
	const char **names = xcalloc(2 * c->n + 3, sizeof(*names));
	char **parts = xcalloc(c->n + 3, sizeof(*parts));
	bool env = c->in_environment;
	char *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const char *name = c->entries[i].v.row->name;
		if (strncmp(name, path, prefix) == 0)
			parts[n++] = xstrndup(name, prefix + strcspn(name + prefix, "."));
	}
	if (!prefix) {
		parts[n++] = xstrdup(env ? "label" : "environments");
		parts[n++] = xstrdup(env ? "production" : "environment");
	}
	for (size_t i = 0; i < n; i++)
		names[i] = parts[i] + prefix;
	const char *near = str_nearest(key, names, n);
	if (near) {
		found = xasprintf("%.*s%s", (int)prefix, path, near);
	} else {
		for (size_t i = 0; i < c->n; i++) {
			const char *name = c->entries[i].v.row->name;
			const char *last = strrchr(name, '.');
			names[i] = name;
			names[c->n + i] = last ? last + 1 : NULL;
		}
		near = str_nearest(path, names, c->n);
		for (size_t i = 0; i < c->n && !near; i++)
			if (str_eq(names[c->n + i], key)) /* right key, wrong section */
				near = names[i];
		found = xstrdup(near);
	}
	for (size_t i = 0; i < n; i++)
		free(parts[i]);
	free(parts);
	free(names);
	return found;
}

static int unknown_key(struct config *c, const struct yaml *y, const char *path)
{
	_cleanup_(free_p) char *near = suggest(c, path, y->key);

	return problem(c, "%s:%d:%d: unknown key '%.100s'%s%s%s", c->file, y->key_line,
		       y->key_column, path, near ? ", did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
}

static bool is_null(const struct yaml *y)
{
	return y->type == YAML_SCALAR && !y->quoted &&
	       (str_empty(y->text) || str_eq(y->text, "~") || str_eq(y->text, "null"));
}

static int list_from_yaml(struct config *c, struct entry *e, const struct yaml *y,
			  const char *origin)
{
	struct str text = STR_INIT(100000);
	int r = 0;

	option_unset(e->v.row, e->base);
	for (const struct yaml *m = y->first; m && !r; m = m->next) {
		struct err why;
		if (m->type != YAML_SCALAR || is_null(m))
			r = problem(c, "%s:%d:%d: '%s' wants a list of texts", c->file, m->line,
				    m->column, e->v.row->name);
		else if (option_add(e->v.row, e->base, m->text, &why))
			r = problem(c, "%s:%d:%d: '%s' %s", c->file, m->line, m->column,
				    e->v.row->name, why.msg);
		else
			str_addf(&text, "%s%s", text.len ? "," : "", m->text);
	}
	remember(e, str_get(&text), origin);
	str_fini(&text);
	return r;
}

static int value_from_yaml(struct config *c, struct entry *e, const struct yaml *y)
{
	_cleanup_(free_p) char *origin = xasprintf("%s:%d:%d", c->file, y->line, y->column);

	if (y->type == YAML_LIST && e->v.row->type == OPT_LIST)
		return list_from_yaml(c, e, y, origin);
	if (y->type != YAML_SCALAR)
		return problem(c, "%s: '%s' wants a%s %s, not a %s", origin, e->v.row->name,
			       e->v.row->type == OPT_INT ? "n" : "",
			       opt_type_name(e->v.row->type), y->type == YAML_MAP ? "map" : "list");
	return set_entry(c, e, is_null(y) ? NULL : y->text, origin);
}

static int load_map(struct config *c, const struct yaml *map, const char *prefix);

static int load_member(struct config *c, const struct yaml *y, const char *path)
{
	struct entry *e = find(c, path);

	if (e)
		return value_from_yaml(c, e, y);
	if (!is_section(c, path))
		return unknown_key(c, y, path);
	if (y->type == YAML_MAP)
		return load_map(c, y, path);
	if (is_null(y))
		return 0;
	return problem(c, "%s:%d:%d: '%s' is a section: its options go below it", c->file, y->line,
		       y->column, path);
}

static int load_map(struct config *c, const struct yaml *map, const char *prefix)
{
	for (const struct yaml *y = map->first; y; y = y->next) {
		_cleanup_(free_p) char *path =
			*prefix ? xasprintf("%s.%s", prefix, y->key) : xstrdup(y->key);
		if (!*prefix && (str_eq(path, "environments") || str_eq(path, "environment")))
			continue;
		int r = load_member(c, y, path);
		if (r)
			return r;
	}
	return 0;
}

static int unknown_environment(struct config *c, const struct yaml *all, const char *name,
			       const struct yaml *at)
{
	const char *names[64] = { NULL };
	size_t n = 0;
	char place[300];

	for (const struct yaml *y = all ? all->first : NULL; y && n < COUNT_OF(names); y = y->next)
		names[n++] = y->key;
	const char *near = str_nearest(name, names, n);
	if (at)
		snprintf(place, sizeof(place), "%.250s:%d:%d: ", c->file, at->line, at->column);
	else
		snprintf(place, sizeof(place), "--env: ");
	return problem(c, "%sno environment '%.60s' in %.200s%s%s%s", place, name,
		       c->file ? c->file : "the configuration (there is no file)",
		       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* environments.NAME: label, production, and any option by its name. */
static int load_environment(struct config *c, const struct yaml *env)
{
	for (const struct yaml *y = env->first; y; y = y->next) {
		int r;
		if (str_eq(y->key, "label") && y->type == YAML_SCALAR) {
			str_replace(&c->label, y->text);
			continue;
		}
		if (str_eq(y->key, "production")) {
			if (y->type != YAML_SCALAR ||
			    (!str_eq(y->text, "true") && !str_eq(y->text, "false"))) {
				r = problem(c, "%s:%d:%d: 'production' wants true or false",
					    c->file, y->line, y->column);
				if (r)
					return r;
			}
			c->production = str_eq(y->text, "true");
			continue;
		}
		r = load_member(c, y, y->key);
		if (r)
			return r;
	}
	return 0;
}

static int load_environments(struct config *c, const struct yaml *root, const char *env_name)
{
	const struct yaml *all = yaml_get(root, "environments");
	const struct yaml *chosen = yaml_get(root, "environment");

	if (all && !is_null(all) && all->type != YAML_MAP)
		return problem(c, "%s:%d:%d: 'environments' wants a map of names", c->file,
			       all->line, all->column);
	for (const struct yaml *y = all ? all->first : NULL; y; y = y->next) {
		if (y->type != YAML_MAP && !is_null(y)) {
			int r = problem(c, "%s:%d:%d: environment '%.60s' wants a map of options",
					c->file, y->line, y->column, y->key);
			if (r)
				return r;
		}
	}
	if (!env_name && chosen && !is_null(chosen))
		env_name = chosen->type == YAML_SCALAR ? chosen->text : "";
	else
		chosen = NULL;
	if (str_empty(env_name) && !chosen)
		return 0;
	const struct yaml *env = yaml_get(all, env_name);
	if (!env)
		return unknown_environment(c, all, env_name, chosen);
	str_replace(&c->environment, env_name);
	str_replace(&c->label, env_name);
	c->in_environment = true;
	int r = load_environment(c, env);
	c->in_environment = false;
	return r;
}

static int load_process_environment(struct config *c, char *(*getenv_fn)(const char *))
{
	for (size_t i = 0; i < c->n; i++) {
		const char *name = c->entries[i].v.row->env;
		const char *text = name ? getenv_fn(name) : NULL;
		char origin[100];
		if (str_empty(text))
			continue;
		snprintf(origin, sizeof(origin), "environment %s", name);
		int r = set_entry(c, &c->entries[i], text, origin);
		if (r)
			return r;
	}
	return 0;
}

static bool insecure_allowed(const struct config *c)
{
	const struct entry *e = find(c, insecure_option);

	return e && e->v.row->type == OPT_BOOL && *(bool *)((char *)e->base + e->v.row->offset);
}

static int check_one_url(struct config *c, const struct entry *e, const char *url, bool allowed)
{
	if (str_empty(url) || !url_insecure(url))
		return 0;
	if (!allowed)
		return problem(c, "%s: '%s' %s would travel in clear: use https, or set %s: true",
			       e->v.origin, e->v.row->name, url, insecure_option);
	char *text = xasprintf("INSECURE: %s %s travels in clear (%s is true)", e->v.row->name, url,
			       insecure_option);
	strlist_add(&c->warnings, text);
	free(text);
	return 0;
}

/* After every layer: a later one may have allowed what an earlier one set. */
static int check_urls(struct config *c)
{
	bool allowed = insecure_allowed(c);

	strlist_fini(&c->warnings);
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->entries[i];
		void *p = (char *)e->base + e->v.row->offset;
		int r = 0;
		if (e->v.row->type == OPT_URL)
			r = check_one_url(c, e, *(char **)p, allowed);
		const struct strlist *l = e->v.row->type == OPT_LIST ? p : NULL;
		for (size_t k = 0; l && (e->v.row->flags & OPT_URLS) && k < l->n && !r; k++)
			r = check_one_url(c, e, l->v[k], allowed);
		if (r)
			return r;
	}
	return 0;
}

static int load_defaults(struct config *c, const struct option_table *const *tables,
			 void *const *bases, size_t n)
{
	for (size_t t = 0; t < n; t++)
		c->n += tables[t]->n;
	c->entries = xcalloc(c->n, sizeof(*c->entries));
	size_t i = 0;
	for (size_t t = 0; t < n; t++) {
		for (size_t r = 0; r < tables[t]->n; r++, i++) {
			c->entries[i].v.row = &tables[t]->rows[r];
			c->entries[i].base = bases[t];
		}
	}
	for (i = 0; i < c->n; i++) {
		struct entry *e = &c->entries[i];
		int r = e->v.row->def ? set_entry(c, e, e->v.row->def, "default") : 0;
		if (r)
			return r;
		if (!e->v.row->def)
			remember(e, NULL, "default");
	}
	return 0;
}

static int load_layers(struct config *c, const struct yaml *root, const char *env_name,
		       char *(*getenv_fn)(const char *))
{
	int r = 0;

	if (root && root->type != YAML_MAP)
		return problem(c, "%s:%d:%d: a configuration is a map of options", c->file,
			       root->line, root->column);
	if (root)
		r = load_map(c, root, "");
	if (!r)
		r = load_environments(c, root, env_name);
	if (!r && getenv_fn)
		r = load_process_environment(c, getenv_fn);
	return r ? r : check_urls(c);
}

/* ---- environments that were not chosen ------------------------------------------------- */

static void warn_of(void *ctx, const char *text)
{
	struct config *c = ctx;

	strlist_add(&c->elsewhere, text);
}

static void free_entries(struct config *c)
{
	for (size_t i = 0; i < c->n; i++) {
		option_unset(c->entries[i].v.row, c->entries[i].base);
		free(c->entries[i].v.text);
		free(c->entries[i].v.origin);
	}
	free(c->entries);
	free(c->label);
}

/* Into settings of its own, which nobody reads. What is wrong there is an error of the file, but
 * no reason not to start where it does not apply. */
static void check_other(struct config *c, const struct option_table *const *tables, size_t n,
			const struct yaml *env)
{
	struct config x = { .file = c->file, .problem = c->problem ? c->problem : warn_of,
			    .problem_ctx = c->problem ? c->problem_ctx : c };
	void **bases = xcalloc(n + 1, sizeof(*bases));

	for (size_t i = 0; i < n; i++)
		bases[i] = xcalloc(1, tables[i]->size);
	load_defaults(&x, tables, bases, n);
	x.in_environment = true;
	load_environment(&x, env);
	c->problems += c->problem ? x.problems : 0;
	free_entries(&x);
	for (size_t i = 0; i < n; i++)
		free(bases[i]);
	free(bases);
}

static void check_others(struct config *c, const struct option_table *const *tables, size_t n,
			 const struct yaml *root)
{
	const struct yaml *all = yaml_get(root, "environments");

	for (const struct yaml *y = all ? all->first : NULL; y; y = y->next)
		if (y->type == YAML_MAP && !str_eq(y->key, c->environment))
			check_other(c, tables, n, y);
}

static struct config *load(struct config *c, const struct option_table *const *tables,
			   void *const *bases, size_t n, const char *env_name,
			   char *(*getenv_fn)(const char *))
{
	struct yaml *root = NULL;
	int r = load_defaults(c, tables, bases, n);

	if (!r && c->file) {
		struct err why = { 0 };
		root = yaml_load(c->file, &why);
		if (!root) {
			problem(c, "%s", why.msg);
			r = ERR_INVALID;
		}
	}
	if (!r)
		r = load_layers(c, root, env_name, getenv_fn);
	if (!r && root && root->type == YAML_MAP)
		check_others(c, tables, n, root);
	for (size_t i = 0; i < n && !r; i++) {
		struct err why = { 0 };

		if (tables[i]->check && tables[i]->check(bases[i], &why) < 0)
			r = problem(c, "%s%s%s: %s", c->file ? c->file : "", c->file ? ": " : "",
				    why.field[0] ? why.field : tables[i]->section, why.msg);
	}
	yaml_free(root);
	c->file = NULL;
	c->err = NULL;
	if (r) {
		config_free(c);
		return NULL;
	}
	return c;
}

struct config *config_load(const struct option_table *const *tables, void *const *bases, size_t n,
			   const char *file, const char *env_name,
			   char *(*getenv_fn)(const char *), struct err *err)
{
	struct config *c = xcalloc(1, sizeof(*c));

	c->file = file;
	c->err = err;
	return load(c, tables, bases, n, env_name, getenv_fn);
}

struct config *config_load_all(const struct option_table *const *tables, void *const *bases,
			       size_t n, const char *file, const char *env_name,
			       char *(*getenv_fn)(const char *),
			       void (*tell)(void *ctx, const char *text), void *ctx,
			       size_t *ret_problems)
{
	struct config *c = xcalloc(1, sizeof(*c));
	size_t problems = 1;

	c->file = file;
	c->problem = tell;
	c->problem_ctx = ctx;
	c = load(c, tables, bases, n, env_name, getenv_fn);
	if (c) {
		problems = c->problems;
		c->problem = NULL;
	}
	*ret_problems = problems;
	return c;
}

int config_set(struct config *c, const char *name, const char *text, const char *origin,
	       struct err *err)
{
	struct entry *e = find(c, name);
	int r;

	c->err = err;
	if (!e) {
		_cleanup_(free_p) char *near = suggest(c, name, name);
		r = problem(c, "%s: no option '%.100s'%s%s%s", origin, name,
			    near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	} else {
		r = set_entry(c, e, text, origin);
		if (!r)
			r = check_urls(c);
	}
	c->err = NULL;
	return r;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free_entries(c);
	free(c->environment);
	strlist_fini(&c->warnings);
	strlist_fini(&c->elsewhere);
	free(c);
}

size_t config_count(const struct config *c)
{
	return c->n;
}

const struct config_value *config_at(const struct config *c, size_t i)
{
	return i < c->n ? &c->entries[i].v : NULL;
}

const char *config_environment(const struct config *c)
{
	return c->environment ? c->environment : "";
}

const char *config_environment_label(const struct config *c)
{
	return c->label ? c->label : "";
}

bool config_production(const struct config *c)
{
	return c->production;
}

const char *config_warning(const struct config *c, size_t i)
{
	size_t n = c->warnings.n;

	if (i < n)
		return c->warnings.v[i];
	return i - n < c->elsewhere.n ? c->elsewhere.v[i - n] : NULL;
}

static const struct secret *secret_at(const struct entry *e)
{
	return *(struct secret **)((char *)e->base + e->v.row->offset);
}

void config_take(struct config *running, struct config *fresh,
		 void (*tell)(void *ctx, const char *text), void *ctx)
{
	for (size_t i = 0; i < running->n && i < fresh->n; i++) {
		struct entry *a = &running->entries[i];
		struct entry *b = &fresh->entries[i];
		const struct option_row *row = a->v.row;
		bool same = str_eq(a->v.text, b->v.text);
		char text[400];
		if (row->type == OPT_SECRET) /* the texts are masks */
			same = str_eq(secret_reveal(secret_at(a)), secret_reveal(secret_at(b)));
		if (same)
			continue;
		if (row->flags & OPT_RELOAD) {
			snprintf(text, sizeof(text), "%s: %.150s -> %.150s", row->name,
				 a->v.text ? a->v.text : "unset", b->v.text ? b->v.text : "unset");
			option_swap(row, a->base, b->base);
			struct config_value keep = a->v;
			a->v = b->v;
			b->v = keep;
		} else {
			snprintf(text, sizeof(text), "%s: needs a restart", row->name);
		}
		tell(ctx, text);
	}
}

static char *if_there(char *path)
{
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *config_find(const char *given, char *(*getenv_fn)(const char *))
{
	const char *v;
	char *path;

	if (given)
		return xstrdup(given);
	v = getenv_fn ? getenv_fn("RINGDOWN_CONFIG") : NULL;
	if (!str_empty(v))
		return xstrdup(v);
	path = if_there(xstrdup("./ringdown.yaml"));
	if (path || !getenv_fn)
		return path;
	v = getenv_fn("XDG_CONFIG_HOME");
	if (!str_empty(v))
		path = if_there(xasprintf("%s/ringdown/ringdown.yaml", v));
	else if (!str_empty(v = getenv_fn("HOME")))
		path = if_there(xasprintf("%s/.config/ringdown/ringdown.yaml", v));
	return path ? path : if_there(xstrdup("/etc/ringdown/ringdown.yaml"));
}
