/*
 * See carrier.h. For an incident the accounts that its failovers moved away from are left out as
 * well, whatever they look like now.
 */
#include "notify/carrier.h"

#include <string.h>

#include "core/mem.h"
#include "store/accounts.h"
#include "store/store.h"

static bool concerned(const struct event *e, const struct account *a)
{
	return e && (str_eq(a->id, e->from) || str_eq(a->id, e->lineage) || str_eq(a->id, e->to));
}

static bool listed(const struct strlist *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], id))
			return true;
	return false;
}

static bool may_send(const struct account *a, const struct event *e, bool healthy,
		     const struct strlist *failed)
{
	return !listed(failed, a->id) && a->is_active && str_eq(a->provider, "twilio") &&
	       a->health != HEALTH_CRITICAL && a->health != HEALTH_DEGRADED &&
	       (!healthy || a->health == HEALTH_HEALTHY) && !(e && str_eq(a->id, e->from));
}

/* Accounts that the incident's failovers left. */
static int left_behind(struct store *s, const char *incident, struct strlist *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
			    "SELECT DISTINCT e.from_account FROM ringdown.incident_link l"
			    " JOIN ringdown.event e ON e.id = l.ref WHERE l.incident_id = $1 AND"
			    " l.kind = 'event' AND l.gone_by IS NULL",
			    "t", incident);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		strlist_add(ret, pg_text(r, i, 0));
	return e;
}

static int owners(struct store *s, const char *number, struct strlist *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT account_id FROM ringdown.number_ext WHERE"
			    " phone_number = $1", "t", number);

	for (int i = 0; e == 0 && i < pg_rows(r); i++)
		strlist_add(ret, pg_text(r, i, 0));
	return e;
}

static int choose(const struct notifier_deps *d, const struct parcel *p, const char *from,
		  bool healthy, char **ret, struct err *err)
{
	_cleanup_(free_p) char *named = xstrdup(d->set->sms_account); /* settings may be reloaded */
	const struct event *e = p->say.e;
	struct strlist failed = { 0 }, has = { 0 };
	struct account *rows = NULL;
	size_t n = 0;
	int r = accounts_list(d->store, &rows, &n, err);

	if (r == 0 && !e && p->event && str_has_prefix(p->event, "INC-"))
		r = left_behind(d->store, p->event, &failed, err);
	if (r == 0)
		r = owners(d->store, from, &has, err);
	for (int pass = 0; r == 0 && pass < 2 && !*ret; pass++)
		for (size_t i = 0; i < n && !*ret; i++) {
			const struct account *a = &rows[i];
			bool fits = str_empty(named) || str_eq(a->id, named) ||
				    str_eq(a->name, named) || str_eq(a->account_sid, named);

			fits = fits && (!has.n || listed(&has, a->id));
			if (fits && may_send(a, e, healthy, &failed) && (pass || !concerned(e, a)))
				*ret = xstrdup(a->id);
		}
	accounts_free(rows, n);
	strlist_fini(&failed);
	strlist_fini(&has);
	if (r == 0 && !*ret)
		r = err_set(err, ERR_NOT_FOUND, str_empty(named) ?
			    "no healthy account could send it" :
			    "notify.smsAccount is the failing account, not healthy or unknown");
	return r;
}

int carrier_choose(const struct notifier_deps *d, const struct parcel *p, const char *from,
		   bool healthy, struct credentials *ret, struct err *err)
{
	_cleanup_(free_p) char *account = NULL;
	struct account_keys k = { 0 };
	int r = choose(d, p, from, healthy, &account, err);

	if (r == 0)
		r = account_keys_load(d->store, account, &k, err);
	if (r == 0)
		credentials_from_keys(&k, ret);
	account_keys_fini(&k);
	return r;
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

const struct write_guard carrier_guard = { always, NULL };
