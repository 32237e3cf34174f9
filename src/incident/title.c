/*
 * See title.h. Linked events and alerts are judged by the table that declares, so that the title
 * names the one that makes the severity; what is over is not counted. Only what is linked later
 * words it anew: towards the end, when little lasts, it still says how bad it was.
 */
#include "incident/title.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"

enum { AGAIN_MS = 300000, AT_ONCE = 2000, WORDS_MAX = 160 };

/* ---- the words, pure ------------------------------------------------------------------- */

static size_t rank_of(const struct policy *p, const struct policy_declare *d)
{
	size_t i = 0;

	while (i < p->n_severities && !(d && str_eq(p->severities[i].id, d->severity)))
		i++;
	return i;
}

char *title_of(const struct policy *p, const struct occasion *v, size_t n, int64_t now_ms,
	       double speed)
{
	const struct policy_declare *row = NULL;
	const struct occasion *head = NULL;
	size_t best = 0;

	for (size_t i = 0; i < n; i++) {
		const struct policy_declare *d = declare_row(p, &v[i], now_ms, speed);
		size_t rank = rank_of(p, d);

		if (head && (rank > best || (rank == best && v[i].since_ms >= head->since_ms)))
			continue;
		head = &v[i];
		row = d;
		best = rank;
	}
	if (!head)
		return NULL;
	_cleanup_(free_p) char *words = text_clean(row && row->title ? row->title :
		!str_empty(head->text) ? head->text : head->name, WORDS_MAX);
	return n == 1 ? TAKE(words) : xasprintf("%s; and %zu more", words, n - 1);
}

/* ---- what lasts -------------------------------------------------------------------------- */

/* $1: worded before this instant. Standbys and what ringdown says of itself are no outage. */
static const char lasting_sql[] =
	"SELECT i.id, i.title, i.titled_at, q.* FROM ringdown.incident i JOIN LATERAL ("
	"SELECT true AS event, e.id AS ref, e.severity AS name, e.from_account AS subject,"
	" coalesce(t.name, e.from_account) || ': ' || coalesce(nullif(e.cause, ''), e.reason,"
	" 'failing') AS text, '' AS level, e.confirmed, coalesce(x.failure_rate, 0) * 100 AS share,"
	" e.opened_at AS since FROM ringdown.incident_link l JOIN ringdown.event e ON e.id = l.ref"
	" LEFT JOIN ringdown.account_ext x ON x.account_id = e.from_account"
	" LEFT JOIN \"TwilioAccount\" t ON t.id = e.from_account WHERE l.incident_id = i.id AND"
	" l.kind = 'event' AND l.gone_by IS NULL AND e.status IN ('held', 'pending', 'approved',"
	" 'executing', 'failed', 'rolling_back')"
	" UNION ALL SELECT false, a.id, a.name, a.subject, a.text, a.severity, false, 0, a.since"
	" FROM ringdown.incident_link l JOIN ringdown.alert a ON a.id = l.ref WHERE"
	" l.incident_id = i.id AND l.kind = 'alert' AND l.gone_by IS NULL AND a.state = 'firing'"
	" AND a.silenced_by IS NULL AND a.inhibited_by IS NULL) q ON true"
	" WHERE i.titled_at < $1 AND i.state IN ('declared', 'acknowledged', 'mitigated')"
	" AND EXISTS (SELECT 1 FROM ringdown.incident_link n WHERE n.incident_id = i.id AND"
	" n.kind IN ('event', 'alert') AND n.at > i.titled_at)"
	" ORDER BY i.id LIMIT $2";

static char *text(const struct pg_result *r, int i, int col)
{
	return (char *)(uintptr_t)pg_text(r, i, col);	/* lives as long as r */
}

static struct occasion occasion_of(const struct pg_result *r, int i)
{
	return (struct occasion){
		.event = pg_bool(r, i, 3), .ref = text(r, i, 4), .name = text(r, i, 5),
		.subject = text(r, i, 6), .text = text(r, i, 7), .level = text(r, i, 8),
		.confirmed = pg_bool(r, i, 9), .share = pg_double(r, i, 10),
		.since_ms = pg_time(r, i, 11),
	};
}

/* Rows from..to of r are of one incident. */
static int word(struct incidents *h, const struct who *who, const struct pg_result *r, int from,
		int to, size_t *ret, struct err *err)
{
	const struct policy *p = incidents_policy(h);
	struct occasion *v = xcalloc((size_t)(to - from) + 1, sizeof(*v));
	int e = 0;

	for (int i = from; i < to; i++)
		v[i - from] = occasion_of(r, i);
	_cleanup_(free_p) char *title = p ? title_of(p, v, (size_t)(to - from),
						     loop_wall_ms(h->d.loop), h->d.speed) : NULL;
	free(v);
	if (!title || str_eq(title, pg_text(r, from, 1)))
		return 0;
	e = incident_retitle(h->d.store, who, pg_text(r, from, 0), pg_time(r, from, 2), title, err);
	*ret += e == 0;
	return e == ERR_CONFLICT ? 0 : e;	/* a person was there first */
}

int titles_look(struct incidents *h, const struct who *who, size_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t before = loop_wall_ms(h->d.loop) - incidents_faster(h, AGAIN_MS);
	int e = store_query(h->d.store, &r, err, lasting_sql, "mi", before, (int64_t)AT_ONCE);

	for (int i = 0, k; e == 0 && i < pg_rows(r) && !h->duty.stopping; i = k) {
		for (k = i + 1; k < pg_rows(r) && str_eq(pg_text(r, i, 0), pg_text(r, k, 0)); k++)
			;
		e = word(h, who, r, i, k, ret, err);
	}
	return e;
}
