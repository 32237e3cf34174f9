/*
 * The hub; see hub.h. First everything the console shows is read once, then the journal
 * is followed from the sequence read before that; entries are folded idempotently, so
 * what both contain does no harm.
 */
#include "engine/hub.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "store/accounts.h"
#include "store/control.h"
#include "store/events.h"
#include "store/incidents.h"
#include "store/journal.h"
#include "store/outbox.h"
#include "store/runs.h"

enum { BATCH = 200, RETRY_MS = 1000, RECENT_ENTRIES = 200, RECENT_EVENTS = 100,
       RECENT_RUNS = 200, RECENT_INCIDENTS = 100,
       DOCS_KEPT = 256, DOCS_BYTES = 512 << 10 };

struct hub {
	struct loop *loop;
	struct store *store;
	int64_t poll_ms;
	struct state state;
	bool loaded, stopping;
	struct task *task;
	struct condition wake;
	struct hub_subscriber *subscribers;
	/* live documents of late, oldest first: who was away a moment gets only these */
	struct hub_doc docs[DOCS_KEPT];
	size_t n_docs, doc_bytes;
	int64_t position;
	char boot[17];			/* positions are of this life of this engine alone */
};

const struct state *hub_state(const struct hub *h)
{
	return &h->state;
}

bool hub_loaded(const struct hub *h)
{
	return h->loaded;
}

void hub_wake(struct hub *h)
{
	condition_wake(&h->wake);
}

/* ---- subscribers --------------------------------------------------------------------- */

void hub_subscribe(struct hub *h, struct hub_subscriber *s)
{
	s->hub = h;
	s->prev = NULL;
	s->next = h->subscribers;
	if (h->subscribers)
		h->subscribers->prev = s;
	h->subscribers = s;
}

void hub_unsubscribe(struct hub_subscriber *s)
{
	if (!s->hub)
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		s->hub->subscribers = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->hub = NULL;
}

static void publish(struct hub *h, const char *kind, int64_t seq, const char *json)
{
	struct hub_subscriber *next;

	for (struct hub_subscriber *s = h->subscribers; s; s = next) {
		next = s->next;
		if (!s->push(s->ctx, kind, seq, json))
			hub_unsubscribe(s);
	}
}

/* ---- live documents -------------------------------------------------------------------- */

static void forget_oldest(struct hub *h)
{
	h->doc_bytes -= strlen(h->docs[0].json);
	free_p(&h->docs[0].json);
	memmove(&h->docs[0], &h->docs[1], --h->n_docs * sizeof(h->docs[0]));
}

static void keep(struct hub *h, char *json)
{
	if (h->n_docs == DOCS_KEPT)
		forget_oldest(h);
	h->docs[h->n_docs++] = (struct hub_doc){ h->position, h->state.seq, json };
	h->doc_bytes += strlen(json);
	while (h->n_docs && h->doc_bytes > DOCS_BYTES)
		forget_oldest(h);
}

void hub_live(struct hub *h, const char *json)
{
	bool empty = str_eq(json, "{}");
	char *text = xasprintf("{\"live\":\"%s-%lld\"%s%s", h->boot, (long long)++h->position,
			       empty ? "" : ",", json + 1);
	struct json *doc = json_parse(text, strlen(text), NULL);

	if (doc)
		state_live(&h->state, doc, NULL);
	json_free(doc);
	publish(h, "live", 0, text);
	keep(h, text);
}

bool hub_live_after(const struct hub *h, const char *position, const struct hub_doc **ret,
		    size_t *ret_n)
{
	size_t boot = strlen(h->boot), i = 0;
	int64_t n;

	*ret_n = 0;
	if (!position || strncmp(position, h->boot, boot) || position[boot] != '-' ||
	    !parse_i64(position + boot + 1, 0, h->position, &n))
		return false;
	while (i < h->n_docs && h->docs[i].n <= n)
		i++;
	*ret = &h->docs[i];
	*ret_n = h->n_docs - i;
	/* none is missing in between */
	return n + (int64_t)*ret_n == h->position;
}

/* ---- the first read ---------------------------------------------------------------------- */

static int add_accounts(struct hub *h, struct jw *w, struct err *err)
{
	struct account *rows = NULL;
	size_t n = 0;
	int r = accounts_list(h->store, &rows, &n, err);

	jw_arr(w, "accounts");
	for (size_t i = 0; i < n; i++)
		account_json(w, NULL, &rows[i]);
	jw_arr_end(w);
	accounts_free(rows, n);
	return r;
}

static int add_events(struct hub *h, struct jw *w, struct err *err)
{
	struct events_filter f = { .limit = RECENT_EVENTS };
	_cleanup_(free_p) char *cursor = NULL;
	struct event_row *rows = NULL;
	size_t n = 0;
	int r = events_list(h->store, &f, &rows, &n, &cursor, err);

	jw_arr(w, "events");
	for (size_t i = 0; i < n; i++)
		event_json(w, NULL, &rows[i].e);
	jw_arr_end(w);
	event_rows_free(rows, n);
	return r;
}

static int add_entries(struct hub *h, struct jw *w, struct err *err)
{
	struct journal_row *rows = NULL;
	size_t n = 0;
	int r = journal_before(h->store, 0, NULL, NULL, NULL, RECENT_ENTRIES, &rows, &n, err);

	jw_arr(w, "entries");
	for (size_t i = 0; i < n; i++)
		if (rows[i].text && rows[i].text[0])
			journal_row_json(w, NULL, &rows[i]);
	jw_arr_end(w);
	journal_rows_free(rows, n);
	return r;
}

static int add_holds(struct hub *h, struct jw *w, struct err *err)
{
	struct hold_row *rows = NULL;
	size_t n = 0;
	int r = holds_list(h->store, &rows, &n, err);

	jw_arr(w, "holds");
	for (size_t i = 0; i < n; i++) {
		struct hold x = { rows[i].id, rows[i].what, rows[i].subject, rows[i].by,
				  rows[i].reason, rows[i].since_ms, rows[i].until_ms };

		record_json(w, NULL, &hold_type, &x);
	}
	jw_arr_end(w);
	holds_free(rows, n);
	return r;
}

static int add_messages(struct hub *h, struct jw *w, struct err *err)
{
	int64_t since = loop_wall_ms(h->loop) - 24 * 3600 * 1000;
	struct outbox_row *rows = NULL;
	size_t n = 0;
	int r = outbox_list(h->store, NULL, since, 200, &rows, &n, err);

	jw_arr(w, "messages");
	for (size_t i = 0; i < n; i++) {
		_cleanup_(free_p) char *id = xasprintf("%lld", (long long)rows[i].id);
		struct message m = { id, rows[i].channel, rows[i].event, rows[i].kind,
				     rows[i].recipient, rows[i].state, rows[i].error,
				     rows[i].created_at_ms, rows[i].next_at_ms, rows[i].attempts };

		record_json(w, NULL, &message_type, &m);
	}
	jw_arr_end(w);
	outbox_free(rows, n);
	return r;
}

static int add_alerts(struct hub *h, struct jw *w, struct err *err)
{
	int64_t since = loop_wall_ms(h->loop) - 24 * 3600 * 1000;
	struct alert *rows = NULL;
	size_t n = 0;
	int r = alerts_list(h->store, since, 500, &rows, &n, err);

	jw_arr(w, "alerts");
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &alert_type, &rows[i]);
	jw_arr_end(w);
	alerts_free(rows, n);
	return r;
}

static int add_runs(struct hub *h, struct jw *w, struct err *err)
{
	struct run *rows = NULL;
	size_t n = 0;
	int r = runs_list(h->store, NULL, NULL, NULL, RECENT_RUNS, &rows, &n, err);

	jw_arr(w, "runs");
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &run_type, &rows[i]);
	jw_arr_end(w);
	runs_list_free(rows, n);
	return r;
}

static int add_incidents(struct hub *h, struct jw *w, struct err *err)
{
	struct incident *rows = NULL;
	size_t n = 0;
	int r = incidents_list(h->store, NULL, RECENT_INCIDENTS, NULL, &rows, &n, err);

	jw_arr(w, "incidents");
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &incident_type, &rows[i]);
	jw_arr_end(w);
	records_free(&incident_type, rows, n);
	return r;
}

static int add_control(struct hub *h, struct jw *w, struct err *err)
{
	struct control_row row = { 0 };
	int r = control_read(h->store, loop_wall_ms(h->loop), &row, err);
	struct control c = {
		.paused = row.paused, .maintenance = row.maintenance, .shadow = row.shadow,
		.by = row.paused ? row.paused_by : row.maintenance_by,
		.reason = row.paused ? row.paused_reason : row.maintenance_reason,
		.since_ms = row.paused ? row.paused_at_ms : row.maintenance_at_ms,
		.until_ms = row.paused ? row.paused_until_ms : row.maintenance_until_ms,
	};

	record_json(w, "control", &control_type, &c);
	control_fini(&row);
	return r;
}

static int load(struct hub *h, struct err *err)
{
	static int (*const parts[])(struct hub *, struct jw *, struct err *) = {
		add_accounts, add_events, add_entries, add_holds, add_messages, add_alerts,
		add_runs, add_incidents, add_control,
	};
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	int64_t seq;
	int r = journal_head(h->store, &seq, err);

	jw_obj(&w, NULL);
	jw_i64(&w, "seq", r < 0 ? 0 : seq);
	jw_time(&w, "at", loop_wall_ms(h->loop));
	jw_bool(&w, "databaseOk", true);
	for (size_t i = 0; i < COUNT_OF(parts) && r >= 0; i++)
		r = parts[i](h, &w, err);
	jw_obj_end(&w);
	if (r >= 0) {
		struct json *doc = json_parse(b.s, b.len, err);

		r = doc ? state_load(&h->state, doc, err) : ERR_FAILED;
		json_free(doc);
		if (r >= 0)
			h->state.live = xasprintf("%s-0", h->boot);
	}
	str_fini(&b);
	return r;
}

/* ---- following ------------------------------------------------------------------ */

/* One batch; the number of rows, or negative. */
static int follow(struct hub *h, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct journal_row *rows = NULL;
	size_t n = 0;
	int r = journal_after(h->store, h->state.seq, BATCH, &rows, &n, err);

	for (size_t i = 0; i < n; i++) {
		str_clear(&b);
		journal_row_json(&JW(&b), NULL, &rows[i]);
		struct json *entry = json_parse(b.s, b.len, NULL);
		if (entry)
			state_apply(&h->state, entry, NULL);
		json_free(entry);
		publish(h, "entry", rows[i].seq, b.s);
	}
	journal_rows_free(rows, n);
	str_fini(&b);
	return r < 0 ? r : (int)n;
}

static void run(void *arg)
{
	struct hub *h = arg;
	bool told = false;

	while (!h->stopping && !task_cancelled()) {
		struct err err = { 0 };
		int r = h->loaded ? follow(h, &err) : load(h, &err);

		if (r < 0 && !told)
			log_warn("hub", "cannot read what happens: %s", err.msg);
		told = r < 0;
		if (r >= 0)
			h->loaded = true;
		if (r != BATCH)
			condition_wait(&h->wake, r < 0 ? RETRY_MS : h->poll_ms);
	}
}

static void ended(void *arg)
{
	struct hub *h = arg;

	h->task = NULL;
}

static void new_boot(char ret[17])
{
	struct str hex = STR_INIT(64);
	uint8_t random[8];

	random_bytes(random, sizeof(random));
	str_add_hex(&hex, random, sizeof(random));
	snprintf(ret, 17, "%s", str_get(&hex));
	str_fini(&hex);
}

struct hub *hub_new(struct loop *l, struct store *s, int64_t poll_ms)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	h->loop = l;
	h->store = s;
	h->poll_ms = poll_ms;
	state_init(&h->state);
	new_boot(h->boot);
	h->task = task_start(l, "hub", run, h, ended);
	return h;
}

void hub_stop(struct hub *h)
{
	h->stopping = true;
	if (h->task)
		task_cancel(h->task);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	while (h->subscribers)
		hub_unsubscribe(h->subscribers);
	while (h->n_docs)
		forget_oldest(h);
	state_fini(&h->state);
	free_p(&h);
}
