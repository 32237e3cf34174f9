/*
 * See page.h. "Operational" is only said of what is known to work: capabilities that nobody
 * watches are passed over, and of a component of nothing but those nothing is said.
 */
#include "incident/page.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"

static const char *const states[] = { "operational", "degraded_performance", "partial_outage",
				      "major_outage" };

/* ---- by the policy ----------------------------------------------------------------------- */

struct tally { size_t known, degraded, down; char *why; };

static void count(struct tally *t, const struct policy *p, const char *capability,
		  const struct watching *w)
{
	_cleanup_(free_p) char *why = NULL;
	enum capability_state s = capability_now(p, capability, w, &why);
	bool worse = s == CAP_DOWN ? !t->down : s == CAP_DEGRADED && !t->down && !t->degraded;

	if (s == CAP_UNKNOWN)
		return;
	if (worse || !t->why) {
		free(t->why);
		t->why = xasprintf("%s is %s: %s", capability,
				   enum_name(&capability_state_names, (int)s), why);
	}
	t->known++;
	t->down += s == CAP_DOWN;
	t->degraded += s >= CAP_DEGRADED;	/* what is down is degraded too */
}

static const char *state_of(const struct policy *p, const struct tally *t)
{
	for (size_t i = 0; i < p->n_shown_states; i++) {
		const struct policy_shown_state *row = &p->shown_states[i];
		size_t n = row->down ? t->down : t->degraded;
		bool all = str_eq(row->down ? row->down : row->degraded, "all");

		if (all ? n == t->known : n > 0)
			return row->state;
	}
	return states[0];
}

void page_components_of(const struct policy *p, const struct watching *w, bool over,
			struct page_components *ret)
{
	*ret = (struct page_components){ 0 };
	for (size_t i = 0; p && i < p->n_shown; i++) {
		const struct policy_shown *s = &p->shown[i];
		struct tally t = { 0 };
		const char *state;

		for (size_t k = 0; k < s->n_shows; k++)
			count(&t, p, s->shows[k], w);
		state = over ? states[0] : t.known ? state_of(p, &t) : NULL;
		ret->v = xrealloc(ret->v, (ret->n + 1) * sizeof(*ret->v));
		ret->v[ret->n++] = (struct page_component){
			.name = xstrdup(s->component), .state = xstrdup(state),
			.why = t.why ? t.why : xstrdup(over ? "the incident is over" :
						       "nothing is known of it"),
		};
	}
}

char *page_components_words(const struct page_components *c)
{
	struct str b = STR_INIT(4000);

	for (size_t i = 0; i < c->n; i++) {
		const char *state = c->v[i].state;

		if (!state || str_eq(state, states[0]))
			continue;
		str_addf(&b, "%s%s: ", b.len ? "; " : "", c->v[i].name);
		for (; *state; state++)
			str_addc(&b, *state == '_' ? ' ' : *state);
	}
	if (b.len)
		return str_take(&b);
	str_fini(&b);
	return NULL;
}

/* ---- by a person ------------------------------------------------------------------------- */

static const char *known_state(const char *word)
{
	for (size_t i = 0; word && i < COUNT_OF(states); i++)
		if (str_eq(word, states[i]))
			return states[i];
	return NULL;
}

static int say_one(struct page_components *c, const struct json *v, struct err *err)
{
	const char *names[60] = { NULL }, *state = known_state(json_str(v)), *near;
	size_t n = 0;

	if (!state && json_type(v) != JSON_NULL)
		return err_field(err, ERR_INVALID, "components", "'%.40s': operational,"
				 " degraded_performance, partial_outage or major_outage is wanted",
				 json_name(v));
	for (size_t i = 0; i < c->n; i++) {
		if (n < COUNT_OF(names))
			names[n++] = c->v[i].name;
		if (!str_eq(c->v[i].name, json_name(v)))
			continue;
		if (!str_eq(c->v[i].state, state)) {
			free(c->v[i].state);
			c->v[i].state = xstrdup(state);
			str_replace(&c->v[i].why, "said with the message");
			c->v[i].given = true;
		}
		return 0;
	}
	near = str_nearest(json_name(v), names, n);
	return err_field(err, ERR_INVALID, "components", "the policy's status_page has no component"
			 " '%.60s'%s%s%s", json_name(v), near ? "; did you mean '" : "",
			 near ? near : "", near ? "'?" : "");
}

int page_components_say(struct page_components *c, const struct json *given, struct err *err)
{
	int e = 0;

	for (const struct json *v = json_first(given); v && e == 0; v = json_next(v))
		e = say_one(c, v, err);
	return e;
}

/* ---- as text ----------------------------------------------------------------------------- */

void page_components_json(struct jw *w, const char *name, const struct page_components *c)
{
	jw_arr(w, name);
	for (size_t i = 0; i < c->n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", c->v[i].name);
		jw_str(w, "state", c->v[i].state);
		jw_str(w, "why", c->v[i].why);
		jw_bool(w, "given", c->v[i].given);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

char *page_components_wire(const struct page_components *c)
{
	struct str b = STR_INIT(64 << 10);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].state)
			jw_str(&w, c->v[i].name, c->v[i].state);
	jw_obj_end(&w);
	return str_take(&b);
}

void page_components_fini(struct page_components *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].name);
		free(c->v[i].state);
		free(c->v[i].why);
	}
	free(c->v);
	*c = (struct page_components){ 0 };
}
