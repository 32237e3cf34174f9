/*
 * What the observing and deciding halves read and write, in memory: accounts, evidence, the
 * switches, what a tick reads. Findings themselves are stored nowhere: nobody here asks.
 */
#include <stdio.h>
#include <string.h>

#include "notify/notify.h"
#include "store/accounts.h"
#include "store/agents.h"
#include "store/control.h"
#include "store/decide_read.h"
#include "store/evidence.h"
#include "store/health.h"
#include "store/journal.h"
#include "store/lease_row.h"
#include "store/numbers.h"
#include "store/outbox.h"
#include "store/tokens.h"
#include "tests/world/world.h"

/* ---- accounts -------------------------------------------------------------------------- */

int accounts_list(struct store *s, struct account **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc(W_ACCOUNTS, sizeof(**ret));
	*ret_n = W_ACCOUNTS;
	for (int i = 0; i < W_ACCOUNTS; i++) {
		char *id = xasprintf("acc%d", i + 1);
		bool carries = str_eq(d->current, id);

		for (int k = 0; k < W_AGENTS; k++)
			carries = carries || str_eq(d->agents[k].account, id);
		(*ret)[i] = (struct account){
			.id = id, .name = xasprintf("account-%d", i + 1),
			.provider = xstrdup("twilio"),
			.account_sid = xasprintf("AC%d", i + 1), .is_primary = i == 0,
			.is_active = true,
			.role = carries ? ROLE_CARRYING : ROLE_STANDBY, .priority = i,
			.status = xstrdup("active"), .region = xstrdup("us1"),
		};
	}
	return 0;
}

int account_count_numbers(struct store *s, struct account *a, struct err *err)
{
	(void)a;
	return db_call(s, err);
}

void accounts_free(struct account *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&account_type, &rows[i]);
	free_p(&rows);
}

int account_health_put(struct tx *t, const struct account *a, const double *balance_amount,
		       struct err *err)
{
	(void)a;
	(void)balance_amount;
	return db_call(t->store, err);
}

int lineages_list(struct store *s, struct lineage_row **ret, size_t *ret_n, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	if (r < 0)
		return r;
	*ret = xcalloc(1, sizeof(**ret));
	*ret_n = 1;
	(*ret)->primary = xstrdup("acc1");
	(*ret)->current = xstrdup(d->current);
	(*ret)->healthy_since_ms = d->healthy_since_ms;
	return 0;
}

void lineages_free(struct lineage_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&rows[i].primary);
		free_p(&rows[i].current);
	}
	free_p(&rows);
}

int lineage_healthy(struct tx *t, const char *primary, int64_t since_ms, struct err *err)
{
	(void)primary;
	db_see(t->store, t)->healthy_since_ms = since_ms;
	return db_call(t->store, err);
}

void ids_free(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&ids[i]);
	free_p(&ids);
}

/* ---- findings: called, not kept ----------------------------------------------------------- */

int agents_judge(struct tx *t, const struct agent_judgement *j, size_t n, struct err *err)
{
	(void)j;
	(void)n;
	return db_call(t->store, err);
}

int agents_presence(struct tx *t, const struct agent_presence *p, size_t n, struct err *err)
{
	(void)p;
	(void)n;
	return db_call(t->store, err);
}

int agents_calls(struct tx *t, int64_t since_ms, int64_t until_ms, struct err *err)
{
	(void)since_ms;
	(void)until_ms;
	return db_call(t->store, err);
}

int health_check_put(struct tx *t, const struct health_check *h, struct err *err)
{
	(void)h;
	return db_call(t->store, err);
}

int health_drifted(struct store *s, const char *account, int64_t *ret, struct err *err)
{
	(void)account;
	*ret = 0;
	return db_call(s, err);
}

int health_routed(struct store *s, const char *account, int64_t *ret, char *example, size_t n,
		  struct err *err)
{
	(void)account;
	*ret = 0;
	if (n)
		example[0] = '\0';
	return db_call(s, err);
}

int health_busy_accounts(struct store *s, char ***ret, size_t *ret_n, struct err *err)
{
	*ret = NULL;
	*ret_n = 0;
	return db_call(s, err);
}

int health_opened_since(struct store *s, int64_t since_ms, char ***ret, size_t *ret_n,
			struct err *err)
{
	(void)since_ms;
	*ret = NULL;
	*ret_n = 0;
	return db_call(s, err);
}

int health_last_details(struct store *s, const char *account, char **ret, int64_t *ret_at_ms,
			struct err *err)
{
	(void)account;
	*ret = NULL;
	*ret_at_ms = 0;
	return db_call(s, err);
}

int hooks_observed(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		   bool healthy, struct err *err)
{
	(void)account;
	(void)seen;
	(void)n;
	(void)healthy;
	return db_call(t->store, err);
}

int numbers_put(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		struct sync_result *ret, struct err *err)
{
	(void)account;
	(void)seen;
	(void)n;
	(void)ret;
	return db_call(t->store, err);
}

int numbers_gone(struct tx *t, const char *account, int64_t before_ms, struct sync_result *ret,
		 struct err *err)
{
	(void)account;
	(void)before_ms;
	(void)ret;
	return db_call(t->store, err);
}

int history_roll(struct store *s, const struct who *who, int64_t now_ms, int64_t keep_ms,
		 struct err *err)
{
	(void)who;
	(void)now_ms;
	(void)keep_ms;
	return db_call(s, err);
}

int attempts_prune(struct store *s, const struct who *who, int64_t before_ms, struct err *err)
{
	(void)who;
	(void)before_ms;
	return db_call(s, err);
}

int idem_prune(struct store *s, int64_t before_ms, struct err *err)
{
	(void)before_ms;
	return db_call(s, err);
}

int outbox_prune(struct store *s, int64_t before_ms, struct err *err)
{
	(void)before_ms;
	return db_call(s, err);
}

int journal_prune(struct store *s, const struct who *who, int64_t before_ms, int64_t *ret_removed,
		  struct err *err)
{
	(void)who;
	(void)before_ms;
	*ret_removed = 0;
	return db_call(s, err);
}

/* ---- evidence of all engines ---------------------------------------------------------------- */

int evidence_put(struct store *s, const struct evidence_row *rows, size_t n, struct err *err)
{
	struct world *w = world_of(s);
	int r = db_call(s, err);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct db_evidence *e = w->evidence, *end = e + w->n_evidence;

		while (e < end && (strcmp(e->engine, s->engine_id) ||
				   strcmp(e->account, rows[i].account) ||
				   e->kind != rows[i].kind))
			e++;
		if (e == end && w->n_evidence == (int)COUNT_OF(w->evidence))
			continue;
		if (e == end)
			w->n_evidence++;
		*e = (struct db_evidence){ .kind = rows[i].kind, .outcome = rows[i].outcome,
					   .at_ms = loop_wall_ms(s->loop) };
		snprintf(e->engine, sizeof(e->engine), "%s", s->engine_id);
		snprintf(e->account, sizeof(e->account), "%s", rows[i].account);
	}
	return r;
}

int evidence_latest(struct store *s, const char *account, int64_t since_ms,
		    struct evidence_row **ret, size_t *ret_n, struct err *err)
{
	struct world *w = world_of(s);
	int r = db_call(s, err);

	(void)account;
	if (r < 0)
		return r;
	*ret = xcalloc((size_t)w->n_evidence + 1, sizeof(**ret));
	*ret_n = 0;
	for (int i = 0; i < w->n_evidence; i++) {
		const struct db_evidence *e = &w->evidence[i];

		if (e->at_ms > since_ms)
			(*ret)[(*ret_n)++] = (struct evidence_row){
				.engine = xstrdup(e->engine), .account = xstrdup(e->account),
				.kind = e->kind, .outcome = e->outcome, .at_ms = e->at_ms,
			};
	}
	return 0;
}

void evidence_free(struct evidence_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&rows[i].engine);
		free_p(&rows[i].account);
	}
	free_p(&rows);
}

/* ---- alerts, live document ------------------------------------------------------ */

int alert_raise(struct tx *t, const char *name, const char *subject, const char *severity,
		const char *text, bool tell, struct err *err)
{
	(void)severity;
	(void)tell;
	db_note(t, name, subject, -1);
	say(world_of(t->store), "  alert %s %s: %s", name, subject, text);
	return db_call(t->store, err);
}

int alert_resolve(struct tx *t, const char *name, const char *subject, bool *ret_was,
		  struct err *err)
{
	(void)name;
	(void)subject;
	if (ret_was)
		*ret_was = false;
	return db_call(t->store, err);
}

int alerts_list(struct store *s, int64_t since_ms, int64_t limit, struct alert **ret,
		size_t *ret_n, struct err *err)
{
	(void)since_ms;
	(void)limit;
	*ret = NULL;
	*ret_n = 0;
	return db_call(s, err);
}

void alerts_free(struct alert *rows, size_t n)
{
	(void)n;
	free_p(&rows);
}

int live_get(struct store *s, const char *key, char **ret, int64_t *ret_at_ms, struct err *err)
{
	struct world *w = world_of(s);
	int r = db_call(s, err);

	(void)key;
	*ret = r >= 0 ? xstrdup(w->live) : NULL;
	*ret_at_ms = w->live_at_ms;
	return r;
}

int notify_untold(struct store *s, const char *event_id, bool *ret, struct err *err)
{
	(void)event_id;
	*ret = chance(world_of(s), 100);
	return db_call(s, err);
}

/* ---- switches ------------------------------------------------------------------- */

void control_fini(struct control_row *c)
{
	memset(c, 0, sizeof(*c));
}

int control_read(struct store *s, int64_t now_ms, struct control_row *ret, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);

	(void)now_ms;
	memset(ret, 0, sizeof(*ret));
	ret->paused = d->paused;
	ret->maintenance = d->maintenance;
	return r;
}

static int put_switch(struct store *s, const struct who *who, const char *kind, bool on,
		      struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int r = tx_begin(s, &t, who, err);

	if (r < 0)
		return r;
	struct db_tables *d = db_see(s, &t);
	if (!strcmp(kind, "paused"))
		d->paused = on;
	else
		d->maintenance = on;
	tx_note(&t, NOTE_INFO, kind, "installation", on ? "on" : "off", NULL);
	return tx_commit(&t, NULL, err);
}

int control_pause(struct store *s, const struct who *who, bool on, int64_t until_ms,
		  const char *reason, struct err *err)
{
	(void)until_ms;
	(void)reason;
	return put_switch(s, who, "paused", on, err);
}

int control_maintenance(struct store *s, const struct who *who, bool on, int64_t until_ms,
			const char *reason, struct err *err)
{
	(void)until_ms;
	(void)reason;
	return put_switch(s, who, "maintenance", on, err);
}

int control_expire(struct store *s, const struct who *who, struct err *err)
{
	(void)who;
	return db_call(s, err);
}

/* ---- what a tick reads ---------------------------------------------------------- */

int store_check(struct store *s, bool quorum_durable, bool *ret_durable, struct err *err)
{
	(void)quorum_durable;
	*ret_durable = true;
	return db_call(s, err);
}

int environment_check(struct store *s, const char *name, struct err *err)
{
	(void)name;
	return db_call(s, err);
}

void decide_facts_fini(struct decide_facts *f)
{
	for (size_t i = 0; i < f->n_attempts; i++)
		free_p(&f->attempts[i].lineage);
	for (size_t i = 0; i < f->n_pools; i++)
		free_p(&f->pools[i].account);
	free_p(&f->attempts);
	free_p(&f->pools);
	memset(f, 0, sizeof(*f));
}

static int64_t usable(const struct db_tables *d, const char *account)
{
	int64_t n = 0;

	for (int i = 0; i < d->n_pool; i++)
		n += str_eq(d->pool[i].account, account) && d->pool[i].status == NUM_AVAILABLE;
	return n;
}

int decide_facts_read(struct store *s, int64_t attempts_since_ms, bool pools,
		      struct decide_facts *ret, struct err *err)
{
	int r = db_call(s, err);
	const struct db_tables *d = db_see(s, NULL);
	struct pool_count *kept = NULL;
	size_t n_kept = 0;

	(void)pools;
	if (r < 0)
		return r;
	if (!pools) {
		kept = TAKE(ret->pools);
		n_kept = ret->n_pools;
		ret->n_pools = 0;
	}
	decide_facts_fini(ret);
	ret->attempts = xcalloc((size_t)d->n_events + 1, sizeof(*ret->attempts));
	for (int i = 0; i < d->n_events; i++) {
		int64_t at = db_last_forward(world_of(s), d->events[i]);

		if (at > attempts_since_ms)
			ret->attempts[ret->n_attempts++] = (struct attempt_row){ xstrdup("acc1"),
				at };
	}
	ret->pools = kept ? kept : xcalloc(W_ACCOUNTS, sizeof(*ret->pools));
	ret->n_pools = n_kept;
	for (int i = 0; pools && i < W_ACCOUNTS; i++) {
		char *id = xasprintf("acc%d", i + 1);

		ret->pools[ret->n_pools++] = (struct pool_count){ .account = id,
			.usable = usable(d, id) };
	}
	return 0;
}
