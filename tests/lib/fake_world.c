/* See fake_world.h. Replies come after latency_ms of the loop, in the caller's task. */
#include "tests/lib/fake_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define VOICE "https://api.us.elevenlabs.io/twilio/inbound_call"

enum { REPLY_TO_COME = -1 };

static struct fake_world *of(struct providers *p)
{
	return p->test;
}

static enum call_result answer(struct call_info *info, enum call_result r, bool maybe)
{
	memset(info, 0, sizeof(*info));
	info->result = r;
	info->maybe_done = maybe;
	snprintf(info->message, sizeof(info->message), "fake");
	return r;
}

static bool wait(struct providers *p)
{
	struct fake_world *w = of(p);

	while (w->cap && w->in_flight >= w->cap)
		if (condition_wait(&w->slot, -1) == OP_CANCELLED)
			return false;
	w->calls++;
	w->in_flight++;
	bool ok = task_sleep(w->delay ? w->delay(p) : w->latency_ms) == OP_OK;
	w->in_flight--;
	condition_wake(&w->slot);
	return ok;
}

/* Decides about one write. *ret_apply: it happens. Result to answer. */
static enum call_result write_fate(struct providers *p, const char *kind,
				   const struct write_guard *guard, bool *ret_apply,
				   struct call_info *info)
{
	struct fake_world *w = of(p);

	*ret_apply = false;
	if (guard && guard->may_write && !guard->may_write(guard->ctx)) {
		answer(info, CALL_CANCELLED, false);
		info->reason = REASON_GUARD;
		return info->result;
	}
	w->writes++;
	enum fake_fault f = w->fate ? w->fate(p, kind) :
				      w->writes == w->fault_at ? w->fault : FAULT_NONE;
	if (f == FAULT_CRASH_BEFORE || f == FAULT_CRASH_AFTER) {
		*ret_apply = f == FAULT_CRASH_AFTER;
		if (w->crash)
			loop_defer(w->loop, w->crash, w->crash_ctx);
		return answer(info, CALL_CANCELLED, true);
	}
	bool early = w->at_once && w->at_once(p);
	int64_t sent = loop_now_ms(w->loop);
	if (!early && !wait(p)) {
		*ret_apply = w->lands && w->lands(p);
		return answer(info, CALL_CANCELLED, true);
	}
	if (w->late_ms && loop_now_ms(w->loop) - sent > w->late_ms)
		return answer(info, CALL_TIMEOUT, true);
	*ret_apply = f == FAULT_NONE || f == FAULT_LOST || f == FAULT_SERVER_DONE;
	if (f == FAULT_LOST || f == FAULT_DROPPED)
		answer(info, CALL_TIMEOUT, true);
	else if (f == FAULT_RATE)
		answer(info, CALL_RATE_LIMITED, false);
	else if (f == FAULT_SERVER || f == FAULT_SERVER_DONE)
		answer(info, CALL_SERVER, true);
	else
		answer(info, CALL_OK, false);
	info->requests = early ? REPLY_TO_COME : 0;
	return info->result;
}

/* What was done at once is answered later. After a "crash" the call must not come back before the
 * task was cancelled. */
static void reply(struct providers *p, struct call_info *info)
{
	if (info->requests == REPLY_TO_COME && !wait(p))
		answer(info, CALL_CANCELLED, true);
	info->requests = 0;
	while (info->result == CALL_CANCELLED && info->maybe_done && !task_cancelled())
		if (task_sleep(5) == OP_CANCELLED)
			break;
}

/* ---- numbers --------------------------------------------------------------------------- */

struct fake_number *fake_number_add(struct fake_world *w, const char *account, const char *e164)
{
	struct fake_number *n = &w->numbers[w->n_numbers++];

	memset(n, 0, sizeof(*n));
	snprintf(n->account, sizeof(n->account), "%s", account);
	snprintf(n->e164, sizeof(n->e164), "%s", e164);
	snprintf(n->sid, sizeof(n->sid), "PN%032d", w->n_numbers);
	return n;
}

struct fake_number *fake_number_find(struct fake_world *w, const char *e164)
{
	for (int i = 0; i < w->n_numbers; i++)
		if (!strcmp(w->numbers[i].e164, e164) && !w->numbers[i].gone)
			return &w->numbers[i];
	return NULL;
}

static void list_add(struct phone_list *l, const struct fake_number *n)
{
	struct webhooks h = { { 0 } };

	for (int f = 0; f < WH_COUNT; f++)
		h.v[f] = n->hooks[f];
	struct phone *p = phone_list_add(l, n->sid, n->e164, &h);
	p->voice = !n->no_voice;
	p->sms = true;
}

static bool dead(struct providers *p, const struct credentials *c)
{
	const struct fake_world *w = of(p);

	if (w->dead)
		return w->dead(p, c->account_sid);
	return !strcmp(w->dead_account, c->account_sid) &&
	       (!w->die_after || w->writes >= w->die_after);
}

static enum call_result numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info)
{
	struct fake_world *w = of(p);

	(void)use;
	if (!wait(p))
		return answer(info, CALL_CANCELLED, false);
	if (dead(p, c))
		return answer(info, CALL_INACTIVE, false);
	for (int i = 0; i < w->n_numbers; i++)
		if (!strcmp(w->numbers[i].account, c->account_sid) && !w->numbers[i].gone)
			list_add(ret, &w->numbers[i]);
	return answer(info, CALL_OK, false);
}

static enum call_result one(struct providers *p, const struct credentials *c, const char *sid,
			    const char *e164, struct phone_list *ret, struct call_info *info)
{
	struct fake_world *w = of(p);

	if (!wait(p))
		return answer(info, CALL_CANCELLED, false);
	if (dead(p, c))
		return answer(info, CALL_INACTIVE, false);
	for (int i = 0; i < w->n_numbers; i++) {
		struct fake_number *n = &w->numbers[i];

		if (n->gone || strcmp(n->account, c->account_sid) ||
		    (sid ? strcmp(n->sid, sid) : strcmp(n->e164, e164)))
			continue;
		list_add(ret, n);
		return answer(info, CALL_OK, false);
	}
	return answer(info, CALL_NOT_FOUND, false);
}

static enum call_result number(OP_HEAD, const char *sid, struct phone_list *ret,
			       struct call_info *info)
{
	return one(p, c, sid, NULL, ret, info);
}

static enum call_result number_by_e164(OP_HEAD, const char *e164, struct phone_list *ret,
				       struct call_info *info)
{
	return one(p, c, NULL, e164, ret, info);
}

static enum call_result number_update(WRITE_HEAD, const char *sid, const struct webhooks *set,
				      struct phone_list *ret, struct call_info *info)
{
	struct fake_world *w = of(p);
	bool apply, any = false;

	(void)ret;
	if (write_fate(p, "webhooks", guard, &apply, info) == CALL_CANCELLED && !apply) {
		reply(p, info);
		return info->result;
	}
	if (dead(p, c))
		return answer(info, CALL_INACTIVE, false);
	if (!strcmp(w->refuse_hooks, c->account_sid))
		return answer(info, CALL_REFUSED, false);
	for (int i = 0; apply && i < w->n_numbers; i++) {
		struct fake_number *n = &w->numbers[i];

		if (strcmp(n->sid, sid))
			continue;
		w->forbidden += !strcmp(n->account, w->source);
		for (int f = 0; f < WH_COUNT; f++) {
			if (!set->v[f] || !strcmp(n->hooks[f], set->v[f]))
				continue;
			any = true;
			snprintf(n->hooks[f], sizeof(n->hooks[f]), "%s", set->v[f]);
		}
		w->duplicates += !any;
	}
	reply(p, info);
	return info->result;
}

static enum call_result calls_live(OP_HEAD, const char *to, int *ret, struct call_info *info)
{
	(void)c;
	(void)to;
	*ret = of(p)->live_calls;
	return answer(info, wait(p) ? CALL_OK : CALL_CANCELLED, false);
}

/* ---- ElevenLabs ------------------------------------------------------------------------- */

struct fake_import *fake_import_add(struct fake_world *w, const char *e164, const char *agent)
{
	struct fake_import *i = &w->imports[w->n_imports++];

	snprintf(i->id, sizeof(i->id), "phnum_%d", ++w->next_import);
	snprintf(i->e164, sizeof(i->e164), "%s", e164);
	snprintf(i->agent, sizeof(i->agent), "%s", agent ? agent : "");
	return i;
}

struct fake_import *fake_import_find(struct fake_world *w, const char *e164)
{
	for (int i = 0; i < w->n_imports; i++)
		if (!strcmp(w->imports[i].e164, e164))
			return &w->imports[i];
	return NULL;
}

static void remote_add(struct remote_number_list *l, const struct fake_import *i)
{
	l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	struct remote_number *r = &l->v[l->n++];
	memset(r, 0, sizeof(*r));
	snprintf(r->id, sizeof(r->id), "%s", i->id);
	snprintf(r->e164, sizeof(r->e164), "%s", i->e164);
	snprintf(r->agent_id, sizeof(r->agent_id), "%s", i->agent);
}

static enum call_result list_imports(struct providers *p, struct remote_number_list *ret,
				     struct call_info *info)
{
	struct fake_world *w = of(p);

	if (!wait(p))
		return answer(info, CALL_CANCELLED, false);
	if (w->eleven_down)
		return answer(info, CALL_SERVER, false);
	for (int i = 0; i < w->n_imports; i++)
		remote_add(ret, &w->imports[i]);
	return answer(info, CALL_OK, false);
}

static enum call_result import_by_e164(struct providers *p, const char *e164,
				       struct remote_number_list *ret, struct call_info *info)
{
	struct fake_world *w = of(p);

	if (!wait(p))
		return answer(info, CALL_CANCELLED, false);
	if (w->eleven_down)
		return answer(info, CALL_SERVER, false);
	for (int i = 0; i < w->n_imports; i++)
		if (!strcmp(w->imports[i].e164, e164))
			remote_add(ret, &w->imports[i]);
	return answer(info, ret->n ? CALL_OK : CALL_NOT_FOUND, false);
}

static enum call_result import_by_id(struct providers *p, const char *id,
				     struct remote_number *ret, struct call_info *info)
{
	struct fake_world *w = of(p);
	struct remote_number_list l = { 0 };

	if (!wait(p))
		return answer(info, CALL_CANCELLED, false);
	for (int i = 0; i < w->n_imports && !w->eleven_down; i++)
		if (!strcmp(w->imports[i].id, id))
			remote_add(&l, &w->imports[i]);
	if (l.n)
		*ret = l.v[0];
	answer(info, w->eleven_down ? CALL_SERVER : l.n ? CALL_OK : CALL_NOT_FOUND, false);
	LIST_FINI(&l);
	return info->result;
}

static enum call_result import(struct providers *p, const struct credentials *c,
			       const struct write_guard *guard, const char *e164,
			       const char *label, const char *agent_id, char ret_id[48],
			       struct call_info *info)
{
	struct fake_world *w = of(p);
	bool apply;

	(void)label;
	write_fate(p, "import", guard, &apply, info);
	if (w->eleven_down && apply)
		return answer(info, CALL_SERVER, true);
	if (apply) {
		struct fake_number *n = fake_number_find(w, e164);

		w->duplicates += fake_import_find(w, e164) != NULL;
		w->forbidden += !strcmp(c->account_sid, w->source);
		snprintf(ret_id, 48, "%s", fake_import_add(w, e164, agent_id)->id);
		/* as the real one: the voice address is theirs, fallback and callback are
		 * emptied */
		snprintf(n->hooks[WH_VOICE_URL], 160, VOICE);
		snprintf(n->hooks[WH_VOICE_METHOD], 160, "POST");
		n->hooks[WH_VOICE_FALLBACK_URL][0] = n->hooks[WH_STATUS_CALLBACK][0] = '\0';
	}
	reply(p, info);
	return info->result;
}

static enum call_result assign(struct providers *p, const struct write_guard *guard,
			       const char *number_id, const char *agent_id,
			       struct call_info *info)
{
	struct fake_world *w = of(p);
	bool apply;

	write_fate(p, "assign", guard, &apply, info);
	if (w->eleven_down && apply)
		return answer(info, CALL_SERVER, true);
	for (int i = 0; apply && i < w->n_imports; i++) {
		struct fake_import *k = &w->imports[i];

		if (strcmp(k->id, number_id))
			continue;
		w->duplicates += !strcmp(k->agent, agent_id ? agent_id : "");
		snprintf(k->agent, sizeof(k->agent), "%s", agent_id ? agent_id : "");
	}
	reply(p, info);
	return info->result;
}

/* ---- the application ---------------------------------------------------------------------- */

static enum call_result hook(struct providers *p, const struct write_guard *guard,
			     enum app_hook which, const struct hook_body *body,
			     struct call_info *info)
{
	struct fake_world *w = of(p);
	bool apply;

	write_fate(p, app_hook_name(which), guard, &apply, info);
	if (apply) {
		w->locks += which == HOOK_LOCK;
		w->unlocks += which == HOOK_UNLOCK;
		w->after_switch += which == HOOK_AFTER_SWITCH;
		if (which != HOOK_AFTER_SWITCH)
			w->locked = which == HOOK_LOCK;
		w->lock_until_ms = loop_now_ms(w->loop) + body->ttl_s * 1000;
	}
	reply(p, info);
	return info->result;
}

static enum call_result webhook_test(struct providers *p, const struct credentials *c,
				     const char *url, struct webhook_probe *ret,
				     struct call_info *info)
{
	(void)c;
	(void)url;
	*ret = (struct webhook_probe){ .http_status = 200, .answered = true, .twiml = true };
	return answer(info, wait(p) ? CALL_OK : CALL_CANCELLED, false);
}

static const struct telephony_ops fake_telephony = {
	.name = "fake", .numbers = numbers, .number = number, .number_by_e164 = number_by_e164,
	.number_update = number_update, .calls_live = calls_live,
};
static const struct agents_ops fake_agents = {
	.numbers = list_imports, .number_by_e164 = import_by_e164, .number = import_by_id,
	.import = import, .assign = assign,
};
static const struct app_ops fake_app = { .hook = hook, .webhook_test = webhook_test };

struct providers *fake_providers(struct fake_world *w)
{
	static const struct providers_settings none;
	struct providers *p = xcalloc(1, sizeof(*p));

	w->numbers = xcalloc(FAKE_NUMBERS, sizeof(*w->numbers));
	w->imports = xcalloc(FAKE_NUMBERS, sizeof(*w->imports));
	*p = (struct providers){ .telephony = &fake_telephony, .telnyx = &fake_telephony,
				 .agents = &fake_agents, .app = &fake_app, .settings = &none,
				 .loop = w->loop, .test = w };
	return p;
}

void fake_providers_free(struct providers *p)
{
	free_p(&of(p)->numbers);
	free_p(&of(p)->imports);
	free_p(&p);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *fake_digest(const struct fake_world *w)
{
	char **lines = xcalloc((size_t)(w->n_numbers + w->n_imports) + 1, sizeof(*lines));
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	size_t n = 0;

	for (int i = 0; i < w->n_numbers; i++) {
		struct str b = STR_INIT(STR_MAX_DEFAULT);

		str_addf(&b, "%s %s", w->numbers[i].account, w->numbers[i].e164);
		for (int f = 0; f < WH_COUNT; f++)
			str_addf(&b, "|%s", w->numbers[i].hooks[f]);
		lines[n++] = str_take(&b);
	}
	for (int i = 0; i < w->n_imports; i++)
		if (w->imports[i].agent[0])
			lines[n++] = xasprintf("import %s %s", w->imports[i].e164,
					       w->imports[i].agent);
	qsort(lines, n, sizeof(*lines), line_compare);
	for (size_t i = 0; i < n; i++) {
		str_addf(&out, "%s\n", lines[i]);
		free_p(&lines[i]);
	}
	free_p(&lines);
	return str_take(&out);
}
