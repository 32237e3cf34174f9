/*
 * The gates, one small function each; see gates.h.
 *
 * Invariant: a gate never guesses. What was not asked, or is not known, is shut, with two
 * exceptions that the description makes: an unknown balance, and an ElevenLabs key whose
 * rights could not be found out, pass with a warning in their sentence.
 */
#include "failover/gates.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* why is NULL where only the answer is wanted */
static void tell(struct str *why, const char *text)
{
	if (why)
		str_add(why, text);
}

static void say(struct str *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct str *why, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (!why)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_add(why, text);
}

enum { COARSE_MS = 120000, COARSE_STEP_MS = 20000 };

typedef bool (*gate_fn)(const struct gate_facts *f, const struct failover_settings *set,
			int64_t now_wall_ms, struct str *why);

static bool gate_lease(const struct gate_facts *f, const struct failover_settings *set,
		       int64_t now_wall_ms, struct str *why)
{
	(void)now_wall_ms;
	if (!f->lease_held) {
		say(why, "this engine does not hold the lease%s%s",
			 str_empty(f->lease_why) ? "" : ": ", f->lease_why ? f->lease_why : "");
		return false;
	}
	if (f->lease_valid_ms <= set->write_deadline_ms) {
		say(why, "only %.1f s of the lease are left", (double)f->lease_valid_ms / 1000);
		return false;
	}
	if (!str_empty(f->lease_why)) {
		tell(why, f->lease_why);
		return false;
	}
	say(why, "this engine holds the lease");
	return true;
}

static bool gate_database(const struct gate_facts *f, const struct failover_settings *set,
			  int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (!f->database_ok || !f->database_durable) {
		tell(why, !str_empty(f->database_why) ? f->database_why :
			  f->database_ok ? "no synchronous standby keeps what is committed" :
					   "the database cannot be written");
		return false;
	}
	say(why, "writable and durable");
	return true;
}

static bool gate_attempt(const struct gate_facts *f, const struct failover_settings *set,
			 int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (f->other_event) {
		say(why, "%s is not finished and shares %s", f->other_event,
			 f->other_shares ? f->other_shares : "an account");
		return false;
	}
	say(why, "no other attempt shares source, target or numbers");
	return true;
}

static bool gate_environment(const struct gate_facts *f, const struct failover_settings *set,
			     int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (f->shadow) {
		say(why, "shadow mode: decisions are recorded, nothing is carried out");
		return false;
	}
	if (!f->environment_ok) {
		tell(why, str_empty(f->environment_why) ?
				     "the database was not adopted for this environment" :
				     f->environment_why);
		return false;
	}
	say(why, "the database belongs to this environment");
	return true;
}

static bool gate_paused(const struct gate_facts *f, const struct failover_settings *set,
			int64_t now_wall_ms, struct str *why)
{
	char until[TIME_TEXT];

	(void)set, (void)now_wall_ms;
	if (!f->paused && !f->maintenance) {
		say(why, "automation is on");
		return true;
	}
	say(why, "%s by %s", f->paused ? "paused" : "maintenance",
		 str_empty(f->paused_by) ? "somebody" : f->paused_by);
	if (f->paused_until_ms)
		say(why, " until %s", format_time(until, f->paused_until_ms));
	if (!str_empty(f->paused_reason))
		say(why, ": %s", f->paused_reason);
	return false;
}

static bool gate_hour(const struct gate_facts *f, const struct failover_settings *set,
		      int64_t now_wall_ms, struct str *why)
{
	bool all = f->attempts_all >= set->max_per_hour;
	bool one = f->attempts_lineage >= set->max_per_hour_lineage;
	char span[32], wait[32];

	format_duration(span, sizeof(span), set->hour_ms);
	if (!all && !one) {
		say(why, "%lld of %lld attempts within %s", (long long)f->attempts_all,
			 (long long)set->max_per_hour, span);
		return true;
	}
	say(why, "%lld attempt%s wrote outside within %s, %lld allowed%s",
		 (long long)(all ? f->attempts_all : f->attempts_lineage),
		 (all ? f->attempts_all : f->attempts_lineage) == 1 ? "" : "s", span,
		 (long long)(all ? set->max_per_hour : set->max_per_hour_lineage),
		 all ? "" : " for one lineage");
	if (f->attempts_free_ms > now_wall_ms) {
		int64_t left = f->attempts_free_ms - now_wall_ms;
		/* coarse while it is long: a sentence that changes each second is sent each
		 * second */
		int64_t step = left > COARSE_MS ? COARSE_STEP_MS : 1000;

		format_duration(wait, sizeof(wait), (left + step - 1) / step * step);
		say(why, "; free again in %s", wait);
	}
	return false;
}

static bool gate_evidence(const struct gate_facts *f, const struct failover_settings *set,
			  int64_t now_wall_ms, struct str *why)
{
	char at[TIME_TEXT];

	(void)now_wall_ms;
	if (f->manual) {
		say(why, "started by a person: not asked");
		return true;
	}
	if (f->evidence_age_ms < 0 || f->evidence_age_ms > set->evidence_fresh_ms) {
		say(why, "no fresh evidence");
		return false;
	}
	if (f->blocker == BLOCK_FOLLOWER) {
		tell(why, str_empty(f->blocker_why) ? "another engine disagrees" :
							 f->blocker_why);
		return false;
	}
	if (f->evidence_kinds < 2 && f->evidence_sweeps < 2) {
		say(why, "one kind of probe in one sweep only");
		return false;
	}
	if (f->evidence_kinds)
		say(why, "%d kind%s of probe, ", f->evidence_kinds,
		    f->evidence_kinds == 1 ? "" : "s");
	say(why, "%d sweep%s", f->evidence_sweeps, f->evidence_sweeps == 1 ? "" : "s");
	if (f->evidence_at_ms)
		say(why, ", seen %.8sZ", format_time(at, f->evidence_at_ms) + 11);
	return true;
}

static bool gate_isolation(const struct gate_facts *f, const struct failover_settings *set,
			   int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (f->blocker == BLOCK_ALIKE || f->blocker == BLOCK_UNREACHABLE) {
		tell(why, str_empty(f->blocker_why) ? "everything fails alike" : f->blocker_why);
		return false;
	}
	if (!f->anything_answers) {
		say(why, "no provider could be reached: the trouble may be ours");
		return false;
	}
	say(why, "others answer, so the trouble is not ours");
	return true;
}

static bool no_target(const struct gate_facts *f, struct str *why)
{
	if (f->target)
		return false;
	tell(why, str_empty(f->target_none_why) ? "no account could take over" :
						     f->target_none_why);
	return true;
}

static const char *target_name(const struct gate_facts *f)
{
	return str_empty(f->target_name) ? f->target : f->target_name;
}

static bool gate_target_healthy(const struct gate_facts *f, const struct failover_settings *set,
				int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (no_target(f, why))
		return false;
	if (f->target_trouble) {
		say(why, "%s: %s", target_name(f), f->target_trouble);
		return false;
	}
	say(why, "%s: its own probes are ok", target_name(f));
	return true;
}

static bool gate_target_independent(const struct gate_facts *f,
				    const struct failover_settings *set, int64_t now_wall_ms,
				    struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (no_target(f, why))
		return false;
	if (f->parent_trouble || f->shared_trouble) {
		say(why, "%s: %s", target_name(f),
			 f->parent_trouble ? f->parent_trouble : f->shared_trouble);
		return false;
	}
	say(why, "%s shares neither a failing parent nor a failing region", target_name(f));
	return true;
}

static bool gate_target_fit(const struct gate_facts *f, const struct failover_settings *set,
			    int64_t now_wall_ms, struct str *why)
{
	(void)now_wall_ms;
	if (no_target(f, why))
		return false;
	if (f->target_not_ready) {
		say(why, "%s is marked not ready: %s", target_name(f),
			 str_empty(f->target_not_ready_why) ? "its canaries failed" :
							      f->target_not_ready_why);
		return false;
	}
	if (f->type_known && !f->type_full) {
		say(why, "%s is a trial account", target_name(f));
		return false;
	}
	if (!f->credential_fit) {
		say(why, "%s: %s", target_name(f),
			 str_empty(f->credential_why) ? "its credential cannot do what is needed" :
							f->credential_why);
		return false;
	}
	if (f->balance_known && f->balance < set->min_balance) {
		say(why, "%s: balance %.2f is below %.2f", target_name(f), f->balance,
			 set->min_balance);
		return false;
	}
	say(why, "%s is %s%s", target_name(f), f->type_known ? "a full account" : "usable",
		 f->balance_known ? "" : "; warning: its balance is not known");
	return true;
}

static bool gate_numbers(const struct gate_facts *f, const struct failover_settings *set,
			 int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (no_target(f, why))
		return false;
	say(why, "%lld free voice-ready numbers for %lld agents", (long long)f->numbers_free,
		 (long long)f->numbers_needed);
	if (f->numbers_needed == 0) {
		say(why, ": nothing to move");
		return false;
	}
	if (f->numbers_free >= f->numbers_needed)
		return true;
	if (f->partial && f->numbers_free > 0)
		say(why, "; a partial failover was chosen");
	return f->partial && f->numbers_free > 0;
}

static bool gate_routing(const struct gate_facts *f, const struct failover_settings *set,
			 int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (no_target(f, why))
		return false;
	if (f->routed_elsewhere > 0) {
		say(why, "%lld target number%s routed elsewhere%s%s",
			 (long long)f->routed_elsewhere, f->routed_elsewhere == 1 ? " is" : "s are",
			 str_empty(f->routed_example) ? "" : ", e.g. ",
			 f->routed_example ? f->routed_example : "");
		return false;
	}
	say(why, "no trunk, application or region overrides the target numbers");
	return true;
}

static bool gate_agents(const struct gate_facts *f, const struct failover_settings *set,
			int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (!f->any_import) {
		say(why, "no agent needs an import");
		return true;
	}
	if (!f->eleven_answers || (f->eleven_rights_known && !f->eleven_may_write)) {
		tell(why, !str_empty(f->eleven_why) ? f->eleven_why :
			     f->eleven_answers ? "the ElevenLabs key may not write" :
						 "ElevenLabs does not answer");
		return false;
	}
	say(why, "ElevenLabs answers%s",
		 f->eleven_rights_known ? " and the key may write" :
					  "; warning: the key's rights are not known");
	return true;
}

static bool gate_webhook(const struct gate_facts *f, const struct failover_settings *set,
			 int64_t now_wall_ms, struct str *why)
{
	(void)set, (void)now_wall_ms;
	if (no_target(f, why))
		return false;
	if (!f->webhook_asked || !f->webhook_ok) {
		tell(why, !str_empty(f->webhook_why) ? f->webhook_why :
			     f->webhook_asked ? "our webhook endpoint does not answer" :
						"our webhook endpoint was not asked yet");
		return false;
	}
	say(why, "our endpoint answers and accepts the signature of %s", target_name(f));
	return true;
}

static const struct {
	gate_fn fn;
	bool overridable, typed, rollback;
	const char *instead;		/* how it opens when it cannot be overridden */
} gate_table[GATE_MAX] = {
	[GATE_LEASE] = { gate_lease, .rollback = true,
			 .instead = "it opens when this engine holds the lease" },
	[GATE_DATABASE] = { gate_database, .rollback = true,
			    .instead = "it opens when the database is writable and durable" },
	[GATE_ATTEMPT] = { gate_attempt, .rollback = true,
			   .instead = "finish, cancel or accept the other event first" },
	[GATE_ENVIRONMENT] = { gate_environment,
			       .instead = "run ringdown adopt --environment NAME" },
	[GATE_PAUSED] = { gate_paused, .instead = "run ringdown unpause" },
	[GATE_HOUR] = { gate_hour, .overridable = true },
	[GATE_EVIDENCE] = { gate_evidence, .overridable = true },
	[GATE_ISOLATION] = { gate_isolation, .overridable = true },
	[GATE_TARGET_HEALTHY] = { gate_target_healthy, true, true, true, NULL },
	[GATE_TARGET_INDEPENDENT] = { gate_target_independent, true, true, false, NULL },
	[GATE_TARGET_FIT] = { gate_target_fit, .overridable = true },
	[GATE_NUMBERS] = { gate_numbers, .rollback = true,
			   .instead = "add numbers or choose a partial failover" },
	[GATE_ROUTING] = { gate_routing, .overridable = true },
	[GATE_AGENTS] = { gate_agents, .overridable = true, .rollback = true },
	[GATE_WEBHOOK] = { gate_webhook, .overridable = true },
};

void gates_compute(const struct gate_facts *f, const struct failover_settings *set,
		   int64_t now_wall_ms, struct gate_result out[GATE_MAX])
{
	for (int g = 0; g < GATE_MAX; g++) {
		struct str why = STR_INIT(400);

		out[g].gate = g;
		out[g].overridable = gate_table[g].overridable;
		out[g].typed = gate_table[g].typed;
		out[g].pass = gate_table[g].fn(f, set, now_wall_ms, &why);
		out[g].why = str_take(&why);
	}
}

bool gates_target_open(const struct gate_facts *f, const struct failover_settings *set,
		       int64_t now_wall_ms)
{
	for (int g = GATE_TARGET_HEALTHY; g < GATE_MAX; g++)
		if (!gate_table[g].fn(f, set, now_wall_ms, NULL))
			return false;
	return gate_table[GATE_ATTEMPT].fn(f, set, now_wall_ms, NULL);
}

void gates_clear(struct gate_result out[GATE_MAX])
{
	for (int g = 0; g < GATE_MAX; g++)
		record_fini(&gate_result_type, &out[g]);
}

bool gate_of_rollback(enum gate g)
{
	return gate_table[g].rollback;
}

int gates_first_shut(const struct gate_result g[GATE_MAX], unsigned overrides)
{
	const struct gate_result *first = gates_shut(g, GATE_MAX, overrides);

	return first ? first->gate : -1;
}

int gates_parse(const char *const *names, size_t n, bool rollback, unsigned *ret_bits,
		struct err *err)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		int g = enum_parse(&gate_names, names[i]);

		if (g < 0)
			return err_field(err, ERR_INVALID, "overrides", "no gate is called \"%s\"",
					 names[i]);
		/* seen from the way back, missing numbers are a person's to accept */
		if (!gate_table[g].overridable && !(rollback && g == GATE_NUMBERS))
			return err_field(err, ERR_INVALID, "overrides",
					 "gate %s cannot be overridden: %s", names[i],
					 gate_table[g].instead);
		if (rollback && !gate_table[g].rollback)
			return err_field(err, ERR_INVALID, "overrides",
					 "gate %s does not count for a rollback", names[i]);
		bits |= 1u << g;
	}
	*ret_bits = bits;
	return 0;
}

char *gates_names_json(unsigned bits)
{
	struct str b = STR_INIT(1024);
	struct jw w = JW(&b);

	jw_arr(&w, NULL);
	for (int g = 0; g < GATE_MAX; g++)
		if (bits >> g & 1)
			jw_str(&w, NULL, gate_name(g));
	jw_arr_end(&w);
	return str_take(&b);
}
