/*
 * See messages.h. Reads first, then the policy, then one transaction: the policy may be loaded
 * anew while the database answers, so nothing of it is kept across a wait.
 */
#include "incident/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "incident/capability.h"
#include "incident/internal.h"

enum { MINUTE_MS = 60000, NOTE_TEXT_MAX = 12000 };

/* All that a message may need; read at once, before the policy is asked. */
struct known {
	struct incident_doc d;
	struct evidence e;
	struct watching watch;
};

static void known_fini(struct known *k)
{
	incident_doc_fini(&k->d);
	evidence_fini(&k->e);
	watching_fini(&k->watch);
}

static int read_all(struct incidents *h, const char *id, const char *vendor, struct known *k,
		    struct err *err)
{
	int r = incident_read(h->d.store, id, &k->d, err);

	if (r == 0)
		r = evidence_of(h->d.store, &k->d, vendor, loop_wall_ms(h->d.loop), &k->e, err);
	if (r == 0)
		r = watching_read(h->d.store, &k->watch, err);
	k->e.our_page = h->d.notify ? h->d.notify->statuspage_url : NULL;
	if (r < 0)
		known_fini(k);
	return r;
}

/* What our page's components will say. What another incident marked stays marked. */
static int fill_page(struct incidents *h, const struct known *k, const char *status,
		     const struct json *given, struct page_components *ret, struct err *err)
{
	bool over = status && strcasecmp(status, "resolved") == 0 && !k->e.others_open;

	page_components_of(incidents_policy(h), &k->watch, over, ret);
	return page_components_say(ret, given, err);
}

static void known_facts(struct incidents *h, const struct known *k, const struct message_ask *a,
			const struct json *given, struct facts *ret)
{
	const struct policy *p = incidents_policy(h);
	const struct policy_message *m = policy_message(p, a->template_id);
	struct page_components page = { 0 };

	facts_of(p, &k->d, &k->e, a->vendor, given, loop_wall_ms(h->d.loop), ret);
	if (!m || !m->outside)
		return;
	page_components_of(p, &k->watch, false, &page);
	_cleanup_(free_p) char *noticed = page_components_words(&page);
	facts_for_outside(ret, noticed);
	page_components_fini(&page);
}

int incidents_facts(struct incidents *h, const char *id, const char *template_id,
		    const char *vendor, struct facts *ret, struct err *err)
{
	struct message_ask a = { .template_id = template_id, .vendor = vendor };
	struct known k = { 0 };
	int r = read_all(h, id, vendor, &k, err);

	*ret = (struct facts){ 0 };
	if (r < 0)
		return r;
	known_facts(h, &k, &a, NULL, ret);
	known_fini(&k);
	return 0;
}

static int fill(struct incidents *h, const struct known *k, const struct message_ask *a,
		struct draft *ret, struct err *err)
{
	const struct policy *p = incidents_policy(h);
	struct facts f;
	int r = facts_check(a->fields, err);

	*ret = (struct draft){ 0 };
	if (r < 0)
		return r;
	known_facts(h, k, a, a->fields, &f);
	r = message_fill(p, a->template_id, &f, &a->gaps, ret, err);
	if (r == 0 && a->vendor && !policy_vendor(p, a->vendor))
		r = err_field(err, ERR_INVALID, "vendor", "the policy has no vendor '%.40s'",
			      a->vendor);
	if (r == 0)
		r = message_route(ret, p, h->d.notify, a->vendor, &a->to, err);
	if (r == 0 && message_to_page(ret))
		r = fill_page(h, k, ret->status, a->components, &ret->page, err);
	facts_fini(&f);
	if (r == 0)
		message_reword(ret, &a->gaps, a->subject, a->body);
	if (r < 0)
		message_fini(ret);
	else
		ret->page_link = xstrdup(k->e.page_link);
	if (r == 0)
		ret->incident = xstrdup(k->d.incident.id);
	return r;
}

int incidents_preview(struct incidents *h, const char *id, const struct message_ask *a,
		      struct draft *ret, struct err *err)
{
	struct known k = { 0 };
	int r = read_all(h, id, a->vendor, &k, err);

	*ret = (struct draft){ 0 };
	if (r < 0)
		return r;
	r = fill(h, &k, a, ret, err);
	known_fini(&k);
	return r;
}

int incidents_page(struct incidents *h, const char *id, const char *status,
		   struct page_components *ret, struct err *err)
{
	struct known k = { 0 };
	int r = read_all(h, id, NULL, &k, err);

	*ret = (struct page_components){ 0 };
	if (r == 0)
		r = fill_page(h, &k, status, NULL, ret, err);
	known_fini(&k);
	return r;
}

/* ---- sending ---------------------------------------------------------------------------- */

static int may_send(const struct draft *m, const struct message_ask *a, struct err *err)
{
	const char *gap = message_unnamed(m, &a->gaps);
	char hash[17];
	size_t ready = 0;

	message_hash(m, hash);
	if (gap)
		return err_field(err, ERR_INVALID, "withGaps",
				 "{{%s}} has no value: fill it in, or name "
				 "it among the gaps that you accept",
				 gap);
	if (!str_empty(a->hash) && !str_eq(a->hash, hash))
		return err_set(err, ERR_CONFLICT,
			       "the message reads otherwise than the one you saw (%s, "
			       "yours %.16s): look at it again",
			       hash, a->hash);
	for (size_t i = 0; i < m->n_ways; i++)
		ready += m->ways[i].configured;
	return ready ? 0 : err_set(err, ERR_CONFLICT, "nobody would get it: %s",
				   m->n_ways ? m->ways[0].why : "no addressee");
}

size_t message_ways(const struct draft *m, struct notify_to to[MESSAGE_WAYS], struct str *told,
		    struct str *missing)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_ways; i++) {
		const struct message_way *w = &m->ways[i];

		if (w->configured && n < MESSAGE_WAYS) {
			to[n++] = (struct notify_to){ w->channel, w->recipient };
			str_addf(told, "%s%s", told->len ? ", " : "",
				 w->recipient ? w->recipient : w->as);
		} else {
			str_addf(missing, "%s%s (%s)", missing->len ? ", " : "", w->as,
				 w->why ? w->why : "too many addressees");
		}
	}
	return n;
}

/* The same words to the same people within a minute are one message. *ret_ms: when they went out;
 * 0 = they did not. *ret_key: of the message, when it goes out now. */
static int same_as(struct tx *t, const char *id, const struct draft *m, char **ret_key,
		   int64_t *ret_ms, struct err *err)
{
	int64_t now = tx_now_ms(t);
	char hash[17];

	message_hash(m, hash);
	_cleanup_(free_p) char *begin = xasprintf("%s/m/%s/", id, hash);
	*ret_key = xasprintf("%s%lld", begin, (long long)now);
	return incident_message_since(t, id, begin, now - MINUTE_MS, ret_ms, err);
}

static int put(struct incidents *h, struct tx *t, const char *id, const struct draft *m,
	       const char *key, struct str *told, struct err *err)
{
	_cleanup_(free_p) char *page = message_to_page(m) ? page_components_wire(&m->page) : NULL;
	struct notify_letter letter = { m->subject, m->body, m->status, page };
	struct str missing = STR_INIT(1000);
	struct notify_to to[MESSAGE_WAYS];
	size_t n = message_ways(m, to, told, &missing);
	int r = notify_put_letter(t, h->d.notify, id, &letter, key, to, n, &missing, err);

	if (missing.len)
		str_addf(told, "; NOT TOLD: %s", str_get(&missing));
	str_fini(&missing);
	return r;
}

/* The clock of a provider's answer, by the tier that we pay for. */
static bool vendor_clock(const struct incidents *h, const struct message_ask *a, int64_t now,
			 struct incident_clock *ret)
{
	const struct policy *p = incidents_policy(h);
	const struct policy_vendor *v = policy_vendor(p, a->vendor);
	const struct policy_tier *t = NULL;

	for (size_t i = 0; v && i < v->n_tiers && !t; i++)
		if (str_eq(v->tiers[i].tier, str_empty(a->tier) ? v->tier : a->tier))
			t = &v->tiers[i];
	if (!t)
		return false;
	*ret = (struct incident_clock){
		.kind = CK_VENDOR,
		.state = CS_RUNNING,
		.due_at_ms = now + incidents_faster(h, t->within_ms),
		.respond_ms = t->within_ms,
		.rung = 1,
		.ladder = xstrdup(t->tier),
		.target = xstrdup(v->id),
		.via = xstrdup("[\"slack\",\"email\"]"),
		.text = xasprintf("an answer of %s is due (%s support)", v->name ? v->name : v->id,
				  t->tier),
	};
	return true;
}

/* "; without eta, phone (accepted by anna)": what was said to be missing, and who let it go. */
static void add_gaps(struct str *b, const struct draft *m, const char *actor)
{
	for (size_t i = 0; i < m->missing.n; i++)
		str_addf(b, "%s%s", i ? ", " : "; without ", m->missing.v[i]);
	if (m->missing.n)
		str_addf(b, " (accepted by %s)", actor);
}

static void add_page(struct str *b, const struct draft *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->page.n; i++) {
		const struct page_component *c = &m->page.v[i];

		if (c->state && (!str_eq(c->state, "operational") || c->given))
			str_addf(b, "%s%s %s%s", n++ ? ", " : "; page: ", c->name, c->state,
				 c->given ? " (as said)" : "");
	}
	if (m->page.n && !n)
		str_add(b, "; page: all known components operational");
}

static void write_down(const struct draft *m, const char *told, const char *actor,
		       struct str *note, struct str *line)
{
	str_addf(note, "%s to %s", m->title, told);
	str_addf(line, "told: %s to %s", m->title, told);
	add_gaps(note, m, actor);
	add_gaps(line, m, actor);
	add_page(note, m);
	add_page(line, m);
	str_addf(note, " - %s: ", m->subject);
	for (const char *p = m->body; *p && note->len < NOTE_TEXT_MAX; p++)
		str_add(note, *p == '\n' ? " / " : (char[]){ *p, '\0' });
}

/* What was given with it and is kept with the incident. */
static struct json *kept_of(struct incidents *h, const struct known *k, const struct message_ask *a)
{
	struct str b = STR_INIT(4 << 20);
	struct jw w = JW(&b);
	struct facts known;
	struct json *ret;

	known_facts(h, k, a, NULL, &known);
	jw_obj(&w, NULL);
	facts_kept(&w, a->fields, &known);
	jw_obj_end(&w);
	facts_fini(&known);
	ret = json_parse(str_get(&b), b.len, NULL);
	str_fini(&b);
	return ret;
}

static void say_again(const struct draft *m, struct str *line)
{
	char full[TIME_TEXT];

	format_time(full, m->same_as_ms);
	str_addf(line, "not sent again: %s, the same as at %.8s UTC - %s", m->title, full + 11,
		 m->subject);
}

static int send_one(struct incidents *h, const struct who *who, const struct known *k,
		    const struct message_ask *a, struct draft *m, struct err *err)
{
	const struct policy_message *from = policy_message(incidents_policy(h), m->template_id);
	bool update = from && from->update, vendor = from && from->vendor && a->vendor;
	_cleanup_(json_free_p) struct json *kept = kept_of(h, k, a);
	const char *id = k->d.incident.id;
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *key = NULL;
	struct incident_clock clock = { 0 };
	struct str told = STR_INIT(2000), note = STR_INIT(40000), line = STR_INIT(8000);
	bool clocked = vendor && vendor_clock(h, a, loop_wall_ms(h->d.loop), &clock);
	int r = tx_begin(h->d.store, &t, who, err);

	if (r == 0)
		r = same_as(&t, id, m, &key, &m->same_as_ms, err);
	if (r == 0 && !m->same_as_ms)
		r = put(h, &t, id, m, key, &told, err);
	if (m->same_as_ms)
		say_again(m, &line);
	else
		write_down(m, str_get(&told), who->actor, &note, &line);
	struct incident_sent sent = { .note = str_get(&note),
				      .source = m->template_id,
				      .line = str_get(&line),
				      .fields = kept,
				      .update = update,
				      .again = m->same_as_ms != 0,
				      .clock = clocked ? &clock : NULL };
	if (r == 0)
		r = incident_message(&t, id, &sent, err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	record_fini(&incident_clock_type, &clock);
	str_fini(&told);
	str_fini(&note);
	str_fini(&line);
	return r;
}

int incidents_send(struct incidents *h, const struct who *who, const char *id,
		   const struct message_ask *a, struct draft *ret, struct err *err)
{
	struct known k = { 0 };
	int r = read_all(h, id, a->vendor, &k, err);

	*ret = (struct draft){ 0 };
	if (r < 0)
		return r;
	r = fill(h, &k, a, ret, err);
	if (r == 0)
		r = may_send(ret, a, err);
	if (r == 0)
		r = send_one(h, who, &k, a, ret, err);
	known_fini(&k);
	if (r == 0)
		incidents_changed(h);
	else
		message_fini(ret);
	return r;
}

/* ---- all templates ----------------------------------------------------------------------- */

/* What it lacks, before anybody said which provider it is for: as for the first. */
static void template_json(struct jw *w, struct incidents *h, const struct policy_message *m,
			  const struct known *k)
{
	const struct policy *p = incidents_policy(h);
	struct message_ask a = { .template_id = m->id,
				 .vendor = m->vendor && p->n_vendors ? p->vendors[0].id : NULL };
	struct facts f;
	struct draft one;
	int r;

	known_facts(h, k, &a, NULL, &f);
	r = message_fill(p, m->id, &f, NULL, &one, NULL);
	facts_fini(&f);
	if (r < 0)
		return;
	jw_obj(w, NULL);
	jw_str(w, "id", m->id);
	jw_str(w, "title", m->title ? m->title : m->id);
	jw_bool(w, "update", m->update);
	jw_bool(w, "vendor", m->vendor);
	jw_arr(w, "audience");
	for (size_t i = 0; i < m->n_audience; i++)
		jw_str(w, NULL, m->audience[i]);
	jw_arr_end(w);
	jw_arr(w, "missing");
	for (size_t i = 0; i < one.missing.n; i++)
		jw_str(w, NULL, one.missing.v[i]);
	jw_arr_end(w);
	jw_obj_end(w);
	message_fini(&one);
}

int incidents_templates(struct incidents *h, const char *id, struct jw *w, struct err *err)
{
	struct known k = { 0 };
	int r = read_all(h, id, NULL, &k, err);
	const struct policy *p = incidents_policy(h);

	if (r < 0)
		return r;
	jw_arr(w, "templates");
	for (size_t i = 0; p && i < p->n_messages; i++)
		template_json(w, h, &p->messages[i], &k);
	jw_arr_end(w);
	jw_arr(w, "audiences");
	for (size_t i = 0; p && i < p->n_audiences; i++)
		jw_str(w, NULL, p->audiences[i].name);
	jw_arr_end(w);
	jw_time(w, "nextUpdateAt", k.d.incident.next_update_at_ms);
	known_fini(&k);
	return 0;
}
