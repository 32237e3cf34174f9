/* See digest.h. */
#include "incident/digest.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "incident/internal.h"

enum { DIGEST_MAX = 200, WAYS = 4 };

static const char open_sql[] =
	"SELECT i.id, 'C-' || c.id, i.severity, i.title, i.state, i.declared_at, i.impact"
	" FROM ringdown.incident_clock c JOIN ringdown.incident i ON i.id = c.incident_id"
	" WHERE c.kind = 'digest' AND c.state = 'running' AND i.state IN ('declared',"
	" 'acknowledged', 'mitigated') ORDER BY i.declared_at, i.id LIMIT $1";

static void compose(const struct pg_result *r, struct str *subject, struct str *body)
{
	int n = pg_rows(r);
	char at[TIME_TEXT];

	str_addf(subject, "ringdown: %d open incident%s of low severity", n, n == 1 ? "" : "s");
	for (int i = 0; i < n; i++) {
		_cleanup_(free_p) char *title = text_clean(pg_text(r, i, 3), 120);
		_cleanup_(free_p) char *impact = text_clean(pg_text(r, i, 6), 200);

		str_addf(body, "%s %s %s\n       %s since %.16s%s%s\n", pg_text(r, i, 0),
			 pg_text(r, i, 2), title, pg_text(r, i, 4),
			 format_time(at, pg_time(r, i, 5)), *impact ? "; " : "", impact);
	}
	str_add(body, "\nThis is sent once a day. Look: ringdown incident list --state open\n");
}

/* Channels of the clock that speaks; telephones and pagers have no place in a digest. */
static size_t ways_of(const struct incident_clock *c, struct notify_to to[WAYS])
{
	static const struct { const char *via, *channel; } words[] = {
		{ "email", "mail" }, { "slack", "slack" }, { "webhook", "webhook" },
	};
	struct json *via = c->via ? json_parse(c->via, strlen(c->via), NULL) : NULL;
	size_t n = 0;

	for (const struct json *v = json_first(via); v; v = json_next(v))
		for (size_t k = 0; k < COUNT_OF(words) && n < WAYS; k++)
			if (str_eq(json_str(v), words[k].via))
				to[n++] = (struct notify_to){ words[k].channel, NULL };
	json_free(via);
	return n;
}

static int move_all(struct tx *t, const struct pg_result *r, int64_t next_ms, const char *line,
		    struct err *err)
{
	int e = 0;

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		e = clock_digested(t, pg_text(r, i, 0), pg_text(r, i, 1), next_ms, line, err);
	return e;
}

int digest_fire(struct incidents *h, const struct who *who, const struct due_clock *due,
		struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct str subject = STR_INIT(400), body = STR_INIT(100000), missing = STR_INIT(400);
	const struct incident_clock *c = &due->clock;
	struct notify_letter letter;
	struct notify_to to[WAYS];
	size_t n = ways_of(c, to);
	int e = tx_begin(h->d.store, &t, who, err);

	_cleanup_(free_p) char *key = xasprintf("digest/%s/%lld", c->id, (long long)c->sent);
	if (e == 0)
		e = clock_unmoved(&t, due->incident, c, err);
	if (e == 0)
		e = tx_query(&t, &r, err, open_sql, "i", (int64_t)DIGEST_MAX);
	if (e == 0) {
		compose(r, &subject, &body);
		letter = (struct notify_letter){ str_get(&subject), str_get(&body), NULL, NULL };
		e = notify_put_letter(&t, h->d.notify, "digest", &letter, key, to, n, &missing,
				      err);
	}
	_cleanup_(free_p) char *line = xasprintf("in the daily digest%s%s", missing.len ?
		"; NOT CONFIGURED, nobody is told there: " : "", str_get(&missing));
	if (e == 0)
		e = move_all(&t, r, loop_wall_ms(h->d.loop) + c->every_ms, line, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	str_fini(&subject);
	str_fini(&body);
	str_fini(&missing);
	return e;
}
