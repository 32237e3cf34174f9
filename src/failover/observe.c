/*
 * What is there: the target's numbers and ElevenLabs' entries in one sweep each, linked
 * to the agents of the attempt, and what the webhooks are to be. Reads only; the images
 * kept for a rollback are made here from what was read before the first write.
 */
#include "failover/mover.h"

#include <stdlib.h>
#include <string.h>

#include "store/numbers.h"

struct number_baseline {
	char *number;
	struct json *doc;
};

/* ---- webhooks as JSON ---------------------------------------------------------------- */

char *webhooks_json(const struct webhooks *h)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (int f = 0; f < WH_COUNT; f++)
		if (h->v[f])
			jw_str(&w, webhook_field_name((enum webhook_field)f), h->v[f]);
	jw_obj_end(&w);
	return str_take(&b);
}

void webhooks_read(const struct json *v, struct webhooks *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int f = 0; f < WH_COUNT; f++)
		ret->v[f] = json_get_str(v, webhook_field_name(f));
}

/* ---- baselines of the source ----------------------------------------------------------- */

static int baseline_compare(const void *a, const void *b)
{
	return strcmp(((const struct number_baseline *)a)->number,
		      ((const struct number_baseline *)b)->number);
}

/* Those of an account join what is there. */
static int add_baselines(struct act *a, const char *account, struct err *err)
{
	struct number_hooks *rows = NULL;
	size_t n = 0;
	int r = hooks_list(a->d->store, account, &rows, &n, err);

	if (r < 0)
		return r;
	a->baselines = xrealloc(a->baselines, (a->n_baselines + n + 1) * sizeof(*a->baselines));
	for (size_t i = 0; i < n; i++) {
		struct json *doc = rows[i].baseline ?
			json_parse(rows[i].baseline, strlen(rows[i].baseline), NULL) : NULL;

		if (doc)
			a->baselines[a->n_baselines++] = (struct number_baseline){
				.number = TAKE(rows[i].phone_number), .doc = doc,
			};
	}
	hooks_free(rows, n);
	return 0;
}

/* Back to the lineage's own account: to each agent's own number. */
static bool homeward(const struct act *a)
{
	return str_eq(a->row.e.to, a->row.e.lineage);
}

int load_baselines(struct act *a, struct err *err)
{
	baselines_free(a);
	int r = add_baselines(a, a->row.e.from, err);

	if (r >= 0 && homeward(a))
		r = add_baselines(a, a->row.e.to, err);
	if (r >= 0)
		qsort(a->baselines, a->n_baselines, sizeof(*a->baselines), baseline_compare);
	return r;
}

void baselines_free(struct act *a)
{
	for (size_t i = 0; i < a->n_baselines; i++) {
		free_p(&a->baselines[i].number);
		json_free(a->baselines[i].doc);
	}
	free_p(&a->baselines);
	a->n_baselines = 0;
}

static const struct json *baseline_of(const struct act *a, const char *number)
{
	struct number_baseline key = { .number = (char *)(uintptr_t)number };
	const struct number_baseline *b =
		a->n_baselines ? bsearch(&key, a->baselines, a->n_baselines,
					 sizeof(key), baseline_compare) : NULL;

	return b ? b->doc : NULL;
}

/* ---- what is desired -------------------------------------------------------------------- */

static const enum webhook_field ours[] = {
	WH_VOICE_FALLBACK_URL, WH_VOICE_FALLBACK_METHOD, WH_SMS_URL, WH_SMS_METHOD,
	WH_SMS_FALLBACK_URL, WH_SMS_FALLBACK_METHOD, WH_STATUS_CALLBACK, WH_STATUS_CALLBACK_METHOD,
};

/* A method says nothing beside an empty URL: providers answer their default then. */
static void drop_idle_methods(struct webhooks *w)
{
	static const enum webhook_field urls[] = { WH_VOICE_URL, WH_VOICE_FALLBACK_URL, WH_SMS_URL,
						   WH_SMS_FALLBACK_URL, WH_STATUS_CALLBACK };

	for (size_t i = 0; i < COUNT_OF(urls); i++)
		if (str_empty(w->v[urls[i]]))
			w->v[urls[i] + 1] = NULL;
}

void webhooks_ours(const struct json *v, struct webhooks *ret)
{
	struct webhooks all;

	webhooks_read(v, &all);
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		ret->v[ours[i]] = all.v[ours[i]];
	drop_idle_methods(ret);
}

int desired_webhooks(const struct mover *m, struct webhooks *ret, struct err *err)
{
	const struct act *a = m->a;
	/* at home a number keeps what was approved for it; a backup's may never have been set up */
	const struct json *base = homeward(a) ? baseline_of(a, m->row->to_number) : NULL;
	struct webhooks from;

	base = base ? base : baseline_of(a, m->row->from_number);

	/* never seen while healthy: the number keeps what it had before the import */
	webhooks_read(base ? base : json_get(m->before, "webhooks"), &from);
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		ret->v[ours[i]] = from.v[ours[i]];
	if (m->row->integration == INT_REGISTER_CALL) {
		if (!base || str_empty(from.v[WH_VOICE_URL]))
			return err_set(err, ERR_FAILED, "no approved webhooks are known for %s",
				       m->row->from_number);
		ret->v[WH_VOICE_URL] = from.v[WH_VOICE_URL];
		ret->v[WH_VOICE_METHOD] = from.v[WH_VOICE_METHOD];
	} else if (m->phone && m->imported &&
		   !voice_url_is_elevenlabs(a->d->providers, m->phone->hooks->v[WH_VOICE_URL])) {
		/* the import's own address was overwritten: as the source has it */
		if (!voice_url_is_elevenlabs(a->d->providers, from.v[WH_VOICE_URL]))
			return err_set(err, ERR_FAILED, "calls to %s do not go to ElevenLabs",
				       m->row->to_number);
		ret->v[WH_VOICE_URL] = from.v[WH_VOICE_URL];
		ret->v[WH_VOICE_METHOD] = from.v[WH_VOICE_METHOD];
	}
	drop_idle_methods(ret);
	return 0;
}

/* ---- images ------------------------------------------------------------------------------ */

void mover_before(struct mover *m)
{
	json_free(m->before);
	m->before = m->row->before ? json_parse(m->row->before, strlen(m->row->before), NULL) :
				     NULL;
}

static void outside_json(struct jw *w, const struct mover *m)
{
	if (m->phone) {
		/* every field, as the monitor writes what it observed: they are compared */
		jw_obj(w, "webhooks");
		for (int f = 0; f < WH_COUNT; f++)
			jw_str(w, webhook_field_name((enum webhook_field)f),
			       m->phone->hooks->v[f] ? m->phone->hooks->v[f] : "");
		jw_obj_end(w);
	}
	if (!m->imported) {
		jw_null(w, "import");
		return;
	}
	jw_obj(w, "import");
	jw_str(w, "id", m->import_id);
	jw_str(w, "agentId", m->import_agent);
	jw_obj_end(w);
}

void mover_add_before(struct mover *m)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (const struct json *v = json_first(m->before); v; v = json_next(v))
		if (!str_eq(json_name(v), "webhooks") && !str_eq(json_name(v), "import"))
			jw_json(&w, json_name(v), v);
	outside_json(&w, m);
	jw_obj_end(&w);
	str_replace(&m->row->before, str_get(&b));
	str_replace(&m->row->eleven_before, m->imported ? m->import_id : NULL);
	str_fini(&b);
	mover_before(m);
}

char *mover_after(const struct mover *m)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	outside_json(&w, m);
	jw_obj_end(&w);
	return str_take(&b);
}

void mover_fini(struct mover *m)
{
	json_free(m->before);
	m->before = NULL;
	free_p(&m->home_why);
	phone_list_fini(&m->own);
}

/* ---- reading ------------------------------------------------------------------------------ */

enum call_result phone_read(struct mover *m, struct call_info *info)
{
	struct providers *p = m->a->d->providers;
	struct phone_list l = { 0 };

	if (str_empty(m->row->to_sid))
		p->telephony->number_by_e164(p, m->keys, m->row->to_number, &l, info);
	else
		p->telephony->number(p, m->keys, m->row->to_sid, &l, info);
	if (info->result == CALL_OK && l.n == 1) {
		phone_list_fini(&m->own);
		m->own = l;
		m->phone = &m->own.v[0];
		m->fresh = true;
		return CALL_OK;
	}
	phone_list_fini(&l);
	if (info->result == CALL_NOT_FOUND)
		m->phone = NULL;
	return info->result;
}

/* Of several entries (a lost reply may leave two) the one that is assigned as we want it. */
void import_seen(struct mover *m, const struct remote_number_list *l)
{
	m->imported = false;
	m->looked = true;
	for (size_t i = 0; i < l->n; i++) {
		const struct remote_number *r = &l->v[i];

		if (!str_eq(r->e164, m->row->to_number))
			continue;
		if (m->imported && str_eq(m->import_agent, m->row->eleven_agent))
			break;
		if (m->imported && !str_eq(r->agent_id, m->row->eleven_agent))
			continue;
		m->imported = true;
		memcpy(m->import_id, r->id, sizeof(m->import_id));
		memcpy(m->import_agent, r->agent_id, sizeof(m->import_agent));
	}
}

enum call_result import_read(struct mover *m, struct call_info *info)
{
	struct providers *p = m->a->d->providers;
	struct remote_number_list l = { 0 };

	p->agents->number_by_e164(p, m->row->to_number, &l, info);
	if (info->result == CALL_OK)
		import_seen(m, &l);
	else if (info->result == CALL_NOT_FOUND) {
		m->imported = false;
		m->looked = true;
		info->result = CALL_OK;
	}
	LIST_FINI(&l);
	return info->result;
}

static int mover_by_number(const void *a, const void *b)
{
	return strcmp((*(struct mover *const *)a)->row->to_number,
		      (*(struct mover *const *)b)->row->to_number);
}

static struct mover *find_mover(struct mover **sorted, size_t n, const char *e164)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int by = strcmp(sorted[mid]->row->to_number, e164);

		if (!by)
			return sorted[mid];
		if (by < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void link_phones(struct act *a, struct mover **sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		phone_list_fini(&sorted[i]->own);
		sorted[i]->phone = NULL;
	}
	for (size_t i = 0; i < a->phones.n; i++) {
		struct mover *m = find_mover(sorted, n, a->phones.v[i].e164);

		if (!m)
			continue;
		m->phone = &a->phones.v[i];
		m->fresh = true;
		if (!str_eq(m->row->to_sid, m->phone->sid)) {
			str_replace(&m->row->to_sid, m->phone->sid);
			act_dirty(a, m->row);
		}
	}
}

static void link_imports(struct act *a, struct mover **sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sorted[i]->imported = false;
		sorted[i]->looked = true;
	}
	for (size_t i = 0; i < a->imports.n; i++) {
		struct remote_number_list one = { .v = &a->imports.v[i], .n = 1 };
		struct mover *m = find_mover(sorted, n, a->imports.v[i].e164);

		if (m && !(m->imported && str_eq(m->import_agent, m->row->eleven_agent)))
			import_seen(m, &one);
	}
}

int observe(struct act *a, struct err *err)
{
	struct providers *p = a->d->providers;
	struct mover **sorted = xcalloc(a->n_items + 1, sizeof(*sorted));
	struct call_info info = { 0 };
	bool any_import = false;
	char text[200];
	size_t n = 0;

	for (size_t i = 0; i < a->n_items; i++) {
		if (!a->items[i].to_number)
			continue;
		sorted[n++] = &a->movers[i];
		any_import = any_import || a->items[i].integration == INT_IMPORT;
	}
	qsort(sorted, n, sizeof(*sorted), mover_by_number);
	struct phone_list fresh = { 0 };
	p->telephony->numbers(p, &a->to_keys, CRED_MAIN, &fresh, &info);
	if (info.result != CALL_OK) {
		free_p(&sorted);
		return err_set(err, info.result == CALL_CANCELLED ? ERR_CANCELLED : ERR_UNREACHABLE,
			       "the numbers of %s cannot be read: %s", a->row.e.to,
			       info_text(&info, text, sizeof(text)));
	}
	struct phone_list old = a->phones;
	a->phones = fresh;
	link_phones(a, sorted, n);
	phone_list_fini(&old);
	if (any_import) {
		struct remote_number_list imports = { 0 };

		p->agents->numbers(p, &imports, &info);
		if (info.result == CALL_OK) {
			LIST_FINI(&a->imports);
			a->imports = imports;
			link_imports(a, sorted, n);
			a->eleven_down_since_ms = 0;
		} else if (!a->eleven_down_since_ms) {
			a->eleven_down_since_ms = loop_now_ms(a->d->loop);
		}
	}
	free_p(&sorted);
	return 0;
}
