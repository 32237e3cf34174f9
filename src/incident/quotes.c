/*
 * See quotes.h. What is new is decided against the rows that are there, in the transaction that
 * adds to them, so neither a restart nor a second engine quotes twice. Only a page's end has no
 * row to compare with: that is seen from the document that was kept before.
 */
#include "incident/quotes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"
#include "store/control.h"

static const char *title_of(enum feed_id f)
{
	static const char *const titles[FEED_COUNT] = {
		[FEED_TWILIO] = "Twilio", [FEED_ELEVENLABS] = "ElevenLabs",
		[FEED_TELNYX] = "Telnyx", [FEED_AWS] = "AWS",
	};

	return titles[f];
}

/* ---- the document ------------------------------------------------------------------------ */

static void incident_json(struct jw *w, const struct feed_incident *in)
{
	jw_obj(w, NULL);
	jw_str(w, "id", in->id);
	jw_str(w, "name", in->name);
	jw_str(w, "status", in->status);
	jw_str(w, "impact", in->impact);
	jw_str(w, "url", in->url);
	jw_time(w, "startedAt", in->started_ms);
	jw_time(w, "updatedAt", in->updated_ms);
	jw_str(w, "said", in->said);
	jw_time(w, "saidAt", in->said_ms);
	jw_obj_end(w);
}

void quotes_doc(struct jw *w, const struct feed_report *const reports[FEED_COUNT],
		const int64_t at_ms[FEED_COUNT])
{
	jw_obj(w, NULL);
	jw_arr(w, "feeds");
	for (int f = 0; f < FEED_COUNT; f++) {
		const struct feed_report *r = reports[f];

		if (!r)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "feed", feed_name((enum feed_id)f));
		jw_str(w, "state", feed_state_name(r->state));
		jw_time(w, "readAt", at_ms[f]);
		jw_time(w, "updatedAt", r->updated_ms);
		jw_arr(w, "items");
		for (int i = 0; i < r->n_items; i++) {
			jw_obj(w, NULL);
			jw_str(w, "name", r->items[i].name);
			jw_str(w, "status", r->items[i].status);
			jw_str(w, "state", feed_state_name(r->items[i].state));
			jw_obj_end(w);
		}
		jw_arr_end(w);
		jw_arr(w, "incidents");
		for (int i = 0; i < r->n_incidents; i++)
			incident_json(w, &r->incidents[i]);
		jw_arr_end(w);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}

/* ---- what is quoted ---------------------------------------------------------------------- */

static struct saying *add(struct saying **v, size_t *n, enum feed_id f, int64_t said_ms)
{
	struct saying *s;

	*v = xrealloc(*v, (*n + 1) * sizeof(**v));
	s = &(*v)[(*n)++];
	*s = (struct saying){ .source = xasprintf("%s status page", title_of(f)),
			      .said_ms = said_ms };
	return s;
}

static void quote_incident(struct saying **v, size_t *n, enum feed_id f,
			   const struct feed_incident *in, int64_t at_ms)
{
	int64_t said = in->said_ms ? in->said_ms : in->updated_ms ? in->updated_ms : at_ms;
	struct saying *s = add(v, n, f, said);

	s->subject = xasprintf("%s/%s/%s", feed_name(f), in->id, in->status);
	/* AWS has numbers for states: "0" is over, the others are not */
	s->text = xasprintf("%s says: %s (%s%s%s)%s%s%s%s", title_of(f), in->name,
			    f == FEED_AWS ? "open" : in->status, in->impact[0] ? ", " : "",
			    in->impact, in->said[0] ? ": " : "", in->said, in->url[0] ? " " : "",
			    in->url);
}

static void quote_over(struct saying **v, size_t *n, enum feed_id f, const struct json *was,
		       int64_t at_ms)
{
	struct saying *s = add(v, n, f, at_ms);

	s->subject = xasprintf("%s/%s/over", feed_name(f), json_get_str(was, "id"));
	s->text = xasprintf("%s no longer reports: %s", title_of(f), json_get_str(was, "name"));
}

static bool still_there(const struct feed_report *r, const char *id)
{
	for (int i = 0; i < r->n_incidents; i++)
		if (str_eq(r->incidents[i].id, id))
			return true;
	return false;
}

size_t quotes_of(enum feed_id f, const struct feed_report *r, const struct json *before,
		 int64_t at_ms, struct saying **ret)
{
	struct saying *v = NULL;
	size_t n = 0;

	for (int i = 0; i < r->n_incidents; i++)
		quote_incident(&v, &n, f, &r->incidents[i], at_ms);
	/* components alone: the page's own time says when, else nothing could be told apart */
	for (int i = 0; i < r->n_items && r->n_incidents == 0 && r->updated_ms; i++) {
		struct saying *s = add(&v, &n, f, r->updated_ms);

		s->subject = xasprintf("%s/%s/%s", feed_name(f), r->items[i].name,
				       r->items[i].status);
		s->text = xasprintf("%s says: %s is %s", title_of(f), r->items[i].name,
				    r->items[i].status);
	}
	for (const struct json *w = json_first(json_get(before, "incidents")); w; w = json_next(w))
		if (json_get_str(w, "id") && !still_there(r, json_get_str(w, "id")))
			quote_over(&v, &n, f, w, at_ms);
	*ret = v;
	return n;
}

void sayings_free(struct saying *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].source);
		free(v[i].subject);
		free(v[i].text);
	}
	free(v);
}

/* ---- the leader's look ------------------------------------------------------------------- */

static const struct json *feed_of(const struct json *doc, enum feed_id f)
{
	for (const struct json *v = json_first(json_get(doc, "feeds")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "feed"), feed_name(f)))
			return v;
	return NULL;
}

static int put(struct tx *t, const struct saying *v, size_t n, size_t *ret, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < n; i++) {
		struct incident_saying q = { v[i].source, v[i].subject, v[i].text, v[i].said_ms };

		e = incidents_quote(t, &q, ret, err);
	}
	return e;
}

static int quote_all(struct incidents *h, const struct who *who,
		     const struct feed_report *const reports[FEED_COUNT], const struct json *before,
		     size_t *ret, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	bool begun = false;
	int e = 0;

	for (int f = 0; e == 0 && f < FEED_COUNT; f++) {
		struct saying *v = NULL;
		size_t n = 0;

		if (!reports[f])
			continue;
		n = quotes_of((enum feed_id)f, reports[f], feed_of(before, (enum feed_id)f),
			      h->feeds_at[f], &v);
		if (n && !begun)
			e = tx_begin(h->d.store, &t, who, err);
		begun = begun || n > 0;
		if (e == 0)
			e = put(&t, v, n, ret, err);
		sayings_free(v, n);
	}
	return e < 0 || !begun ? e : tx_commit(&t, NULL, err);
}

/* What is stored is what was quoted: written after it. */
static int keep(struct incidents *h, const struct feed_report *const reports[FEED_COUNT],
		struct err *err)
{
	struct str doc = STR_INIT(1 << 20);
	struct jw w = JW(&doc);
	int e;

	quotes_doc(&w, reports, h->feeds_at);
	e = live_put(h->d.store, "feeds", str_get(&doc), err);
	str_fini(&doc);
	return e;
}

int quotes_look(struct incidents *h, const struct who *who, size_t *ret_quoted, struct err *err)
{
	enum { AGAIN_MS = 15000 };	/* an incident may have been declared since */
	const struct feed_report *reports[FEED_COUNT] = { NULL };
	struct feed_report *copies = xcalloc(FEED_COUNT, sizeof(*copies));
	_cleanup_(free_p) char *doc = NULL;
	struct json *before = NULL;
	int64_t at, now = loop_now_ms(h->d.loop);
	bool news = false;
	int e = 0;

	for (int f = 0; f < FEED_COUNT; f++) {
		if (!feed_last(h->d.providers, (enum feed_id)f, &copies[f], &at))
			continue;
		reports[f] = &copies[f];
		news = news || at != h->feeds_at[f];
		h->feeds_at[f] = at;
	}
	if (news || (h->feeds_quoted_ms && now - h->feeds_quoted_ms > AGAIN_MS)) {
		e = live_get(h->d.store, "feeds", &doc, &at, err);
		before = e == 0 && doc ? json_parse(doc, strlen(doc), NULL) : NULL;
		if (e == 0)
			e = quote_all(h, who, reports, before, ret_quoted, err);
		if (e == 0 && news)
			e = keep(h, reports, err);
		json_free(before);
		if (e == 0)
			h->feeds_quoted_ms = now;
		else
			memset(h->feeds_at, 0, sizeof(h->feeds_at));
	}
	free(copies);
	return e;
}
