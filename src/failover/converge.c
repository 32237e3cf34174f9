/*
 * One agent from what is observed to what is desired: ElevenLabs, webhooks, test (steps
 * 5-7). Each write: on record, sent, read back; a reply that was lost is never answered
 * by a second write before looking. So it may be stopped anywhere and run again by
 * anybody: what is done is found done.
 *
 * It does not touch the source account, creates nothing that a look-up by number found,
 * and has no idea of the event's state.
 */
#include "failover/mover.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *info_text(const struct call_info *info, char *buf, size_t n)
{
	char code[80] = "";

	if (info->code)
		snprintf(code, sizeof(code), " %lld", (long long)info->code);
	else if (info->code_name[0])
		snprintf(code, sizeof(code), " %s", info->code_name);
	snprintf(buf, n, "%s%s%s%s", call_result_name(info->result), code,
		 info->message[0] ? ": " : "", info->message);
	return buf;
}

bool info_transient(const struct call_info *info)
{
	switch (info->result) {
	case CALL_RATE_LIMITED: case CALL_SERVER: case CALL_TIMEOUT: case CALL_UNREACHABLE:
	case CALL_GARBLED:
		return true;
	default:
		return false;
	}
}

static void mover_dirty(struct mover *m)
{
	if (!m->aside)
		act_dirty(m->a, m->row);
}

void mover_fail(struct mover *m, bool fatal, bool retry, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
	m->fatal = fatal;
	m->retry = retry;
	m->row->state = IT_FAILED;
	str_replace(&m->row->error, m->why);
	mover_dirty(m);
}

void mover_step(struct mover *m, int step)
{
	if (m->row->step >= step)
		return;
	m->row->step = step;
	mover_dirty(m);
}

/* Between tries; negative when we were stopped meanwhile. */
static int pause_between(struct mover *m, int tries)
{
	int64_t ms = WRITE_RETRY_MS << (tries < 4 ? tries : 4);

	if (task_sleep(ms) == OP_CANCELLED || m->a->stop != ACT_GO)
		return ERR_CANCELLED;
	return 0;
}

/* The target answers as a whole account: nothing else needs to be tried on it. */
static void note_target(struct mover *m, const struct call_info *info)
{
	if (!m->aside && (info->result == CALL_INACTIVE || info->result == CALL_REJECTED))
		m->a->target_dead = true;
}

/* ---- ElevenLabs ------------------------------------------------------------------------ */

static void eleven_answers(struct mover *m, bool yes)
{
	struct act *a = m->a;

	m->eleven_down = !yes;
	if (yes)
		a->eleven_down_since_ms = 0;
	else if (!a->eleven_down_since_ms)
		a->eleven_down_since_ms = loop_now_ms(a->d->loop);
}

static bool assigned(const struct mover *m, const char *agent)
{
	return str_empty(agent) ? !m->imported || !m->import_agent[0] :
				  m->imported && str_eq(m->import_agent, agent);
}

/* What the write replaces: an assignment, or the webhooks that an import overwrites. */
static char *import_before(const struct mover *m)
{
	_cleanup_(free_p) char *hooks = m->phone ? webhooks_json(m->phone->hooks) : NULL;

	if (m->imported)
		return xasprintf("{\"id\":\"%s\",\"agentId\":\"%s\"}", m->import_id,
				 m->import_agent);
	return hooks ? xasprintf("{\"webhooks\":%s}", hooks) : NULL;
}

/* One write: import with the agent, or assign an entry that is there already. */
static int eleven_write(struct mover *m, const char *agent, struct call_info *info)
{
	struct act *a = m->a;
	struct providers *p = a->d->providers;
	struct str after = STR_INIT(1024);
	struct jw w = JW(&after);
	char id[48] = "";

	jw_obj(&w, NULL);
	jw_str(&w, "agentId", agent ? agent : "");
	jw_obj_end(&w);
	_cleanup_(free_p) char *before = import_before(m);
	struct effect *e = effect_new(m->row->agent, m->imported ? "assign" : "import",
				      m->row->to_number, before, str_get(&after));
	str_fini(&after);
	int r = act_intend(a, e, NULL);
	if (r < 0)
		return r;
	if (m->imported) {
		p->agents->assign(p, &a->guard, m->import_id, agent, info);
	} else {
		m->fresh = false;	/* an import rewrites the number's webhooks */
		p->agents->import(p, m->keys, &a->guard, m->row->to_number,
				  m->row->name ? m->row->name : m->row->agent, agent, id, info);
	}
	act_wrote(a, e, info);
	/* it may have happened: until somebody looked nothing is known */
	if (info->result != CALL_OK && info->maybe_done)
		m->looked = false;
	if (info->result != CALL_OK)
		return 0;
	if (!m->imported)
		snprintf(m->import_id, sizeof(m->import_id), "%s", id);
	m->imported = true;
	snprintf(m->import_agent, sizeof(m->import_agent), "%s", agent ? agent : "");
	return 0;
}

/* ElevenLabs was away when everything was read: what is not known is not made anew. */
static int look_first(struct mover *m)
{
	struct call_info info = { 0 };
	char text[300];

	if (m->looked || import_read(m, &info) == CALL_OK)
		return 0;
	if (info.result == CALL_CANCELLED)
		return ERR_CANCELLED;
	eleven_answers(m, !info_transient(&info));
	mover_fail(m, true, true, "ElevenLabs: %s", info_text(&info, text, sizeof(text)));
	return ERR_FAILED;
}

/* The guard said no: the lease ran short just then, or we were stopped. */
static int not_sent(struct mover *m)
{
	if (m->a->stop == ACT_GO && !task_cancelled())
		mover_fail(m, true, true, "nothing could be sent: the lease was not renewed in"
					  " time");
	return ERR_CANCELLED;
}

int import_assign(struct mover *m, const char *agent)
{
	struct call_info info = { 0 };
	char text[300];
	int r = look_first(m);

	if (r < 0)
		return r;
	for (int tries = 0; !assigned(m, agent); tries++) {
		if (tries == WRITE_TRIES) {
			mover_fail(m, true, true, "ElevenLabs: %s",
				   info_text(&info, text, sizeof(text)));
			return ERR_FAILED;
		}
		if (eleven_write(m, agent, &info) < 0)
			return ERR_CANCELLED;
		if (info.result == CALL_OK)
			break;
		if (info.result == CALL_CANCELLED && !info.maybe_done)
			return not_sent(m);
		struct call_info seen = { 0 };
		bool transient = info_transient(&info) || info.maybe_done;
		if (transient && pause_between(m, tries) < 0)
			return ERR_CANCELLED;
		/* look before anything is sent again: it may be there, by us or by another */
		if (import_read(m, &seen) != CALL_OK) {
			eleven_answers(m, !info_transient(&seen));
			mover_fail(m, true, true, "ElevenLabs: %s",
				   info_text(&seen, text, sizeof(text)));
			return ERR_FAILED;
		}
		if (!transient && !assigned(m, agent)) {
			mover_fail(m, info.result == CALL_REJECTED, false, "ElevenLabs: %s",
				   info_text(&info, text, sizeof(text)));
			return ERR_FAILED;
		}
	}
	eleven_answers(m, true);
	if (!str_eq(m->row->eleven_after, m->import_id)) {
		str_replace(&m->row->eleven_after, m->imported ? m->import_id : NULL);
		mover_dirty(m);
	}
	return 0;
}

/* ---- webhooks -------------------------------------------------------------------------- */

static int read_again(struct mover *m, int tries)
{
	struct call_info info = { 0 };
	char text[300];

	if (phone_read(m, &info) == CALL_OK)
		return 0;
	if (info.result == CALL_CANCELLED)
		return ERR_CANCELLED;
	note_target(m, &info);
	if (info_transient(&info) && tries < WRITE_TRIES)
		return pause_between(m, tries) < 0 ? ERR_CANCELLED : 1;
	if (info.result == CALL_NOT_FOUND)
		mover_fail(m, false, false, "%s is not in the account", m->row->to_number);
	else
		mover_fail(m, true, info_transient(&info), "%s cannot be read: %s",
			   m->row->to_number, info_text(&info, text, sizeof(text)));
	return ERR_FAILED;
}

static int webhooks_write(struct mover *m, const struct webhooks *want, unsigned diff,
			  struct call_info *info)
{
	struct act *a = m->a;
	struct providers *p = a->d->providers;
	struct webhooks set = { { 0 } }, have = { { 0 } };

	for (int f = 0; f < WH_COUNT; f++) {
		if (!(diff & 1u << f))
			continue;
		set.v[f] = want->v[f];
		have.v[f] = m->phone->hooks->v[f] ? m->phone->hooks->v[f] : "";
	}
	_cleanup_(free_p) char *before = webhooks_json(&have);
	_cleanup_(free_p) char *after = webhooks_json(&set);
	struct effect *e = effect_new(m->row->agent, "webhooks", m->row->to_number, before, after);
	int r = act_intend(a, e, NULL);
	if (r < 0)
		return r;
	p->telephony->number_update(p, m->keys, &a->guard, m->phone->sid, &set, NULL, info);
	act_wrote(a, e, info);
	m->fresh = false;
	return 0;
}

/* desired: want follows what is read (an import's own address); else want is as given. */
static int webhooks_converge(struct mover *m, const struct webhooks *given)
{
	struct call_info info = { 0 };
	char text[300];

	for (int tries = 0;;) {
		struct webhooks want;
		struct err err = { 0 };

		while (!m->fresh) {
			int r = read_again(m, tries++);

			if (r < 0)
				return r;
		}
		if (!m->phone) {
			mover_fail(m, false, false, "%s is not in the target account",
				   m->row->to_number);
			return ERR_FAILED;
		}
		if (given) {
			want = *given;
		} else if (desired_webhooks(m, &want, &err) < 0) {
			mover_fail(m, false, false, "%s", err.msg);
			return ERR_FAILED;
		}
		unsigned diff = webhooks_diff(&want, m->phone->hooks);
		if (!diff)
			return 0;
		if (tries >= WRITE_TRIES) {
			mover_fail(m, true, true, "webhooks of %s: %s", m->row->to_number,
				   info.result == CALL_OK ? "they do not stay as written" :
				   info_text(&info, text, sizeof(text)));
			return ERR_FAILED;
		}
		if (tries && info.result != CALL_OK && pause_between(m, tries) < 0)
			return ERR_CANCELLED;
		tries++;
		if (webhooks_write(m, &want, diff, &info) < 0)
			return ERR_CANCELLED;
		if (info.result == CALL_OK || info.maybe_done || info_transient(&info))
			continue;	/* read back, then decide */
		if (info.result == CALL_CANCELLED)
			return not_sent(m);
		note_target(m, &info);
		mover_fail(m, true, false, "webhooks of %s: %s", m->row->to_number,
			   info_text(&info, text, sizeof(text)));
		return ERR_FAILED;
	}
}

int webhooks_put(struct mover *m, const struct webhooks *want)
{
	return webhooks_converge(m, want);
}

/* ---- test ------------------------------------------------------------------------------- */

/* The read-back at ElevenLabs; the webhooks were read back by the step before. */
static int test_import(struct mover *m)
{
	struct providers *p = m->a->d->providers;
	struct remote_number n = { 0 };
	struct call_info info = { 0 };
	char text[300];

	for (int tries = 0;; tries++) {
		p->agents->number(p, m->import_id, &n, &info);
		if (info.result == CALL_OK)
			break;
		if (info.result == CALL_CANCELLED)
			return ERR_CANCELLED;
		if (!info_transient(&info) || tries == WRITE_TRIES) {
			eleven_answers(m, !info_transient(&info));
			m->imported = m->imported && info.result != CALL_NOT_FOUND;
			mover_fail(m, true, true, "ElevenLabs, read-back: %s",
				   info_text(&info, text, sizeof(text)));
			return ERR_FAILED;
		}
		if (pause_between(m, tries) < 0)
			return ERR_CANCELLED;
	}
	snprintf(m->import_agent, sizeof(m->import_agent), "%s", n.agent_id);
	if (assigned(m, m->row->eleven_agent))
		return 0;
	mover_fail(m, false, true, "ElevenLabs has %s assigned to %s", m->row->to_number,
		   n.agent_id[0] ? n.agent_id : "nobody");
	return ERR_FAILED;
}

/* Our endpoint must take what the target signs; asked by canaries, else once in a phase. */
static int test_probe(struct mover *m)
{
	struct act *a = m->a;
	struct providers *p = a->d->providers;
	struct webhook_probe w = { 0 };
	struct call_info info = { 0 };
	char text[300];

	for (int tries = 0; !a->probed || m->row->canary; tries++) {
		p->app->webhook_test(p, &a->to_keys, NULL, &w, &info);
		if (info.result == CALL_CANCELLED)
			return ERR_CANCELLED;
		if (info.reason == REASON_NO_CREDENTIAL || info.reason == REASON_UNSUPPORTED)
			break;		/* an API key signs nothing: nothing can be said */
		if (w.answered && !w.signature_refused)
			break;
		if (tries == 2 || w.signature_refused) {
			mover_fail(m, true, !w.signature_refused,
				   w.signature_refused ?
				   "our webhook endpoint refuses the target's signature%s" :
				   "our webhook endpoint does not answer: %s",
				   w.signature_refused ? "" : info_text(&info, text, sizeof(text)));
			return ERR_FAILED;
		}
		if (pause_between(m, tries) < 0)
			return ERR_CANCELLED;
	}
	a->probed = true;
	return 0;
}

enum { TEST_CALL_POLLS = 15, TEST_CALL_POLL_MS = 2000, TEST_CALL_RING_S = 20 };

/* Only where an admin configured a number that may ring, and once in an attempt. */
static int test_call(struct mover *m)
{
	struct act *a = m->a;
	struct providers *p = a->d->providers;
	struct test_call call = { m->row->to_number, a->d->set->test_call_to,
				  m->phone->hooks->v[WH_VOICE_URL], TEST_CALL_RING_S };
	struct call_record seen = { 0 };
	struct call_info info = { 0 };
	char sid[36], text[300];

	if (str_empty(call.to) || !m->row->canary || m->row->ord != 0)
		return 0;
	struct effect *e = effect_new(m->row->agent, "test-call", call.to, NULL, NULL);
	if (act_intend(a, e, NULL) < 0)
		return ERR_CANCELLED;
	p->telephony->test_call(p, &a->to_keys, &a->guard, &call, sid, &info);
	act_wrote(a, e, &info);
	for (int i = 0; info.result == CALL_OK && i < TEST_CALL_POLLS; i++) {
		if (task_sleep(TEST_CALL_POLL_MS) == OP_CANCELLED)
			return ERR_CANCELLED;
		p->telephony->call_status(p, &a->to_keys, sid, &seen, &info);
		if (seen.status == CALL_STATUS_IN_PROGRESS || seen.status == CALL_STATUS_COMPLETED)
			return 0;
		if (seen.status == CALL_STATUS_FAILED)
			break;
	}
	if (seen.status == CALL_STATUS_BUSY || seen.status == CALL_STATUS_NO_ANSWER)
		return 0;		/* it rang */
	mover_fail(m, true, false, "the test call failed: %s", info.result == CALL_OK ?
		   call_status_name(seen.status) : info_text(&info, text, sizeof(text)));
	return ERR_FAILED;
}

/* ---- all of it -------------------------------------------------------------------------- */

static bool unreachable_number(struct mover *m)
{
	const struct webhooks *h = m->phone->hooks;

	if (str_empty(h->v[WH_TRUNK_SID]) && str_empty(h->v[WH_VOICE_APPLICATION_SID]))
		return false;
	mover_fail(m, false, false, "%s: a %s takes its calls, webhooks have no effect",
		   m->row->to_number, str_empty(h->v[WH_TRUNK_SID]) ? "TwiML application" :
								      "trunk");
	return true;
}

static void settle(struct mover *m)
{
	_cleanup_(free_p) char *after = mover_after(m);

	str_replace(&m->row->after, after);
	str_replace(&m->row->error, NULL);
	m->row->state = IT_MOVED;
	m->row->step = STEP_TEST;
	mover_dirty(m);
}

static void converge_steps(struct mover *m)
{
	bool import = m->row->integration == INT_IMPORT;

	if (m->a->target_dead) {
		mover_fail(m, true, true, "the target account refuses everything");
		return;
	}
	if (!m->phone && m->fresh) {
		m->fresh = false;	/* the list did not have it: ask for it alone */
	}
	m->row->state = IT_MOVING;
	if (!m->phone && read_again(m, WRITE_TRIES) < 0)
		return;
	if (unreachable_number(m))
		return;
	if (import && import_assign(m, m->row->eleven_agent) < 0)
		return;
	mover_step(m, STEP_ELEVENLABS);
	if (webhooks_converge(m, NULL) < 0)
		return;
	mover_step(m, STEP_WEBHOOKS);
	if ((import && test_import(m) < 0) || test_probe(m) < 0 || test_call(m) < 0)
		return;
	settle(m);
}

void converge(struct mover *m)
{
	m->why[0] = '\0';
	m->fatal = m->retry = m->eleven_down = false;
	if (m->a->stop != ACT_GO)
		return;
	converge_steps(m);
	/* the guard said no between record and wire, for a moment only */
	if (m->row->state == IT_MOVING && m->a->stop == ACT_GO)
		m->retry = true;
}

bool mover_differs(const struct mover *m, char *why, size_t n)
{
	struct webhooks want;
	struct err err = { 0 };

	if (!m->phone) {
		snprintf(why, n, "%s is not in the account", m->row->to_number);
		return true;
	}
	if (m->row->integration == INT_IMPORT && !assigned(m, m->row->eleven_agent)) {
		snprintf(why, n, "%s is assigned to %s", m->row->to_number,
			 m->imported && m->import_agent[0] ? m->import_agent : "nobody");
		return true;
	}
	if (desired_webhooks(m, &want, &err) < 0) {
		snprintf(why, n, "%s", err.msg);
		return true;
	}
	unsigned diff = webhooks_diff(&want, m->phone->hooks);
	for (int f = 0; f < WH_COUNT; f++) {
		if (!(diff & 1u << f))
			continue;
		snprintf(why, n, "%s of %s was changed", webhook_field_name((enum webhook_field)f),
			 m->row->to_number);
		return true;
	}
	return false;
}
