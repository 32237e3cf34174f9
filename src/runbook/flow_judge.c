/*
 * A verb's result becomes the data of an entry: the checks side by side with what was
 * wanted, saves, the explanation of codes, and the result itself, masked and cut. This is
 * the single way of a result into storage: secrets and masked columns end here.
 */
#include <string.h>

#include "core/crypto.h"
#include "runbook/flow_priv.h"

enum { TEXT_KEPT = 32 << 10, ROWS_KEPT = 200, SHORT = 400 };

struct judging {
	const struct flow *f;
	const struct node *n;
	const struct value *result;
	struct jw *w;
	enum run_outcome worst;
	struct str why;
};

/* ---- checks ------------------------------------------------------------------------- */

static void masked_text(const struct judging *j, const char *name, const char *text)
{
	struct str b = STR_INIT(64 << 10);
	_cleanup_(free_p) char *clean = NULL;

	str_add(&b, text);
	masker_apply(j->f->masker, &b);
	clean = text_clean(str_get(&b), SHORT);
	jw_str(j->w, name, clean);
	str_fini(&b);
}

static bool masked_name(const struct step *s, const char *name)
{
	for (size_t i = 0; i < s->n_mask; i++)
		if (str_eq(s->mask[i], name) ||
		    (str_has_prefix(s->mask[i], "$.") && str_eq(s->mask[i] + 2, name)))
			return true;
	return false;
}

static void one_check(struct judging *j, const struct expect *x)
{
	struct str wanted = STR_INIT(2000), actual = STR_INIT(8000), why = STR_INIT(2000);
	enum run_outcome o = subject_test(x->subject, x->m, j->result, &actual, &why);

	matcher_print(&wanted, x->m);
	jw_obj(j->w, NULL);
	jw_str(j->w, "subject", x->subject);
	masked_text(j, "expected", str_get(&wanted));
	masked_text(j, "actual", str_get(&actual));
	jw_str(j->w, "outcome", run_outcome_name(o));
	masked_text(j, "why", str_get(&why));
	jw_obj_end(j->w);
	if (o > j->worst) {
		j->worst = o;
		str_clear(&j->why);
		str_addf(&j->why, "%s: %s", x->subject, str_get(&why));
	}
	str_fini(&wanted);
	str_fini(&actual);
	str_fini(&why);
}

/* What a verb says of itself when nothing is expected: a command's exit code, an HTTP
 * status, a metric's band. */
static void unasked(struct judging *j)
{
	const struct value *exit = value_get(j->result, "exit");
	const struct value *status = value_get(j->result, "status");
	const struct value *band = value_get(j->result, "band");

	if (exit && exit->type == V_NUMBER && exit->n != 0) {
		j->worst = RO_FAIL;
		str_addf(&j->why, "exit code %.0f", exit->n);
	} else if (status && status->type == V_NUMBER && status->n >= 400) {
		j->worst = RO_FAIL;
		str_addf(&j->why, "HTTP status %.0f", status->n);
	} else if (band && band->text && !str_eq(band->text, "ok")) {
		j->worst = str_eq(band->text, "warn") ? RO_WARN : RO_FAIL;
		str_addf(&j->why, "the metric is %s", band->text);
	}
}

static bool expects(const struct step *s, const char *subject)
{
	for (size_t i = 0; i < s->n_expect; i++)
		if (str_has_prefix(s->expect[i].subject, subject))
			return true;
	return false;
}

static void write_checks(struct judging *j)
{
	const struct step *s = j->n->s;

	jw_arr(j->w, "checks");
	for (size_t i = 0; i < s->n_expect; i++)
		one_check(j, &s->expect[i]);
	jw_arr_end(j->w);
	if (s->n_expect == 0 || (s->op.verb == VERB_RUN && !expects(s, "exit") &&
				 j->worst < RO_FAIL && s->effect != EFFECT_READ))
		unasked(j);
}

static bool gives_up(const struct judging *j)
{
	bool any = false;

	for (size_t i = 0; i < j->n->s->n_unless; i++) {
		const struct expect *x = &j->n->s->retry_unless[i];
		struct str actual = STR_INIT(1000), why = STR_INIT(1000);
		enum run_outcome o = subject_test(x->subject, x->m, j->result, &actual, &why);

		any = any || o == RO_PASS || o == RO_WARN;
		str_fini(&actual);
		str_fini(&why);
	}
	return any;
}

/* ---- saves ---------------------------------------------------------------------------- */

static void keep_secret(const struct judging *j, const char *name, struct value *v)
{
	_cleanup_(free_p) char *full = xasprintf("%s%s", j->f->frames[j->n->frame].prefix, name);

	if (v->type != V_TEXT) {
		struct str b = STR_INIT(64 << 10);

		value_print(&b, v, 64 << 10);
		value_set_text(v, str_get(&b));
		str_fini(&b);
	}
	v->secret = true;
	masker_add(j->f->masker, v->text, NULL);
	frame_set(j->f->secrets, full, v);
}

/* Secrets first: what follows is masked with them. */
static void secret_saves(struct judging *j, const struct save *saves, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct value v = { 0 };

		if (saves[i].secret &&
		    subject_value(saves[i].expression, j->result, &v, NULL) == 0)
			keep_secret(j, saves[i].name, &v);
		value_fini(&v);
	}
}

static void write_saves(struct judging *j, const struct save *saves, size_t n)
{
	jw_obj(j->w, "saves");
	for (size_t i = 0; i < n; i++) {
		struct value v = { 0 };

		if (!saves[i].secret &&
		    subject_value(saves[i].expression, j->result, &v, NULL) == 0) {
			masker_value(j->f->masker, &v);
			value_json(j->w, saves[i].name, &v);
		}
		value_fini(&v);
	}
	jw_obj_end(j->w);
}

/* ---- the result ------------------------------------------------------------------------- */

static void hide(struct value *v)
{
	char *name = TAKE(v->name);

	value_fini(v);
	v->name = name;
	value_set_text(v, "***");
}

static void cut_text(struct value *v)
{
	size_t n = v->text ? strlen(v->text) : 0;
	struct str b = STR_INIT(TEXT_KEPT + 200);

	if (n <= TEXT_KEPT)
		return;
	str_addn(&b, v->text, utf8_prefix(v->text, TEXT_KEPT / 2));
	str_addf(&b, "\n[... %zu bytes left out ...]\n", n - TEXT_KEPT);
	const char *tail = v->text + (n - TEXT_KEPT / 2);
	while (*tail && ((unsigned char)*tail & 0xC0) == 0x80)
		tail++;
	str_add(&b, tail);
	value_set_text(v, str_get(&b));
	str_fini(&b);
}

static void shorten(const struct step *s, struct value *v)
{
	if (v->name && masked_name(s, v->name)) {
		hide(v);
		return;
	}
	if (v->type == V_TEXT)
		cut_text(v);
	for (size_t i = ROWS_KEPT; v->type == V_LIST && i < v->n_items; i++)
		value_fini(&v->items[i]);
	if (v->type == V_LIST && v->n_items > ROWS_KEPT)
		v->n_items = ROWS_KEPT;
	for (size_t i = 0; i < v->n_items; i++)
		shorten(s, &v->items[i]);
}

static void write_result(struct judging *j)
{
	struct value v = { 0 };
	const char *const texts[] = { "stdout", "stderr", "output", "body" };

	value_copy(&v, j->result);
	masker_value(j->f->masker, &v);
	shorten(j->n->s, &v);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct value *t = value_get(&v, texts[i]);

		if (t && t->type == V_TEXT && !str_empty(t->text)) {
			jw_str(j->w, "output", t->text);
			break;
		}
	}
	value_json(j->w, "result", &v);
	value_fini(&v);
}

/* ---- explanations ------------------------------------------------------------------------- */

static const struct rb_table *table_named(const struct judging *j, const char *name)
{
	const struct runbook *rb = j->f->frames[j->n->frame].rb;

	for (size_t i = 0; i < rb->n_tables; i++)
		if (str_eq(rb->tables[i].name, name))
			return &rb->tables[i];
	return NULL;
}

static const struct value *table_row(const struct rb_table *t, const char *column,
				     const struct value *v)
{
	struct str want = STR_INIT(200), has = STR_INIT(200);
	const struct value *ret = NULL;

	value_print(&want, v, 100);
	for (size_t i = 0; i < t->rows.n_items && !ret; i++) {
		const struct value *row = &t->rows.items[i];
		const struct value *key = row->n_items ? &row->items[0] : NULL;
		const struct value *named = key ? value_get(row, column) : NULL;

		key = named ? named : key;
		str_clear(&has);
		value_print(&has, key, 100);
		ret = key && str_eq(str_get(&want), str_get(&has)) ? row : NULL;
	}
	str_fini(&want);
	str_fini(&has);
	return ret;
}

static void explain_value(struct judging *j, const struct rb_table *t, const char *column,
			  const struct value *v, struct value *done)
{
	const struct value *row = v && v->type != V_NULL ? table_row(t, column, v) : NULL;
	struct str key = STR_INIT(200), text = STR_INIT(1000);

	if (!row)
		return;
	value_print(&key, v, 100);
	for (size_t i = 0; i < row->n_items; i++) {
		const struct value *cell = &row->items[i];

		if (str_eq(cell->name, column) || (i == 0 && !value_get(row, column)) ||
		    cell->type == V_NULL || cell->type == V_LIST || cell->type == V_MAP)
			continue;
		str_add(&text, text.len ? "; " : "");
		if (cell->type == V_BOOL) /* "false" alone says nothing */
			str_addf(&text, "%s: %s", cell->name, cell->b ? "yes" : "no");
		else
			value_print(&text, cell, 300);
	}
	if (!value_get(done, str_get(&key))) {
		value_set_bool(value_add(done, str_get(&key)), true);
		jw_str(j->w, str_get(&key), str_get(&text));
	}
	str_fini(&key);
	str_fini(&text);
}

static void write_explain(struct judging *j)
{
	const struct value *rows = value_get(j->result, "table");
	const struct step *s = j->n->s;

	if (!s->n_explain || !rows)
		return;
	jw_obj(j->w, "explain");
	for (size_t i = 0; i < s->n_explain; i++) {
		const struct rb_table *t = table_named(j, s->explain[i].text);
		struct value done = { .type = V_MAP };

		if (!t)
			continue;
		jw_obj(j->w, s->explain[i].name);
		for (size_t k = 0; k < rows->n_items; k++)
			explain_value(j, t, s->explain[i].name,
				      value_get(&rows->items[k], s->explain[i].name), &done);
		jw_obj_end(j->w);
		value_fini(&done);
	}
	jw_obj_end(j->w);
}

/* ---- entries ------------------------------------------------------------------------------ */

/* Which step would have given the value. */
static const char *giver(const struct judging *j, const char *name)
{
	for (size_t i = 0; i < j->f->n_nodes; i++) {
		const struct step *s = j->f->nodes[i].s;

		for (size_t k = 0; k < s->n_save; k++)
			if (str_eq(s->save[k].name, name))
				return s->id;
		for (size_t k = 0; k < s->n_preview_save; k++)
			if (str_eq(s->preview_save[k].name, name))
				return s->id;
	}
	return name;
}

static void judge_failure(struct judging *j, const struct err *failed)
{
	bool missing = failed->code == ERR_NOT_FOUND && failed->field[0];

	j->worst = missing && j->f->dry ? RO_UNKNOWN : RO_ERROR;
	if (missing)
		str_addf(&j->why, "%s (needs %s)", j->f->dry ? "unknown" : "not done",
			 giver(j, failed->field));
	else
		str_add(&j->why, failed->msg);
}

static void write_end(struct judging *j)
{
	struct str why = STR_INIT(64 << 10);

	jw_str(j->w, "outcome", run_outcome_name(j->worst));
	if (j->why.len)
		masked_text(j, "why", str_get(&j->why));
	jw_obj_end(j->w);
	str_fini(&why);
	str_fini(&j->why);
}

void flow_judge(const struct flow *f, const struct step *s, const struct value *result,
		const struct err *failed, struct str *ret_data)
{
	struct jw w = JW(ret_data);
	struct judging j = { f, flow_node(f, s), result, &w, RO_PASS, STR_INIT(4000) };

	jw_obj(&w, NULL);
	if (failed) {
		judge_failure(&j, failed);
		if (result)
			write_result(&j);
	} else {
		secret_saves(&j, s->save, s->n_save);
		write_checks(&j);
		if (j.worst >= RO_FAIL && gives_up(&j))
			jw_bool(&w, "final", true);
		write_saves(&j, s->save, s->n_save);
		write_explain(&j);
		write_result(&j);
	}
	write_end(&j);
}

void flow_judge_preview(const struct flow *f, const struct step *s, const struct value *result,
			int64_t affected, const struct err *failed, struct str *ret_data)
{
	struct jw w = JW(ret_data);
	struct judging j = { f, flow_node(f, s), result, &w, RO_PASS, STR_INIT(4000) };

	jw_obj(&w, NULL);
	if (affected >= 0)
		jw_i64(&w, "affected", affected);
	if (failed)
		judge_failure(&j, failed);
	if (result) {
		secret_saves(&j, s->preview_save, s->n_preview_save);
		write_saves(&j, s->preview_save, s->n_preview_save);
		write_result(&j);
	}
	write_end(&j);
}

void flow_judge_dry(const struct flow *f, const struct step *s, const char *command,
		    const char *undo, const struct err *missing, struct str *ret_data)
{
	struct jw w = JW(ret_data);
	struct judging j = { f, flow_node(f, s), NULL, &w, RO_UNKNOWN, STR_INIT(4000) };

	jw_obj(&w, NULL);
	jw_bool(&w, "dry", true);
	jw_str(&w, "command", command);
	jw_str(&w, "undo", undo);
	if (missing)
		judge_failure(&j, missing);
	j.worst = RO_UNKNOWN;
	write_end(&j);
}

void flow_gate(enum run_outcome worst, const char *why, struct str *ret_data)
{
	struct jw w = JW(ret_data);

	jw_obj(&w, NULL);
	if (worst != RO_NONE)
		jw_str(&w, "outcome", run_outcome_name(worst));
	if (!str_empty(why))
		jw_str(&w, "why", why);
	jw_obj_end(&w);
}

const struct step *flow_gate_check(const struct flow *f, const struct step *gate, size_t i)
{
	const struct node *n = flow_node(f, gate);
	const char *id = NULL;

	if (!n || !n->opened)
		return NULL;
	if (gate->op.gate_until)
		id = i == 0 ? gate->op.gate_until : NULL;
	else if (i < gate->op.n_gate_steps)
		id = gate->op.gate_steps[i];
	const struct node *check = id ? flow_node_in(f, n->frame, id) : NULL;

	return check ? check->s : NULL;
}
