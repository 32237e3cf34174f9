/*
 * Every pair of write transactions, raced on two connections against the same rows.
 * Whatever the order: each one succeeds or is told that it lost (never a timeout, never a
 * deadlock), and afterwards the rows still agree with each other and the journal's chain
 * is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "store/reports.h"
#include "store/accounts.h"
#include "store/agents.h"
#include "store/control.h"
#include "store/events.h"
#include "store/evidence.h"
#include "store/items.h"
#include "store/journal.h"
#include "store/lease_row.h"
#include "store/numbers.h"
#include "store/outbox.h"
#include "store/runs.h"
#include "store/steps.h"
#include "store/tokens.h"
#include "tests/lib/storetest.h"

static struct storetest st;

/* One side of a race. Rows are the same for both: event EV-r, lineage acc-p, backups acc-b
 * and acc-c, agents v1 and v2, numbers +11 to +1120 (acc-b). */
struct side {
	struct store *s;
	struct pg_pool *lease;
	int index;			/* 0 or 1 */
	const struct write *op;
	int e;
	struct err err;
};

typedef int (*in_tx_fn)(struct tx *t, struct side *x, struct err *err);
typedef int (*alone_fn)(struct side *x, const struct who *who, struct err *err);
struct write {
	const char *name;
	in_tx_fn in_tx;			/* inside a leader's transaction */
	alone_fn alone;			/* makes its own */
};

static char *agent_of(int i) { return (char *)(i ? "v2" : "v1"); }

/* Many rows, in opposite orders on the two sides, as pages of two engines could be. */
enum { MANY = 120 };
static void many_ids(const struct side *x, char ids[MANY][8], const char *prefix, int from)
{
	for (int i = 0; i < MANY; i++)
		snprintf(ids[i], 8, "%s%d", prefix, from + (x->index ? MANY - 1 - i : i));
}

/* Two agents to the same two numbers, in opposite orders on the two sides. */
static void two_items(const struct side *x, struct item v[2], struct item *p[2])
{
	for (int i = 0; i < 2; i++) {
		v[i] = (struct item){ .agent = agent_of(i ^ x->index), .ord = i,
				      .integration = INT_IMPORT, .from_account = (char *)"acc-p",
				      .to_account = (char *)"acc-b", .from_number = (char *)"+1555",
				      .to_number = (char *)(i ? "+12" : "+11"),
				      .state = IT_MOVING,
				      .before = (char *)"{\"twilioAccountId\":null}",
				      .after = (char *)"{\"webhooks\":{\"smsUrl\":\"x\"}}" };
		p[i] = &v[i];
	}
}

#define OP(name_) static int name_(struct tx *t, struct side *x, struct err *err)
#define ALONE(name_) static int name_(struct side *x, const struct who *who, struct err *err)
#define UNUSED_SIDE (void)x

/* ---- accounts, lineages ------------------------------------------------------------------- */

OP(set_current) { return lineage_set_current(t, "acc-p", x->index ? "acc-b" : "acc-p", err); }
OP(healthy) { UNUSED_SIDE; return lineage_healthy(t, "acc-p", 5, err); }
OP(standby) { return standby_set(t, "acc-p", "acc-b", x->index ? -1 : 5, err); }
OP(not_ready) { UNUSED_SIDE; return account_not_ready(t, "acc-b", "canaries", err); }
OP(health_put)
{
	struct account a = { .id = (char *)"acc-b", .health = HEALTH_HEALTHY, .agents = x->index };

	return account_health_put(t, &a, &(double){ 1.0 }, err);
}
OP(check_put)
{
	struct health_check h = { .account = "acc-b", .status = "healthy", .check_type = "full" };

	UNUSED_SIDE;
	return health_check_put(t, &h, err);
}
ALONE(account_edits)
{
	struct account_input in = ACCOUNT_INPUT;

	in.name = x->index ? "one" : "two";
	in.token = secret_new("another-token");
	int e = account_edit(x->s, who, "acc-b", &in, 1000, err);
	secret_free(in.token);
	return e;
}
ALONE(account_adds)
{
	struct account_input in = ACCOUNT_INPUT;

	in.name = "new";
	in.account_sid = "AC-new";
	in.token = secret_new("a-token");
	int e = account_add(x->s, who, &in, NULL, err);
	secret_free(in.token);
	return e;
}
ALONE(account_removes) { return account_remove(x->s, who, "acc-c", err); }
ALONE(reseals)
{
	int64_t done, left;

	return accounts_reseal(x->s, who, 100, &done, &left, err);
}

/* ---- agents, numbers --------------------------------------------------------------------- */

OP(judge)
{
	struct agent_judgement j[MANY];
	char ids[MANY][8];

	many_ids(x, ids, "v", 1);
	for (int i = 0; i < MANY; i++)
		j[i] = (struct agent_judgement){ .id = ids[i], .account = "acc-p",
						 .outcome = x->index ? OUT_OK : OUT_BAD };
	return agents_judge(t, j, MANY, err);
}
OP(presence)
{
	struct agent_presence p[MANY];
	char ids[MANY][8];

	many_ids(x, ids, "v", 1);
	for (int i = 0; i < MANY; i++)
		p[i] = (struct agent_presence){ .id = ids[i], .present = true,
						.integration = INT_IMPORT };
	return agents_presence(t, p, MANY, err);
}
OP(calls) { return agents_calls(t, x->index, 4102444800000, err); }
static void many_numbers(const struct side *x, char ids[MANY][8], struct number_seen seen[MANY])
{
	many_ids(x, ids, "+1", 1);
	for (int i = 0; i < MANY; i++)
		seen[i] = (struct number_seen){ .phone_number = ids[i], .sid = "PN",
						.voice_ready = true, .sms_ready = -1,
						.observed = "{\"smsUrl\":\"y\"}" };
}
OP(sync_numbers)
{
	struct number_seen seen[MANY];
	struct sync_result r = { 0 };
	char ids[MANY][8];

	many_numbers(x, ids, seen);
	return numbers_put(t, "acc-b", seen, MANY, &r, err);
}
OP(observe_hooks)
{
	struct number_seen seen[MANY];
	char ids[MANY][8];

	many_numbers(x, ids, seen);
	return hooks_observed(t, "acc-b", seen, MANY, true, err);
}
OP(adopt_hooks) { UNUSED_SIDE; return hooks_adopt(t, "acc-b", "+11", "{}", err); }
OP(sms_ready) { return number_set_sms_ready(t, "+11", x->index, "person", err); }

/* ---- events ---------------------------------------------------------------------------------- */

static int change(struct tx *t, enum event_status to, struct err *err)
{
	struct event_row r = { 0 };
	int e = event_load(t->store, t, "EV-r", &r, err);

	if (e == 0) {
		enum event_status from = (enum event_status)r.e.status;

		r.e.status = to;
		e = event_transition(t, &r, from, r.e.version, "raced", err);
	}
	event_row_fini(&r);
	return e;
}
OP(approve) { UNUSED_SIDE; return change(t, EV_APPROVED, err); }
OP(reject) { UNUSED_SIDE; return change(t, EV_REJECTED, err); }
OP(hold) { UNUSED_SIDE; return change(t, EV_HELD, err); }
OP(open_another)
{
	struct event_row r = { .e = { .status = EV_PENDING, .severity = SEV_DEGRADED,
				      .trigger = TRIG_AUTOMATIC, .lineage = (char *)"acc-q",
				      .from = (char *)"acc-q" } };

	UNUSED_SIDE;
	int e = event_open(t, &r, err);
	free(r.e.id);
	return e;
}
OP(add_test)
{
	struct event_row r = { 0 };
	struct event_test test = { .at_ms = 1000, .outcome = x->index ? OUT_OK : OUT_BAD };
	int e = event_load(t->store, t, "EV-r", &r, err);

	if (e == 0)
		e = event_test_add(t, &r, &test, err);
	event_row_fini(&r);
	return e;
}
OP(progress)
{
	struct event_progress p = EVENT_PROGRESS;

	p.moved = x->index;
	p.last_write_at_ms = 1000 + x->index;
	return event_progress(t, "EV-r", &p, err);
}
OP(step)
{
	struct event_step s = { .n = STEP_WEBHOOKS, .state = SS_RUNNING, .done = x->index };

	return event_step_put(t, "EV-r", &s, true, err);
}
OP(steps) { UNUSED_SIDE; return steps_put(t, "EV-r", 2, err); }
OP(cancel) { UNUSED_SIDE; return event_cancel_request(t, "EV-s", "joe", NULL, err); }
OP(ack) { UNUSED_SIDE; return event_ack(t, "EV-r", "joe", err); }
OP(supersede) { UNUSED_SIDE; return events_supersede(t, "acc-p", "EV-r", err); }
OP(stop_read)
{
	struct attempt_stop stop;

	UNUSED_SIDE;
	return attempt_stop_read(t, "EV-r", &stop, err);
}

/* ---- items: two plans that want the same numbers --------------------------------------------- */

static const char *event_of(const struct side *x) { return x->index ? "EV-s" : "EV-r"; }
OP(put_items)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	return items_put(t, "EV-r", v, 2, err);
}
OP(save_items)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	return items_save(t, "EV-r", p, 2, err);
}
OP(reserve)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	if (x->index) {	/* another plan: other agents, same numbers, the other way round */
		struct item w = v[0];

		v[0] = v[1];
		v[1] = w;
		v[0].agent = (char *)"v3";
		v[1].agent = (char *)"v4";
	}
	return items_reserve(t, event_of(x), v, 2, err);
}
OP(release) { return items_release(t, event_of(x), err); }
OP(assign)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	return items_assign(t, event_of(x), p, 2, err);
}
OP(switch_items)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	return items_switch(t, event_of(x), "acc-p", p, 2, err);
}
OP(restore)
{
	struct item v[2], *p[2];

	two_items(x, v, p);
	int e = items_restore(t, event_of(x), p, 2, err);
	for (int i = 0; i < 2; i++)	/* says there what it left alone */
		free(v[i].observed);
	return e;
}
OP(effects)
{
	struct effect a = { .agent = "v1", .kind = "webhooks", .subject = "+11" }, *p = &a;
	int e;

	UNUSED_SIDE;
	e = effects_intend(t, "EV-r", &p, 1, err);
	a.state = "done";
	return e < 0 ? e : effects_end(t, &p, 1, err);
}
OP(orphans)
{
	int64_t n;

	UNUSED_SIDE;
	return effects_orphans(t, "EV-r", &n, err);
}

/* ---- switches, messages, tokens, lease ---------------------------------------------------- */

ALONE(pause_it) { return control_pause(x->s, who, x->index == 0, 0, "r", err); }
ALONE(maintain) { return control_maintenance(x->s, who, true, 5, "r", err); }
ALONE(expire) { return control_expire(x->s, who, err); }
OP(put_hold) { UNUSED_SIDE; return hold_put(t, "h", "w", "s", "r", 0, err); }
OP(drop_hold) { UNUSED_SIDE; return hold_release(t, "h", err); }
OP(raise_alert) { UNUSED_SIDE; return alert_raise(t, "a", "s", "warn", "t", true, err); }
OP(resolve) { UNUSED_SIDE; return alert_resolve(t, "a", "s", NULL, err); }
OP(put_message)
{
	struct outbox_new m = { .channel = "mail", .event = "EV-r", .kind = "k", .payload = "{}",
				.dedup_key = "same" };
	struct outbox_limits lim = { .per_event_hour = 1 };

	UNUSED_SIDE;
	return outbox_put(t, &m, &lim, NULL, err);
}
ALONE(claim)
{
	struct outbox_row *rows = NULL;
	size_t n = 0;
	int e = outbox_claim(x->s, 5, 1000, &rows, &n, err);

	(void)who;
	for (size_t i = 0; e == 0 && i < n; i++)
		e = i % 2 ? outbox_sent(x->s, rows[i].id, err) :
			    outbox_failed(x->s, rows[i].id, "no", 1, 3600000, NULL, err);
	outbox_free(rows, n);
	return e;
}
ALONE(token_puts) { return token_put(x->s, who, "a-token-both-know", "t", "viewer", err); }
ALONE(token_revokes) { return token_revoke(x->s, who, "t", err); }
ALONE(request)
{
	struct idem_reply r = { 0 };
	int e = idem_begin(x->s, "jane", "key", "POST /x", "{}", 60000, &r, err);

	(void)who;
	free(r.reply);
	if (e == 0)
		e = idem_finish(x->s, "jane", "key", 200, "{}", err);
	return e;
}
ALONE(evidence)
{
	struct evidence_row r = { .account = (char *)"acc-b", .kind = PROBE_API,
				  .outcome = OUT_OK };

	(void)who;
	return evidence_put(x->s, &r, 1, err);
}
ALONE(roll) { return history_roll(x->s, who, 1900000000000, 1000, err); }
ALONE(prune) { return journal_prune(x->s, who, 1900000000000, NULL, err); }
ALONE(beat) { (void)who; return engine_beat(x->s, "a", "v", 1, err); }
ALONE(live) { (void)who; return live_put(x->s, "live", "{}", err); }
ALONE(adopt) { return environment_adopt(x->s, who, x->index ? "one" : "two", err); }
ALONE(take_lease)
{
	struct pg_conn *c = NULL;
	struct lease_row seen;
	int64_t epoch;
	int e = pg_acquire(x->lease, &c, err);

	(void)who;
	if (e == 0)
		e = lease_row_read(c, &seen, err);
	if (e == 0) {	/* nobody's sessions are to be ended here */
		snprintf(seen.holder, sizeof(seen.holder), "nobody");
		e = lease_row_take(c, &seen, x->s->engine_id, NULL, 0, 0, &epoch, err);
	}
	pg_release(c);
	return e;
}
ALONE(renew_lease)
{
	struct pg_conn *c = NULL;
	int e = pg_acquire(x->lease, &c, err);

	(void)who;
	if (e == 0)
		e = lease_row_renew(c, 1, 1, NULL, err);
	pg_release(c);
	return e;
}

#define T(f) { #f, f, NULL }
#define A(f) { #f, NULL, f }
static int order_entry(struct tx *t, const char *id, int64_t n, struct err *err)
{
	struct run r = { .runbook = (char *)"b", .kind = (char *)"real", .holds = n };
	struct run_update u = { .summary = &r, .note = "b: went on" };
	struct run_entry_row e = { .n = n, .at_ms = tx_now_ms(t), .kind = (char *)"note" };
	struct run_told told = { .note = u.note };

	return n == 1 ? run_create(t, id, &e, &u, err) :
			run_append(t, id, &e, &told, 1, &u, err);
}
OP(run_starts)
{
	_cleanup_(free_p) char *id = NULL;
	int e = run_next_id(t, &id, err);

	UNUSED_SIDE;
	return e < 0 ? e : order_entry(t, id, 1, err);
}
OP(run_orders) { UNUSED_SIDE; return order_entry(t, "RUN-r", 2, err); }

ALONE(writes_report)
{
	struct review_text theirs = { 0 };
	int64_t version = 0;
	int e = report_put(x->s, who, "INC-r", "summary", 0, "text", &version, &theirs, err);

	record_fini(&review_text_type, &theirs);
	return e;
}
ALONE(signs_report) { return report_state(x->s, who, "INC-r", RV_DRAFT, NULL, err); }
ALONE(does_practice) { return practice_put(x->s, who, "drill", 1000, "n", err); }

static const struct write writes[] = {
	T(set_current), T(healthy), T(standby), T(not_ready), T(health_put),
	T(check_put), A(account_edits), A(account_adds), A(account_removes), A(reseals), T(judge),
	T(presence), T(calls), T(sync_numbers), T(observe_hooks), T(adopt_hooks), T(sms_ready),
	T(approve), T(reject), T(hold), T(open_another), T(add_test), T(progress), T(step),
	T(steps),
	T(cancel), T(ack), T(supersede), T(stop_read), T(put_items), T(save_items), T(reserve),
	T(release), T(assign), T(switch_items), T(restore), T(effects), T(orphans), A(pause_it),
	A(maintain), A(expire), T(put_hold), T(drop_hold), T(raise_alert), T(resolve),
	T(put_message), A(claim), A(token_puts), A(token_revokes), A(request), A(evidence), A(roll),
	A(prune), A(beat), A(live), A(adopt), A(take_lease), A(renew_lease),
	T(run_starts), T(run_orders), A(writes_report), A(signs_report), A(does_practice),
};

/* Everything the writes touch, as it was. Sequences may run on. */
static const char RESET[] =
	"DELETE FROM ringdown.event; DELETE FROM ringdown.reservation; DELETE FROM ringdown.effect;"
	" DELETE FROM \"TwilioFailoverEvent\"; DELETE FROM \"TwilioBackupPhoneNumber\";"
	" DELETE FROM ringdown.number_ext; DELETE FROM \"VoiceAgent\"; DELETE FROM"
	" ringdown.agent_ext; DELETE FROM \"TwilioAccount\"; DELETE FROM ringdown.account_ext;"
	" DELETE FROM ringdown.lineage; DELETE FROM ringdown.standby_for; DELETE FROM"
	" ringdown.hold; DELETE FROM ringdown.alert; DELETE FROM ringdown.outbox; DELETE FROM"
	" ringdown.token; DELETE FROM ringdown.idempotency; DELETE FROM ringdown.sms_hold; DELETE"
	" FROM ringdown.environment; UPDATE ringdown.control SET paused = false, maintenance ="
	" false; UPDATE ringdown.lease SET epoch = 1, holder = 'eng-1';"
	" UPDATE ringdown.lease_beat SET epoch = 1;"
	" INSERT INTO \"TwilioAccount\" (id, name, \"accountSid\", \"isPrimary\") VALUES"
	"  ('acc-p', 'P', 'AC-p', true), ('acc-b', 'B', 'AC-b', false), ('acc-c', 'C', 'AC-c',"
	" false); DELETE FROM calls; INSERT INTO calls (id, to_number) VALUES ('c1', '+1555'),"
	" ('c2', '+11'); INSERT INTO \"VoiceAgent\" (id, name, \"elevenLabsAgentId\","
	" \"twilioPhoneNumber\") SELECT  'v' || i, 'v', 'e', '+1555' FROM generate_series(1, 120)"
	" i; INSERT INTO \"TwilioBackupPhoneNumber\" (id, \"accountId\", \"phoneNumber\","
	" \"voiceReady\")  SELECT 'n' || i, 'acc-b', '+1' || i, true FROM generate_series(1, 120)"
	" i; INSERT INTO ringdown.token (hash, id, name, role, created_at, created_by) VALUES"
	"  ('h', 'tok', 't', 'viewer', '2026-01-01', 'x');"
	" INSERT INTO ringdown.event (id, status, severity, trigger_type, lineage, from_account,"
	"  opened_at, state_since) VALUES"
	"  ('EV-r', 'pending', 'degraded', 'AUTOMATIC', 'acc-p', 'acc-p', '2026-01-01',"
	" '2026-01-01'),  ('EV-s', 'approved', 'degraded', 'AUTOMATIC', 'acc-x', 'acc-x',"
	" '2026-01-01', '2026-01-01'); SET session_replication_role = replica; DELETE FROM"
	" ringdown.run_entry; SET session_replication_role = origin; DELETE FROM ringdown.run;"
	" INSERT INTO ringdown.run (id, version, runbook, status, kind, started_at, summary) VALUES"
	"  ('RUN-r', 1, 'b', 'waiting', 'real', '2026-01-01', '{}');"
	" DELETE FROM ringdown.report_text; DELETE FROM ringdown.practice;"
	" INSERT INTO ringdown.incident (id, title, severity, state, kind, declared_by,"
	" declared_at, changed_at, review) VALUES ('INC-r', 't', 'P1', 'resolved', 'real', 'x',"
	" '2026-01-01', '2026-01-01', 'in_review') ON CONFLICT (id) DO UPDATE SET review ="
	" 'in_review';";

static const char INVARIANTS[] =
	"SELECT (SELECT count(*) FROM (SELECT lineage FROM ringdown.event WHERE status IN ('held',"
	"  'pending', 'approved', 'executing', 'failed', 'rolling_back') GROUP BY 1"
	"  HAVING count(*) > 1) a)"
	" + (SELECT count(*) FROM ringdown.reservation r JOIN \"TwilioBackupPhoneNumber\" p"
	"  ON p.\"phoneNumber\" = r.phone_number WHERE p.\"assignedAgentId\" IS NOT NULL"
	"  AND p.\"assignedAgentId\" <> r.agent_id)"
	" + (SELECT count(*) FROM \"TwilioBackupPhoneNumber\" WHERE (status = 'assigned')"
	"  <> (\"assignedAgentId\" IS NOT NULL) AND status <> 'unavailable')"
	" + (SELECT count(*) FROM ringdown.lease l, ringdown.lease_beat b WHERE l.epoch <> b.epoch)"
	" + (SELECT count(*) FROM ringdown.event e JOIN \"TwilioFailoverEvent\" f ON f.id = e.id"
	"  WHERE f.status <> e.status AND e.status <> 'superseded')"
	" + (SELECT count(*) FROM ringdown.run r WHERE r.id = 'RUN-r' AND r.version <> 1 +"
	"  (SELECT count(*) FROM ringdown.run_entry e WHERE e.run_id = r.id))"
	" + (SELECT count(*) FROM (SELECT 1 FROM ringdown.report_text GROUP BY section HAVING"
	"  max(version) <> count(*) OR count(*) FILTER (WHERE NOT aside) <> 1) t)"
	" + (SELECT count(*) FROM ringdown.journal_head h WHERE h.seq <>"
	"  (SELECT coalesce(max(seq), h.seq) FROM ringdown.journal))";

static void one_side(void *arg)
{
	struct side *x = arg;
	struct who who = { .actor = "racer", .role = "engine", .via = "test",
			   .epoch = x->index == 0 ? 1 : 0 };
	_cleanup_(tx_rollback) struct tx t = { 0 };

	if (x->op->alone) {
		x->e = x->op->alone(x, &who, &x->err);
		return;
	}
	x->e = tx_begin(x->s, &t, &who, &x->err);
	if (x->e == 0)
		x->e = x->op->in_tx(&t, x, &x->err);
	if (x->e == 0) {
		tx_note(&t, NOTE_INFO, "race", "x", x->op->name, NULL);
		x->e = tx_commit(&t, NULL, &x->err);
	}
}

/* Done, or told that it lost. A deadlock is a conflict that need not be. */
static bool fair(const struct side *x)
{
	if (strstr(x->err.msg, "40P01"))
		return false;
	return x->e >= 0 || x->e == ERR_CONFLICT || x->e == ERR_EXISTS || x->e == ERR_LEASE ||
	       x->e == ERR_NOT_FOUND;
}

struct race { struct side side[2]; int bad, won[200]; };

static void check(struct race *r, const char *a, const char *b)
{
	struct side *x = r->side;
	struct pg_result *res = NULL;
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		r->won[x[i].op - writes] += x[i].e >= 0;
		if (!fair(&x[i])) {
			printf("# %s against %s: %s got %d %s\n", a, b, x[i].op->name, x[i].e,
			       x[i].err.msg);
			r->bad++;
		}
	}
	if (store_query(x[0].s, &res, &err, INVARIANTS, "") < 0 || pg_i64(res, 0, 0) != 0) {
		printf("# %s against %s: invariant broken (%lld) %s\n", a, b,
		       res ? (long long)pg_i64(res, 0, 0) : -1LL, err.msg);
		r->bad++;
	}
	pg_result_free(res);
}

static void reset(struct store *s)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };
	int e = pg_acquire(s->pool, &c, &err);

	if (e == 0)
		e = pg_script(c, RESET, &err);
	pg_release(c);
	if (e < 0)
		fail_msg("reset: %s", err.msg);
}

static void all_pairs(void *arg)
{
	struct race *r = arg;

	for (size_t i = 0; i < COUNT_OF(writes); i++)
		for (size_t k = i; k < COUNT_OF(writes); k++) {
			int64_t before = loop_now_ms(r->side[0].s->loop);
			struct crowd c;

			reset(r->side[0].s);
			crowd_init(&c, 2);
			for (int n = 0; n < 2; n++) {
				/* which of them is first and leads alternates */
				r->side[n].op = &writes[(n ^ ((i + k) & 1)) ? k : i];
				r->side[n].err = (struct err){ 0 };
				crowd_add(&c, "side", one_side, &r->side[n]);
			}
			crowd_join(&c);
			check(r, writes[i].name, writes[k].name);
			if (loop_now_ms(r->side[0].s->loop) - before > 900)
				printf("# slow: %s against %s\n", writes[i].name, writes[k].name);
		}
}

struct verify { struct store *s; struct journal_verdict v; };

static void verify(void *arg)
{
	struct verify *v = arg;

	journal_verify(v->s, &v->v, NULL);
}

static void every_pair(void **state)
{
	struct loop *l = loop_new();
	const char *url = storetest_database(&st);
	struct race r = { 0 };
	struct verify v = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		r.side[i].s = storetest_open(&st, l, url, i ? "eng-2" : "eng-1");
		r.side[i].lease = lease_row_pool(r.side[i].s);
		r.side[i].index = i;
	}
	in_task(l, all_pairs, &r);
	v.s = r.side[0].s;
	in_task(l, verify, &v);
	for (int i = 0; i < 2; i++) {
		pg_pool_free(r.side[i].lease);
		store_close(r.side[i].s);
	}
	loop_free(l);
	for (size_t i = 0; i < COUNT_OF(writes); i++)	/* a write that never works races nobody */
		if (r.won[i] < (int)COUNT_OF(writes) / 4) {
			printf("# %s worked %d times only\n", writes[i].name, r.won[i]);
			r.bad++;
		}
	assert_int_equal(r.bad, 0);
	if (!v.v.ok)
		fail_msg("journal: %s at %lld", v.v.why, (long long)v.v.bad_seq);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_pair) };
	int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	storetest_start(&st);
	failed = cmocka_run_group_tests_name("race", tests, NULL, NULL);
	storetest_stop(&st);
	return failed;
}
