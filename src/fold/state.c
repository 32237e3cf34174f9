/*
 * The reducer: snapshot, journal entries and live documents into struct state. Pure:
 * no clock, no I/O. Lists are small (accounts, open events, recent entries) and capped;
 * agents and numbers are not held here, views fetch them in windows.
 */
#include "fold/internal.h"

#include <string.h>

#include "model/incident.h"
#include "model/run.h"

static const struct field entry_fields[] = {
	FIELD(entry, seq, "seq", "SEQ", F_I64),
	FIELD(entry, at_ms, "at", "AT", F_TIME, .flags = FF_SORT),
	FIELD(entry, kind, "kind", "KIND", F_STR, .flags = FF_FILTER),
	FIELD(entry, subject, "subject", "SUBJECT", F_STR, .flags = FF_FILTER),
	FIELD(entry, actor, "actor", "BY", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(entry, text, "text", "WHAT", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(entry, severity, "severity", "LEVEL", F_STR, .flags = FF_FILTER),
};
RECORD_TYPE(entry_type, "entry", entry, entry_fields);

static const struct field hold_fields[] = {
	FIELD(hold, id, "id", "HOLD", F_STR),
	FIELD(hold, what, "what", "WHAT", F_STR),
	FIELD(hold, subject, "subject", "ON", F_STR, .flags = FF_OUTSIDE),
	FIELD(hold, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(hold, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(hold, since_ms, "since", "SINCE", F_TIME, .flags = FF_SORT),
	FIELD(hold, until_ms, "until", "UNTIL", F_TIME),
};
RECORD_TYPE(hold_type, "hold", hold, hold_fields);

static const struct field message_fields[] = {
	FIELD(message, id, "id", "ID", F_STR),
	FIELD(message, at_ms, "at", "AT", F_TIME, .flags = FF_SORT),
	FIELD(message, channel, "channel", "CHANNEL", F_STR, .flags = FF_FILTER),
	FIELD(message, event, "eventId", "EVENT", F_STR, .flags = FF_FILTER),
	FIELD(message, kind, "kind", "KIND", F_STR),
	FIELD(message, to, "to", "TO", F_STR, .flags = FF_OUTSIDE),
	FIELD(message, state, "state", "STATE", F_STR, .flags = FF_FILTER,
	      .help = "waiting, sent, dead"),
	FIELD(message, attempts, "attempts", "TRIES", F_I64),
	FIELD(message, next_at_ms, "nextAt", "NEXT", F_TIME),
	FIELD(message, error, "error", "ERROR", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(message_type, "message", message, message_fields);

static const struct field peer_fields[] = {
	FIELD(peer, id, "id", "ENGINE", F_STR),
	FIELD(peer, address, "address", "ADDRESS", F_STR, .flags = FF_OUTSIDE),
	FIELD(peer, leader, "leader", "LEADER", F_BOOL),
	FIELD(peer, seen_ms, "seenAt", "SEEN", F_TIME),
	FIELD(peer, epoch, "epoch", "EPOCH", F_I64),
};
RECORD_TYPE(peer_type, "engine", peer, peer_fields);

static const struct field person_fields[] = {
	FIELD(person, name, "name", "WHO", F_STR, .flags = FF_OUTSIDE),
	FIELD(person, role, "role", "ROLE", F_STR),
	FIELD(person, looking_at, "lookingAt", "LOOKS AT", F_STR, .flags = FF_OUTSIDE),
	FIELD(person, dialog, "dialog", "DECIDING", F_BOOL),
	FIELD(person, since_ms, "since", "SINCE", F_TIME),
};
RECORD_TYPE(person_type, "person", person, person_fields);

static const struct field control_fields[] = {
	FIELD(control, paused, "paused", "PAUSED", F_BOOL),
	FIELD(control, maintenance, "maintenance", "MAINTENANCE", F_BOOL),
	FIELD(control, shadow, "shadow", "SHADOW", F_BOOL),
	FIELD(control, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(control, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(control, since_ms, "since", "SINCE", F_TIME),
	FIELD(control, until_ms, "until", "UNTIL", F_TIME),
};
RECORD_TYPE(control_type, "control", control, control_fields);

static const struct field state_fields[] = {
	FIELD(state, seq, "seq", "SEQ", F_I64),
	FIELD(state, now_ms, "at", "AT", F_TIME),
	FIELD(state, live, "live", "LIVE", F_STR),
	FIELD(state, environment, "environment", "ENVIRONMENT", F_STR),
	FIELD(state, leader, "leader", "LEADER", F_STR),
	FIELD(state, version, "version", "VERSION", F_STR),
	FIELD(state, production, "production", "PRODUCTION", F_BOOL),
	FIELD(state, demo, "demo", "DEMO", F_BOOL),
	FIELD(state, database_ok, "databaseOk", "DB", F_BOOL),
	FIELD(state, database_why, "databaseWhy", "DB WHY", F_STR),
	FIELD(state, cycle_ms, "cycleMs", "CYCLE", F_DUR),
	FIELD(state, outbox_waiting, "outboxWaiting", "WAITING", F_I64),
	FIELD(state, outbox_dead, "outboxDead", "DEAD", F_I64),
};
RECORD_TYPE(state_head_type, "state", state, state_fields);

/* ---- lists of records keyed by their first text field ------------------------- */

/* A list inside struct state, so that one routine can replace, place and write any. */
struct list {
	const char *name;		/* in snapshot and live document */
	const char *member;		/* in a journal entry's data; NULL = never there */
	const struct record_type *type;	/* NULL: events and gates, which nest */
	size_t items, n, cap;		/* offsets in struct state */
	size_t max;
	bool in_snapshot, newest_first;
};
#define LIST(f, t, member_, max_, ...)                                                             \
	{ .name = #f, .member = member_, .type = t, .items = offsetof(struct state, f),            \
	  .n = offsetof(struct state, n_##f), .cap = offsetof(struct state, cap_##f),              \
	  .max = max_, .in_snapshot = true, __VA_ARGS__ }

static const struct list lists[] = {
	LIST(accounts, &account_type, "account", 2000),
	LIST(entries, &entry_type, NULL, STATE_ENTRIES, .newest_first = true),
	LIST(holds, &hold_type, "hold", 500),
	LIST(messages, &message_type, "message", 200, .newest_first = true),
	LIST(alerts, &alert_type, "alert", 1000, .newest_first = true),
	LIST(peers, &peer_type, NULL, 100),
	LIST(people, &person_type, NULL, 200),
	LIST(runs, &run_type, "run", 300, .newest_first = true),
	LIST(incidents, &incident_type, "incident", 200, .newest_first = true),
};

static void **list_items(const struct list *l, const struct state *s)
{
	return (void **)((char *)(uintptr_t)s + l->items);
}

static size_t *list_n(const struct list *l, const struct state *s)
{
	return (size_t *)((char *)(uintptr_t)s + l->n);
}

static char *list_at(const struct list *l, const struct state *s, size_t i)
{
	return (char *)*list_items(l, s) + i * l->type->size;
}

static void list_drop(const struct list *l, struct state *s, size_t i)
{
	size_t *n = list_n(l, s);

	record_fini(l->type, list_at(l, s, i));
	memmove(list_at(l, s, i), list_at(l, s, i) + l->type->size,
		(*n - i - 1) * l->type->size);
	(*n)--;
}

static void list_clear(const struct list *l, struct state *s)
{
	for (size_t i = 0; i < *list_n(l, s); i++)
		record_fini(l->type, list_at(l, s, i));
	*list_n(l, s) = 0;
}

/* A new zeroed record at the right end; the oldest falls out of a full list. */
static void *list_new(const struct list *l, struct state *s)
{
	size_t *n = list_n(l, s), *cap = (size_t *)((char *)s + l->cap);
	size_t size = l->type->size;

	if (*n == l->max)
		list_drop(l, s, l->newest_first ? *n - 1 : 0);
	*list_items(l, s) = grow(*list_items(l, s), cap, *n + 1, size);
	if (l->newest_first)
		memmove(list_at(l, s, 1), list_at(l, s, 0), *n * size);
	(*n)++;
	void *rec = list_at(l, s, l->newest_first ? 0 : *n - 1);
	record_init(l->type, rec);
	return rec;
}

static void list_load(const struct list *l, struct state *s, const struct json *array)
{
	list_clear(l, s);
	/* arrays are written in list order; filling from the end keeps newest_first lists */
	size_t count = json_count(array), i = 0;

	if (count > l->max)
		count = l->max;
	*list_items(l, s) = grow(*list_items(l, s), (size_t *)((char *)s + l->cap), count + 1,
				 l->type->size);
	for (const struct json *v = json_first(array); v && i < count; v = json_next(v), i++) {
		(*list_n(l, s))++;
		record_init(l->type, list_at(l, s, i));
		record_from_json(l->type, list_at(l, s, i), v, false, NULL);
	}
}

static void list_append(const struct list *l, struct state *s, const struct json *v)
{
	size_t *n = list_n(l, s);

	if (*n == l->max)
		return;
	*list_items(l, s) = grow(*list_items(l, s), (size_t *)((char *)s + l->cap), *n + 1,
				 l->type->size);
	record_init(l->type, list_at(l, s, *n));
	record_from_json(l->type, list_at(l, s, (*n)++), v, false, NULL);
}

static const char *record_key(const struct record_type *t, const void *rec)
{
	return *(char **)field_at(&t->fields[0], rec);
}

/* "gone": true takes a record out. */
static void list_place(const struct list *l, struct state *s, const struct json *obj)
{
	const char *key = json_get_str(obj, l->type->fields[0].json);
	bool gone = json_get_bool(obj, "gone", false);

	if (!key)
		return;
	for (size_t i = 0; i < *list_n(l, s); i++) {
		if (!str_eq(record_key(l->type, list_at(l, s, i)), key))
			continue;
		if (gone)
			list_drop(l, s, i);
		else
			record_from_json(l->type, list_at(l, s, i), obj, false, NULL);
		return;
	}
	if (!gone)
		record_from_json(l->type, list_new(l, s), obj, false, NULL);
}

/* A record under the list's singular name, or several under its plural. */
static void list_apply(const struct list *l, struct state *s, const struct json *v)
{
	if (!l->member)
		return;
	if (str_eq(json_name(v), l->member))
		list_place(l, s, v);
	else if (str_eq(json_name(v), l->name))
		for (v = json_first(v); v; v = json_next(v))
			list_place(l, s, v);
}

/* ---- events and gates, which nest ---------------------------------------------- */

static void events_clear(struct state *s)
{
	for (size_t i = 0; i < s->n_events; i++)
		event_fini(&s->events[i]);
	s->n_events = 0;
}

/* Closed events beyond the cap fall out, oldest first. */
static void events_trim(struct state *s)
{
	size_t closed = 0;

	for (size_t i = 0; i < s->n_events; i++) {
		if (event_status_open(s->events[i].status) || ++closed <= STATE_CLOSED_EVENTS)
			continue;
		event_fini(&s->events[i]);
		memmove(&s->events[i], &s->events[i + 1],
			(s->n_events - i - 1) * sizeof(*s->events));
		s->n_events--;
		i--;
	}
}

static void event_place(struct state *s, const struct json *obj, bool newest)
{
	const char *id = json_get_str(obj, "id");
	struct event *e = (struct event *)(uintptr_t)state_event(s, id);

	if (!id)
		return;
	if (e) {
		if (json_get_i64(obj, "version", e->version) >= e->version)
			event_from_json(e, obj, NULL);
		return;
	}
	s->events = grow(s->events, &s->cap_events, s->n_events + 1, sizeof(*s->events));
	if (newest)
		memmove(&s->events[1], &s->events[0], s->n_events * sizeof(*s->events));
	e = &s->events[newest ? 0 : s->n_events];
	s->n_events++;
	memset(e, 0, sizeof(*e));
	event_from_json(e, obj, NULL);
	events_trim(s);
}

static void lineage_gates_fini(struct lineage_gates *g)
{
	free_p(&g->lineage);
	free_p(&g->target);
	gates_free(g->gates, g->n_gates);
}

static void gates_clear(struct state *s)
{
	for (size_t i = 0; i < s->n_gates; i++)
		lineage_gates_fini(&s->gates[i]);
	s->n_gates = 0;
}

static struct lineage_gates *gates_add(struct state *s, const struct json *v)
{
	struct lineage_gates *g;

	s->gates = grow(s->gates, &s->cap_gates, s->n_gates + 1, sizeof(*s->gates));
	g = &s->gates[s->n_gates++];
	*g = (struct lineage_gates){ .lineage = xstrdup(json_get_str(v, "lineage")),
				     .target = xstrdup(json_get_str(v, "target")) };
	return g;
}

/* A gate in place, or at the end. */
static void gate_place(struct lineage_gates *g, const struct json *v)
{
	struct gate_result one = { 0 };
	size_t i = 0;

	record_from_json(&gate_result_type, &one, v, false, NULL);
	while (i < g->n_gates && g->gates[i].gate != one.gate)
		i++;
	if (i == g->n_gates) {
		g->gates = xrealloc(g->gates, ++g->n_gates * sizeof(*g->gates));
		record_init(&gate_result_type, &g->gates[i]);
	}
	record_fini(&gate_result_type, &g->gates[i]);
	g->gates[i] = one;
}

static void gates_append(struct state *s, const struct json *v)
{
	const struct json *list = json_get(v, "gates");
	struct lineage_gates *g = gates_add(s, v);
	size_t n = json_count(list);

	g->gates = n ? xcalloc(n, sizeof(*g->gates)) : NULL;
	for (const struct json *x = json_first(list); x; x = json_next(x))
		record_from_json(&gate_result_type, &g->gates[g->n_gates++], x, false, NULL);
}

static void gates_load(struct state *s, const struct json *array)
{
	gates_clear(s);
	for (const struct json *v = json_first(array); v; v = json_next(v))
		gates_append(s, v);
}

static void gates_change(struct state *s, const struct json *v)
{
	const char *lineage = json_get_str(v, "lineage");
	struct lineage_gates *g = (struct lineage_gates *)(uintptr_t)state_gates(s, lineage);

	if (!lineage)
		return;
	if (json_get_bool(v, "gone", false)) {
		if (!g)
			return;
		lineage_gates_fini(g);
		memmove(g, g + 1, (size_t)(&s->gates[--s->n_gates] - g) * sizeof(*g));
		return;
	}
	if (!g)
		g = gates_add(s, v);
	if (json_get(v, "target"))
		str_replace(&g->target, json_get_str(v, "target"));
	for (const struct json *x = json_first(json_get(v, "gates")); x; x = json_next(x))
		gate_place(g, x);
}

/* ---- the reducer --------------------------------------------------------------- */

void state_init(struct state *s)
{
	memset(s, 0, sizeof(*s));
	s->impact = IMPACT_UNKNOWN;
}

void state_fini(struct state *s)
{
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		list_clear(&lists[i], s);
		free_p(list_items(&lists[i], s));
	}
	events_clear(s);
	free_p(&s->events);
	gates_clear(s);
	free_p(&s->gates);
	record_fini(&control_type, &s->control);
	record_fini(&state_head_type, s);
	memset(s, 0, sizeof(*s));
}

/* What snapshot and live document have in common. */
static void load_parts(struct state *s, const struct json *doc)
{
	int64_t seq = s->seq;

	record_from_json(&state_head_type, s, doc, false, NULL);
	if (s->seq < seq)
		s->seq = seq;
	if (json_get(doc, "control"))
		record_from_json(&control_type, &s->control, json_get(doc, "control"), false, NULL);
	if (json_get(doc, "impact"))
		record_from_json(&impact_type, &s->impact, json_get(doc, "impact"), false, NULL);
	if (json_get(doc, "gates"))
		gates_load(s, json_get(doc, "gates"));
	for (const struct json *v = json_first(json_get(doc, "gateChanges")); v; v = json_next(v))
		gates_change(s, v);
}

int state_load(struct state *s, const struct json *snapshot, struct err *err)
{
	if (json_type(snapshot) != JSON_OBJECT || !json_get(snapshot, "seq"))
		return err_set(err, ERR_INVALID, "not a snapshot: no member \"seq\"");
	state_fini(s);
	state_init(s);
	load_parts(s, snapshot);
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		list_load(&lists[i], s, json_get(snapshot, lists[i].name));
	for (const struct json *v = json_first(json_get(snapshot, "events")); v; v = json_next(v))
		event_place(s, v, false);
	return 0;
}

struct loading { struct state s; struct str head; };

/* An element goes to its list, anything else to the head, which is read at the end. */
static int load_part(void *ctx, const char *name, bool element, const char *text, size_t len)
{
	struct loading *x = ctx;
	struct json *v;

	if (!element) {
		str_addc(&x->head, x->head.len ? ',' : '{');
		json_add_string(&x->head, name, strlen(name));
		str_addc(&x->head, ':');
		str_addn(&x->head, text, len);
		return 0;
	}
	v = json_parse(text, len, NULL);
	for (size_t i = 0; v && i < COUNT_OF(lists); i++)
		if (str_eq(name, lists[i].name))
			list_append(&lists[i], &x->s, v);
	if (v && str_eq(name, "events"))
		event_place(&x->s, v, false);
	else if (v && str_eq(name, "gates"))
		gates_append(&x->s, v);
	json_free(v);
	return 0;
}

/* x->s is complete, or r and err say why not. */
static int loaded(struct loading *x, int r, struct state *s, struct err *err)
{
	struct json *head = NULL;

	str_addc(&x->head, x->head.len ? '}' : ' ');
	if (r == 0)
		head = json_parse(x->head.s, x->head.len, NULL);
	if (r == 0 && !json_get(head, "seq"))
		r = err_set(err, ERR_INVALID, "not a snapshot: no member \"seq\"");
	if (r == 0) {
		load_parts(&x->s, head);
		state_fini(s);
		*s = x->s;
	} else {
		state_fini(&x->s);
	}
	json_free(head);
	str_fini(&x->head);
	return r;
}

int state_load_text(struct state *s, const char *text, size_t len, struct err *err)
{
	struct loading x = { .head = STR_INIT(STR_MAX_DEFAULT) };

	state_init(&x.s);
	return loaded(&x, json_walk(text, len, load_part, &x, err), s, err);
}

int state_take_text(struct state *s, struct str *text, struct err *err)
{
	struct loading x = { .head = STR_INIT(STR_MAX_DEFAULT) };
	int r;

	state_init(&x.s);
	r = text->s ? json_walk_away(text->s, text->len, load_part, &x, err) :
		      err_set(err, ERR_INVALID, "1:1: the text is empty");
	str_fini(text);
	return loaded(&x, r, s, err);
}

static void apply_data(struct state *s, const struct json *data)
{
	for (const struct json *v = json_first(data); v; v = json_next(v)) {
		const char *name = json_name(v);

		if (str_eq(name, "event"))
			event_place(s, v, true);
		else if (str_eq(name, "control"))
			record_from_json(&control_type, &s->control, v, false, NULL);
		for (size_t i = 0; i < COUNT_OF(lists); i++)
			list_apply(&lists[i], s, v);
	}
}

int state_apply(struct state *s, const struct json *entry, struct err *err)
{
	int64_t seq = json_get_i64(entry, "seq", 0);
	struct list entries = lists[1];

	if (seq <= 0)
		return err_set(err, ERR_INVALID, "a journal entry without \"seq\"");
	if (seq <= s->seq)
		return 0;
	s->seq = seq;
	if (!str_empty(json_get_str(entry, "text"))) /* as a snapshot has them */
		record_from_json(&entry_type, list_new(&entries, s), entry, false, NULL);
	apply_data(s, json_get(entry, "data"));
	return 0;
}

int state_live(struct state *s, const struct json *live, struct err *err)
{
	if (json_type(live) != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "a live document must be an object");
	load_parts(s, live);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct json *v = json_get(live, lists[i].name);

		if (!v)
			continue;
		if (lists[i].member) { /* changed figures of some */
			for (v = json_first(v); v; v = json_next(v))
				list_place(&lists[i], s, v);
		} else if (lists[i].type != &entry_type) {
			list_load(&lists[i], s, v);
		}
	}
	for (const struct json *v = json_first(json_get(live, "events")); v; v = json_next(v))
		event_place(s, v, true);
	return 0;
}

void put_gates(struct jw *w, const struct state *s)
{
	jw_arr(w, "gates");
	for (size_t i = 0; i < s->n_gates; i++) {
		jw_obj(w, NULL);
		jw_str(w, "lineage", s->gates[i].lineage);
		jw_str(w, "target", s->gates[i].target);
		gates_json(w, "gates", s->gates[i].gates, s->gates[i].n_gates);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

void state_json(struct jw *w, const char *name, const struct state *s)
{
	jw_obj(w, name);
	record_members(w, &state_head_type, s);
	record_json(w, "control", &control_type, &s->control);
	record_json(w, "impact", &impact_type, &s->impact);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		jw_arr(w, lists[i].name);
		for (size_t k = 0; k < *list_n(&lists[i], s); k++)
			record_json(w, NULL, lists[i].type, list_at(&lists[i], s, k));
		jw_arr_end(w);
	}
	jw_arr(w, "events");
	for (size_t i = 0; i < s->n_events; i++)
		event_json(w, NULL, &s->events[i]);
	jw_arr_end(w);
	put_gates(w, s);
	jw_obj_end(w);
}

/* ---- look-ups ------------------------------------------------------------------- */

const struct account *state_account(const struct state *s, const char *id)
{
	for (size_t i = 0; i < s->n_accounts; i++)
		if (str_eq(s->accounts[i].id, id))
			return &s->accounts[i];
	return NULL;
}

const struct event *state_event(const struct state *s, const char *id)
{
	for (size_t i = 0; i < s->n_events; i++)
		if (str_eq(s->events[i].id, id))
			return &s->events[i];
	return NULL;
}

const struct lineage_gates *state_gates(const struct state *s, const char *lineage)
{
	for (size_t i = 0; i < s->n_gates; i++)
		if (str_eq(s->gates[i].lineage, lineage))
			return &s->gates[i];
	return NULL;
}
