/*
 * Twilio itself as a source: the newest messages of every active account, counted like
 * the application's own and matched to organisations by the agents' numbers. Asked at
 * most once a minute and only while somebody looks; never for content.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "providers/telephony.h"
#include "sms/internal.h"
#include "store/accounts.h"

enum { PAGES = 2, AGAIN_MS = 60000, MESSAGES_MAX = 10000 };

struct orgs { struct org_number { char number[20]; char *org; } *v; size_t n, cap; };

static void copy_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from ? from : "");
}

static int load_keys(struct store *s, const char *id, struct credentials *c, struct err *err)
{
	struct account_keys k = { 0 };
	int r = account_keys_load(s, id, &k, err);

	if (r == 0)
		credentials_from_keys(&k, c);
	account_keys_fini(&k);
	return r;
}

static int by_number(const void *a, const void *b)
{
	return strcmp(((const struct org_number *)a)->number,
		      ((const struct org_number *)b)->number);
}

/* Organisations of the senders in the list. */
static int load_orgs(struct sms *s, const struct message_list *l, struct orgs *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str b = STR_INIT(1 << 20);
	struct jw w = JW(&b);
	int e;

	jw_arr(&w, NULL);
	for (size_t i = 0; i < l->n; i++)
		jw_str(&w, NULL, l->v[i].from);
	jw_arr_end(&w);
	e = store_query(s->d.store, &r, err,
			"WITH n AS (SELECT DISTINCT json_array_elements_text($1::json) AS number)"
			" SELECT n.number, min(v.\"orgId\") FROM n JOIN \"VoiceAgent\" v"
			" ON n.number IN (v.\"twilioPhoneNumber\", v.\"backupPhoneNumber\")"
			" WHERE v.\"orgId\" IS NOT NULL GROUP BY 1", "t", str_get(&b));
	str_fini(&b);
	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		ret->v = grow(ret->v, &ret->cap, ret->n + 1, sizeof(*ret->v));
		copy_text(ret->v[ret->n].number, sizeof(ret->v[0].number), pg_text(r, i, 0));
		ret->v[ret->n++].org = xstrdup(pg_text(r, i, 1));
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_number);
	return e;
}

static const char *org_of(const struct orgs *o, const char *number)
{
	struct org_number key = { .org = NULL };
	const struct org_number *hit;

	copy_text(key.number, sizeof(key.number), number);
	hit = o->n ? bsearch(&key, o->v, o->n, sizeof(key), by_number) : NULL;
	return hit ? hit->org : "";
}

static int newest_last(const void *a, const void *b)
{
	const struct message_record *x = a, *y = b;

	return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

static int fetch(struct sms *s, int64_t since_ms, struct message_list *all, struct err *err)
{
	struct account *rows = NULL;
	size_t n = 0, asked = 0, failed = 0;
	int r = accounts_list(s->d.store, &rows, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct message_list l = { 0 };
		struct credentials c = { 0 };
		struct call_info info;

		if (!rows[i].is_active || !str_eq(rows[i].provider, "twilio") ||
		    load_keys(s->d.store, rows[i].id, &c, err) < 0)
			continue;
		asked++;
		if (s->d.providers->telephony->messages(s->d.providers, &c, since_ms, PAGES, &l,
							&info) !=
		    CALL_OK) {
			failed++;
			sms_call_error(&info, rows[i].name, err);
		}
		for (size_t k = 0; k < l.n && all->n < MESSAGES_MAX; k++) {
			if (l.v[k].inbound)
				continue;
			all->v = grow(all->v, &all->cap, all->n + 1, sizeof(*all->v));
			all->v[all->n++] = l.v[k];
		}
		LIST_FINI(&l);
		credentials_fini(&c);
	}
	accounts_free(rows, n);
	return r == 0 && asked && failed == asked ? err->code : r;
}

static void keep_failed(struct sms *s, const struct message_list *l, const struct orgs *orgs)
{
	sms_failures_free(s->failed, s->n_failed);
	s->failed = xcalloc(TWILIO_KEPT, sizeof(*s->failed));
	s->n_failed = 0;
	for (size_t i = l->n; i-- && s->n_failed < TWILIO_KEPT;) {
		const struct message_record *m = &l->v[i];

		if (m->status != MESSAGE_FAILED && m->status != MESSAGE_UNDELIVERED)
			continue;
		s->failed[s->n_failed++] = (struct sms_failure){
			.id = xstrdup(m->sid), .at_ms = m->at_ms,
			.org = xstrdup(org_of(orgs, m->from)),
			.from = xstrdup(m->from), .to = xstrdup(m->to),
			.status = xstrdup(message_status_name(m->status)),
			.code = m->code ? xasprintf("%d", m->code) : NULL,
			.channel = xstrdup("sms"),
		};
	}
}

int sms_twilio_refresh(struct sms *s, int64_t now_ms, int64_t window_ms, struct err *err)
{
	struct sms_counts *c = s->counts[SMS_TWILIO][0];
	struct message_list all = { 0 };
	struct orgs orgs = { 0 };
	int r;

	if (s->twilio_from_ms && now_ms - sms_counts_as_of(c) < AGAIN_MS &&
	    now_ms - window_ms >= s->twilio_from_ms - AGAIN_MS)
		return 0;
	r = fetch(s, now_ms - window_ms, &all, err);
	if (r == 0 && all.n)
		qsort(all.v, all.n, sizeof(*all.v), newest_last);
	if (r == 0)
		r = load_orgs(s, &all, &orgs, err);
	if (r == 0) {
		sms_counts_clear(c);
		for (size_t i = 0; i < all.n; i++)
			sms_counts_add(c, all.v[i].at_ms, org_of(&orgs, all.v[i].from),
				       all.v[i].from, message_status_name(all.v[i].status),
				       all.v[i].code, 1);
		sms_counts_touch(c, now_ms);
		keep_failed(s, &all, &orgs);
		s->twilio_from_ms = now_ms - window_ms;
	}
	for (size_t i = 0; i < orgs.n; i++)
		free(orgs.v[i].org);
	free(orgs.v);
	LIST_FINI(&all);
	return r;
}
