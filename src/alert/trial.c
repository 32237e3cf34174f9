/* See trial.h. The same board, rules and sentences as in an engine; only the clock and where the
 * values come from are others. */
#include "alert/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/yaml.h"

enum { STEPS_MAX = 100000, SERIES_MAX = 20000, EPOCH_MS = 1000000 };

static const struct field trial_fields[] = {
	FIELD(trial_row, at_ms, "at", "AT", F_DUR),
	FIELD(trial_row, what, "is", "IS", F_STR),
	FIELD(trial_row, name, "alert", "ALERT", F_STR),
	FIELD(trial_row, label, "on", "ON", F_STR, .flags = FF_OUTSIDE),
	FIELD(trial_row, severity, "severity", "LEVEL", F_STR),
	FIELD(trial_row, priority, "priority", "P", F_STR),
	FIELD(trial_row, value, "value", "VALUE", F_STR),
	FIELD(trial_row, by, "inhibitedBy", "BECAUSE OF", F_STR),
	FIELD(trial_row, text, "text", "WHAT", F_STR, .flags = FF_OUTSIDE),
	FIELD(trial_row, wrong, "wrong", "NOT AS EXPECTED", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(trial_type, "what happened", trial_row, trial_fields);

/* NAN none, INFINITY unread */
struct line { size_t metric; char *label; double *v; size_t n, cap; };
struct playing {
	const char *file;
	struct err *err;
	const struct policy *p;
	struct board *b;
	int64_t step_ms;
	struct line *lines; size_t n_lines, cap_lines;
	size_t steps;
	struct trial *out;
};

void trial_fini(struct trial *r)
{
	records_free(&trial_type, r->v, r->n);
	*r = (struct trial){ 0 };
}

/* ---- reading the file ----------------------------------------------------------------------- */

static int value_of(struct playing *g, const struct yaml *y, const char *word, double *ret)
{
	if (str_eq(word, "-"))
		*ret = INFINITY;
	else if (str_eq(word, "_"))
		*ret = NAN;
	else if (!parse_double(word, ret))
		return yaml_err(g->err, g->file, y, "'%.40s': a number, - (not read) or _ (no"
				" value) is wanted, with xN for N times", word);
	return 0;
}

/* "6x40" */
static int add_values(struct playing *g, struct line *l, const struct yaml *y, const char *word)
{
	_cleanup_(free_p) char *copy = xstrdup(word);
	char *x = strrchr(copy, 'x');
	int64_t times = 1;
	double v = 0;
	int e;

	if (x)
		*x = '\0';
	if (x && !parse_i64(x + 1, 1, STEPS_MAX, &times))
		return yaml_err(g->err, g->file, y, "'%.40s': how many times, 1 to %d", word,
				STEPS_MAX);
	e = value_of(g, y, copy, &v);
	if (e == 0 && l->n + (size_t)times > STEPS_MAX)
		e = yaml_err(g->err, g->file, y, "more than %d values", STEPS_MAX);
	for (int64_t i = 0; e == 0 && i < times; i++) {
		l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = v;
	}
	return e;
}

static int add_words(struct playing *g, struct line *l, const struct yaml *y, const char *text)
{
	_cleanup_(free_p) char *copy = xstrdup(text);
	char *save = NULL;
	int e = 0;

	for (char *w = strtok_r(copy, " \t\n,", &save); w && e == 0;
	     w = strtok_r(NULL, " \t\n,", &save))
		e = add_values(g, l, y, w);
	return e;
}

/* An error at the key instead of its value. */
static struct yaml at_key(const struct yaml *y)
{
	return (struct yaml){ .line = y->key_line ? y->key_line : y->line,
			      .column = y->key_column ? y->key_column : y->column };
}

/* Every key of a map is one of keys, else the nearest is named. */
static int known_keys(struct playing *g, const struct yaml *map, const char *const *keys, size_t n)
{
	for (const struct yaml *y = map->first; y; y = y->next) {
		const char *near = str_nearest(y->key, keys, n);
		struct yaml at = at_key(y);
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known |= str_eq(keys[i], y->key);
		if (known)
			continue;
		_cleanup_(str_fini) struct str all = STR_INIT(400);
		for (size_t i = 0; i < n; i++)
			str_addf(&all, "%s%s", i ? ", " : "", keys[i]);
		return yaml_err(g->err, g->file, &at, "unknown key '%.40s'; %s%s%s", y->key,
				near ? "did you mean '" : "there are ", near ? near : str_get(&all),
				near ? "'?" : "");
	}
	return 0;
}

static int metric_of(struct playing *g, const struct yaml *y, const char *name, size_t *ret)
{
	const char *near = policy_nearest_metric(g->p, name);

	struct yaml at = at_key(y);

	for (*ret = 0; *ret < g->p->n_metrics; (*ret)++)
		if (str_eq(g->p->metrics[*ret].name, name))
			return 0;
	return yaml_err(g->err, g->file, &at, "the policy has no metric '%.60s'%s%s%s", name,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const struct line *line_of(const struct playing *g, size_t metric, const char *label)
{
	for (size_t i = 0; i < g->n_lines; i++)
		if (g->lines[i].metric == metric && str_eq(g->lines[i].label, label))
			return &g->lines[i];
	return NULL;
}

/* name{label}: which metric, and the label; caller frees. */
static int read_name(struct playing *g, const struct yaml *y, size_t *ret_metric, char **ret_label)
{
	size_t n = strcspn(y->key, "{"), k = strlen(y->key);
	_cleanup_(free_p) char *name = xstrndup(y->key, n), *label = NULL;
	struct yaml at = at_key(y);
	int e = metric_of(g, y, name, ret_metric);

	if (e < 0)
		return e;
	if (y->key[n] && (k < n + 2 || y->key[k - 1] != '}'))
		return yaml_err(g->err, g->file, &at, "%.60s: name{label} is wanted", y->key);
	label = y->key[n] ? xstrndup(y->key + n + 1, k - n - 2) : xstrdup("");
	if (label[0] && !g->p->metrics[*ret_metric].by)
		return yaml_err(g->err, g->file, &at, "%s has no label: it has no 'by' in the"
				" policy", name);
	if (line_of(g, *ret_metric, label))
		return yaml_err(g->err, g->file, &at, "%.60s stands here twice", y->key);
	if (g->n_lines == SERIES_MAX)
		return yaml_err(g->err, g->file, &at, "more than %d series", SERIES_MAX);
	*ret_label = TAKE(label);
	return 0;
}

/* name{label}: values */
static int read_line(struct playing *g, const struct yaml *y)
{
	char *label = NULL;
	struct line *l;
	size_t metric;
	int e = read_name(g, y, &metric, &label);

	if (e < 0)
		return e;
	g->lines = grow(g->lines, &g->cap_lines, g->n_lines + 1, sizeof(*g->lines));
	l = &g->lines[g->n_lines++];
	*l = (struct line){ .metric = metric, .label = label };
	if (y->type == YAML_SCALAR)
		e = add_words(g, l, y, y->text);
	for (const struct yaml *v = y->type == YAML_LIST ? y->first : NULL; v && e == 0;
	     v = v->next)
		e = v->type == YAML_SCALAR ? add_words(g, l, v, v->text) :
			yaml_err(g->err, g->file, v, "%s: values are wanted", y->key);
	if (e == 0 && !l->n)
		e = yaml_err(g->err, g->file, y, "%s: values are wanted: 1x20 6x40", y->key);
	g->steps = l->n > g->steps ? l->n : g->steps;
	return e;
}

static int duration_of(struct playing *g, const struct yaml *y, int64_t *ret)
{
	if (y->type == YAML_SCALAR && parse_duration_ms(y->text, ret))
		return 0;
	return yaml_err(g->err, g->file, y, "%s: a duration with its unit is wanted (90s, 5m)",
			y->key ? y->key : "at");
}

static int read_file(struct playing *g, const struct yaml *root)
{
	static const char *const keys[] = { "policy", "step", "series", "expect" };
	const struct yaml *series = root->type == YAML_MAP ? yaml_get(root, "series") : NULL;
	int e = root->type == YAML_MAP ? known_keys(g, root, keys, COUNT_OF(keys)) : 0;

	if (e == 0 && (!series || series->type != YAML_MAP))
		return yaml_err(g->err, g->file, series ? series : root, "'series' is wanted: a map"
				" of metric to values, {call_drop_rate: 1x20 6x40}");
	if (e == 0 && yaml_get(root, "step"))
		e = duration_of(g, yaml_get(root, "step"), &g->step_ms);
	if (e == 0 && g->step_ms < 100)
		e = yaml_err(g->err, g->file, yaml_get(root, "step"), "step: at least 100ms");
	for (const struct yaml *y = e == 0 ? series->first : NULL; y && e == 0; y = y->next)
		e = read_line(g, y);
	return e;
}

/* ---- playing -------------------------------------------------------------------- */

static struct trial_row *add_row(struct playing *g, int64_t at_ms, const char *name,
				const char *label, const char *what)
{
	struct trial *o = g->out;
	struct trial_row *r;

	o->v = grow(o->v, &o->cap, o->n + 1, sizeof(*o->v));
	r = &o->v[o->n++];
	*r = (struct trial_row){ .at_ms = at_ms, .name = xstrdup(name), .label = xstrdup(label),
				.what = xstrdup(what) };
	return r;
}

static const char *label_of(const void *ctx, const char *name)
{
	const struct board_series *const *s = ctx;

	(void)name;		/* a metric has one label, the one of its `by` */
	return (*s)->s.label;
}

static const char *inhibitor(const struct playing *g, const struct board_series *s)
{
	struct firing *all = xcalloc(g->b->n + 1, sizeof(*all)), me = { NULL, NULL };
	const char *by = NULL;
	size_t n = 0;

	for (size_t i = 0; i < g->b->n; i++) {
		const struct board_series *x = &g->b->v[i];
		struct firing f = { g->p->metrics[x->metric].name, x->s.label };

		if (x == s)
			me = f;
		else if (x->s.state == AL_FIRING)
			all[n++] = f;
	}
	inhibited(g->p, &me, label_of, &s, all, n, &by);
	free_p(&all);
	return by;
}

static void tell(struct playing *g, const struct board_change *c, int64_t at_ms)
{
	static const char *const words[] = {
		[SERIES_PENDING] = "pending", [SERIES_FIRES] = "firing", [SERIES_WORSE] = "worse",
		[SERIES_BETTER] = "better", [SERIES_RESOLVED] = "resolved",
		[SERIES_DROPPED] = "dropped",
	};
	const struct board_series *s = &g->b->v[c->series];
	const char *by = s->s.state == AL_FIRING ? inhibitor(g, s) : NULL;
	struct alert a;
	struct trial_row *r = add_row(g, at_ms, g->p->metrics[s->metric].name, s->s.label,
				     words[c->what]);

	board_alert(g->b, s, NULL, &a);
	r->severity = board_open(s) ? TAKE(a.severity) : NULL;
	r->priority = board_open(s) ? TAKE(a.priority) : NULL;
	r->value = TAKE(a.value);
	r->text = TAKE(a.text);
	r->by = by ? xstrdup(by) : NULL;
	record_fini(&alert_type, &a);
}

/* What one metric reads at this step: false when it has no value in any series. */
static bool points_at(const struct playing *g, size_t metric, size_t step,
		      struct metric_points *ret, bool *ret_unread)
{
	bool any = false;

	*ret_unread = false;
	for (size_t i = 0; i < g->n_lines; i++) {
		const struct line *l = &g->lines[i];

		if (l->metric != metric || step >= l->n)
			continue;
		any = true;
		if (isinf(l->v[step]))
			*ret_unread = true;
		else if (!isnan(l->v[step]))
			metric_points_add(ret, l->label, l->v[step]);
	}
	return any;
}

static void play_step(struct playing *g, size_t step)
{
	int64_t at = (int64_t)step * g->step_ms, now = EPOCH_MS + at;

	for (size_t i = 0; i < g->b->n_metrics; i++) {
		size_t m = board_order(g->b, i);
		struct metric_points p = { 0 };
		bool unread;

		if (points_at(g, m, step, &p, &unread)) {
			if (unread)
				board_failed(g->b, m, "the file says so", now);
			else
				board_read(g->b, m, &p, now);
		}
		metric_points_fini(&p);
	}
	board_tick(g->b, now);
	for (size_t i = 0; i < g->b->n_changes; i++)
		tell(g, &g->b->changes[i], at);
	g->b->n_changes = 0;
	for (size_t i = 0; i < g->b->n_metrics; i++) {
		struct board_metric *m = &g->b->metrics[i];

		if (m->unreadable != (m->shown > 0))
			add_row(g, at, m->of->name, "", m->unreadable ? "unreadable" : "readable");
		m->shown = m->unreadable;
	}
}

/* ---- what is expected ----------------------------------------------------------- */

struct expected {
	const struct yaml *y;
	int64_t at_ms;
	const char *alert, *on, *is, *severity;
	size_t metric;
};

static int no_series(struct playing *g, const struct yaml *y, const struct expected *e)
{
	const char **labels = xcalloc(g->n_lines + 1, sizeof(*labels)), *near;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < g->n_lines; i++)
		if (g->lines[i].metric == e->metric)
			labels[n++] = g->lines[i].label;
	near = str_nearest(e->on, labels, n);
	if (!near && n == 1)
		near = labels[0];
	r = yaml_err(g->err, g->file, yaml_get(y, yaml_get(y, "on") ? "on" : "alert"),
		     "there is no series of %.60s%s%.60s in this file%s%.60s%s", e->alert,
		     e->on[0] ? " on " : "", e->on, !near ? "" : near[0] ? "; did you mean 'on: " :
		     "; it has none with a label", near ? near : "", near && near[0] ? "'?" : "");
	free_p(&labels);
	return r;
}

/* What it names must be in the file: a slip would be quiet for ever. */
static int check_expected(struct playing *g, const struct yaml *y, struct expected *e)
{
	int64_t end = (int64_t)g->steps * g->step_ms;
	char d[40];
	int r = metric_of(g, yaml_get(y, "alert"), e->alert, &e->metric);

	if (r == 0)
		r = duration_of(g, yaml_get(y, "at"), &e->at_ms);
	if (r == 0 && e->severity && !str_eq(e->severity, "warn") && !str_eq(e->severity, "bad"))
		r = yaml_err(g->err, g->file, yaml_get(y, "severity"),
			     "severity: warn or bad is wanted, not '%.40s'", e->severity);
	if (r == 0 && !line_of(g, e->metric, e->on))
		r = no_series(g, y, e);
	if (r == 0 && e->at_ms > end) {
		format_duration(d, sizeof(d), end);
		r = yaml_err(g->err, g->file, yaml_get(y, "at"), "at: the series end after %s", d);
	}
	return r;
}

static int read_expected(struct playing *g, const struct yaml *y, struct expected *e)
{
	static const char *const words[] = { "pending", "firing", "resolved", "quiet",
					     "unreadable", "inhibited" };
	static const char *const keys[] = { "at", "alert", "is", "on", "severity" };
	const char *near;

	*e = (struct expected){ .y = y };
	if (y->type != YAML_MAP)
		return yaml_err(g->err, g->file, y, "{at: 5m, alert: NAME, is: firing} is wanted");
	if (known_keys(g, y, keys, COUNT_OF(keys)) < 0)
		return ERR_INVALID;
	for (size_t i = 0; i < 3; i++)
		if (str_empty(yaml_get_str(y, keys[i])))
			return yaml_err(g->err, g->file, y, "'%s' is missing: {at: 5m, alert: NAME,"
					" is: firing} is wanted", keys[i]);
	e->alert = yaml_get_str(y, "alert");
	e->on = yaml_get_str(y, "on") ? yaml_get_str(y, "on") : "";
	e->is = yaml_get_str(y, "is");
	e->severity = yaml_get_str(y, "severity");
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(words[i], e->is))
			return check_expected(g, y, e);
	near = str_nearest(e->is, words, COUNT_OF(words));
	return yaml_err(g->err, g->file, yaml_get(y, "is"), "is: '%.40s' is unknown%s%s%s", e->is,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const struct board_series *series_of(const struct playing *g, const struct expected *e)
{
	for (size_t i = 0; i < g->b->n; i++)
		if (g->b->v[i].metric == e->metric && str_eq(g->b->v[i].s.label, e->on))
			return &g->b->v[i];
	return NULL;
}

static const char *state_word(const struct board_series *s)
{
	return !s || s->s.state < 0 ? "quiet" : enum_name(&alert_state_names, s->s.state);
}

/* Asked when the board stands at that time. */
static void check(struct playing *g, const struct expected *e)
{
	const struct board_series *s = series_of(g, e);
	const char *got = g->b->metrics[e->metric].unreadable ? "unreadable" : state_word(s);
	const char *level = s && s->s.level == 2 ? "firing (bad)" : "firing (warn)";
	char at[40];
	bool good = str_eq(e->is, "unreadable") ? str_eq(got, "unreadable") :
		    str_eq(e->is, "quiet") ? !s || !board_open(s) :
		    str_eq(e->is, "inhibited") ? s && s->s.state == AL_FIRING && inhibitor(g, s) :
						 str_eq(e->is, state_word(s));
	struct trial_row *r;

	g->out->expected++;
	if (good && e->severity && str_eq(e->is, "firing") && !strstr(level, e->severity))
		good = false;
	if (!good && str_eq(got, "firing"))
		got = level;
	if (good)
		return;
	g->out->wrong++;
	r = add_row(g, e->at_ms, e->alert, e->on, e->is);
	format_duration(at, sizeof(at), e->at_ms);
	r->wrong = xasprintf("%s:%d:%d: %s%s%s at %s: %s%s%s%s expected, got %s", g->file,
			     e->y->line, e->y->column, e->alert, e->on[0] ? " on " : "", e->on, at,
			     e->is, e->severity ? " (" : "", e->severity ? e->severity : "",
			     e->severity ? ")" : "", got);
}

static int compare_at(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

static int play(struct playing *g, const struct yaml *root)
{
	struct expected *want = NULL;
	size_t n = 0, cap = 0, k = 0;
	int e = read_file(g, root);
	const struct yaml *list = yaml_get(root, "expect");

	if (e == 0 && list && list->type != YAML_LIST)
		e = yaml_err(g->err, g->file, list, "expect: a list is wanted");
	if (e == 0 && list && !list->first)
		e = yaml_err(g->err, g->file, list, "expect: an empty list checks nothing");
	for (const struct yaml *y = e == 0 && list ? list->first : NULL; y && e == 0; y = y->next) {
		want = grow(want, &cap, n + 1, sizeof(*want));
		e = read_expected(g, y, &want[n++]);
	}
	if (e == 0 && n)
		qsort(want, n, sizeof(*want), compare_at);
	for (size_t step = 0; e == 0 && step < g->steps; step++) {
		while (k < n && want[k].at_ms < (int64_t)step * g->step_ms)
			check(g, &want[k++]);
		play_step(g, step);
	}
	while (e == 0 && k < n)
		check(g, &want[k++]);
	g->out->length_ms = g->steps ? (int64_t)(g->steps - 1) * g->step_ms : 0;
	free_p(&want);
	return e;
}

/* "policy:" beside the file. */
static int own_policy(struct playing *g, const struct yaml *root, struct policy **ret)
{
	const char *name = yaml_get_str(root, "policy"), *slash = strrchr(g->file, '/');
	_cleanup_(free_p) char *path = NULL;
	struct err why = { 0 };

	if (!name)
		return g->p ? 0 : yaml_err(g->err, g->file, root,
					   "no policy.yaml was found; 'policy' names one");
	path = name[0] == '/' || !slash ? xstrdup(name) :
	       xasprintf("%.*s/%s", (int)(slash - g->file), g->file, name);
	*ret = policy_load(path, &why);
	g->p = *ret;
	return *ret ? 0 : yaml_err(g->err, g->file, yaml_get(root, "policy"), "policy: %s",
				   why.msg);
}

int trial_run(const char *file, const struct policy *p, struct trial *ret, struct err *err)
{
	struct playing g = { .file = file, .err = err, .p = p, .step_ms = BOARD_EVERY_MS,
			     .out = ret };
	struct yaml *root = yaml_load(file, err);
	struct policy *own = NULL;
	int e = root ? own_policy(&g, root, &own) : err->code;

	*ret = (struct trial){ 0 };
	if (root && e == 0) {
		g.b = board_new(g.p, 1);
		for (size_t i = 0; i < g.b->n_metrics; i++)
			if (!g.p->metrics[i].every_ms)
				g.b->metrics[i].m.every_ms = BOARD_EVERY_MS;
		e = play(&g, root);
	}
	for (size_t i = 0; i < g.n_lines; i++) {
		free_p(&g.lines[i].label);
		free_p(&g.lines[i].v);
	}
	free_p(&g.lines);
	board_free(g.b);
	policy_free(own);
	yaml_free(root);
	if (e < 0)
		trial_fini(ret);
	return e;
}
