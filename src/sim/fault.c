/*
 * Faults: each has a match and an effect, the oldest that answers for the provider
 * (status, drop, hang, hold) wins, latencies add up. The dice are seeded, so that a
 * run can be repeated. The control interface itself is never matched.
 */
#include "sim/fault.h"

#include <fnmatch.h>
#include <string.h>
#include "core/mem.h"

static char *take_str(const struct json *o, const char *name)
{
	const char *s = json_get_str(o, name);

	return str_empty(s) || str_eq(s, "*") ? NULL : xstrdup(s);
}

static void fault_free(struct sim_fault *f)
{
	free_p(&f->service);
	free_p(&f->account);
	free_p(&f->path);
	free_p(&f->method);
	free_p(&f->body_part);
	free_p(&f->body);
	free_p(&f->content_type);
	free_p(&f);
}

static int check_names(const struct json *o, const char *where, const char *const *names,
		       struct err *err)
{
	for (const struct json *m = json_first(o); m; m = json_next(m)) {
		const char *const *n = names;

		while (*n && !str_eq(*n, json_name(m)))
			n++;
		if (!*n)
			return err_field(err, ERR_INVALID, json_name(m), "unknown member of %s",
					 where);
	}
	return 0;
}

static bool known_service(const char *word, size_t n)
{
	for (int i = 0; i < SV_COUNT; i++) {
		const char *name = sim_service_name((enum sim_service_id)i);

		if (strlen(name) == n && strncmp(name, word, n) == 0)
			return true;
	}
	return (n == 10 && strncmp(word, "twilio-all", n) == 0) || (n == 1 && *word == '*');
}

/* A fault that could never be met, or would do nothing, is a mistake of who orders it. */
static int check_values(const struct json *m, const struct json *e, struct err *err)
{
	static const char *const numbers[] = { "status", "code", "latencyMs", "rate", "times",
					       "skip", "afterMs", "forMs", "padBytes" };
	static const char *const flags[] = { "dropReply", "drop", "hang", "hold" };

	for (const char *p = json_get_str(m, "service"); p && *p; ) {
		size_t n = strcspn(p, ",");

		if (!known_service(p, n))
			return err_field(err, ERR_INVALID, "service", "there is no service %.*s",
					 (int)(n > 40 ? 40 : n), p);
		p += n + (p[n] == ',');
	}
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (json_get(e, numbers[i]) && json_type(json_get(e, numbers[i])) != JSON_NUMBER)
			return err_field(err, ERR_INVALID, numbers[i], "a number is needed");
	for (size_t i = 0; i < COUNT_OF(flags); i++)
		if (json_get(e, flags[i]) && json_type(json_get(e, flags[i])) != JSON_BOOL)
			return err_field(err, ERR_INVALID, flags[i], "true or false is needed");
	return 0;
}

/* What is answered with a code or a body of one's own and no status named. */
static int status_for(int code, bool body)
{
	switch (code) {
	case 0:
		return body ? 200 : 0;
	case 20003:
		return 401;
	case 20404:
		return 404;
	case 20429:
		return 429;
	case 20500:
		return 500;
	default:
		return 400;
	}
}

/* Blanks behind it: an answer that would be right if it were shorter. */
static void pad(char **body, int64_t bytes)
{
	enum { PAD_MAX = 16 << 20 };
	size_t len = strlen(*body), n = bytes > PAD_MAX ? PAD_MAX : (size_t)bytes;

	*body = xrealloc(*body, len + n + 1);
	memset(*body + len, ' ', n);
	(*body)[len + n] = '\0';
}

int sim_fault_add(struct sim *s, const struct json *spec, struct err *err)
{
	static const char *const match_names[] = { "service", "account", "path", "method",
						   "body",    NULL };
	static const char *const fault_names[] = { "status",	"code", "latencyMs", "dropReply",
						   "drop",	"hang", "hold",	     "rate",
						   "times",	"skip", "body",	     "afterMs",
						   "forMs",	"contentType", "padBytes", NULL };
	const struct json *m = json_get(spec, "match"), *e = json_get(spec, "fault");
	struct sim_fault *f, **tail = &s->faults;
	int rc;

	if (json_type(e) != JSON_OBJECT)
		return err_field(err, ERR_INVALID, "fault", "an object is needed");
	if ((rc = check_names(m, "match", match_names, err)) ||
	    (rc = check_names(e, "fault", fault_names, err)) ||
	    (rc = check_values(m, e, err)))
		return rc;
	f = xcalloc(1, sizeof(*f));
	f->id = ++s->next_fault;
	f->service = take_str(m, "service");
	f->account = take_str(m, "account");
	f->path = take_str(m, "path");
	f->method = take_str(m, "method");
	f->body_part = take_str(m, "body");
	f->status = (int)json_get_i64(e, "status", 0);
	f->code = (int)json_get_i64(e, "code", 0);
	f->latency_ms = json_get_i64(e, "latencyMs", 0);
	f->drop_reply = json_get_bool(e, "dropReply", false);
	f->drop = json_get_bool(e, "drop", false);
	f->hang = json_get_bool(e, "hang", false);
	f->hold = json_get_bool(e, "hold", false);
	f->rate = json_get_double(e, "rate", 1);
	f->times = json_get_i64(e, "times", -1);
	f->skip = json_get_i64(e, "skip", 0);
	f->content_type = take_str(e, "contentType");
	if (json_get_i64(e, "afterMs", 0))
		f->from_ms = sim_now(s) + json_get_i64(e, "afterMs", 0);
	if (json_get_i64(e, "forMs", 0))
		f->until_ms = (f->from_ms ? f->from_ms : sim_now(s)) + json_get_i64(e, "forMs", 0);
	if (json_type(json_get(e, "body")) == JSON_STRING) {
		f->body = xstrdup(json_get_str(e, "body"));
	} else if (json_get(e, "body")) {
		struct str text = STR_INIT(1 << 20);

		json_print(&text, json_get(e, "body"));
		f->body = str_take(&text);
	}
	if (f->body && json_get_i64(e, "padBytes", 0) > 0)
		pad(&f->body, json_get_i64(e, "padBytes", 0));
	if (!f->status)
		f->status = status_for(f->code, f->body != NULL);
	while (*tail)
		tail = &(*tail)->next;
	*tail = f;
	return f->id;
}

bool sim_fault_remove(struct sim *s, int id)
{
	for (struct sim_fault **p = &s->faults; *p; p = &(*p)->next) {
		struct sim_fault *f = *p;

		if (f->id != id)
			continue;
		*p = f->next;
		fault_free(f);
		if (s->released)
			s->released(s->server, id);
		return true;
	}
	return false;
}

void sim_fault_clear(struct sim *s)
{
	while (s->faults)
		sim_fault_remove(s, s->faults->id);
}

bool sim_fault_held(const struct sim *s, int id)
{
	for (const struct sim_fault *f = s->faults; f; f = f->next)
		if (f->id == id)
			return true;
	return false;
}

/* "twilio-all" stands for every host of Twilio; a comma-separated list is fine. */
static bool service_matches(const char *want, const char *service)
{
	size_t n = strlen(service);

	for (const char *p = want; *p;) {
		size_t len = strcspn(p, ",");

		if (len == n && strncmp(p, service, n) == 0)
			return true;
		if (len == 10 && strncmp(p, "twilio-all", 10) == 0)
			for (int i = SV_TWILIO; i <= SV_LOOKUPS; i++)
				if (str_eq(service, sim_service_name((enum sim_service_id)i)))
					return true;
		p += len + (p[len] == ',');
	}
	return false;
}

static bool path_matches(const char *want, const char *path)
{
	if (strpbrk(want, "*?["))
		return fnmatch(want, path, 0) == 0;
	return str_has_prefix(path, want);
}

static bool matches(struct sim *s, struct sim_fault *f, const struct sim_asked *q)
{
	int64_t now = sim_now(s);

	if (f->times == 0 || (f->from_ms && now < f->from_ms) ||
	    (f->until_ms && now >= f->until_ms))
		return false;
	if (f->service && !service_matches(f->service, q->service))
		return false;
	if (f->method && !service_matches(f->method, q->method))
		return false;
	if (f->path && !path_matches(f->path, q->path) &&
	    !path_matches(f->path, q->full_path))
		return false;
	if (f->account &&
	    (!q->account || sim_account_get(&s->world, f->account) != q->account))
		return false;
	if (f->body_part && (!q->body || !strstr(q->body, f->body_part)))
		return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	return f->rate >= 1 || sim_random(s) < f->rate;
}

void sim_fault_match(struct sim *s, const struct sim_asked *q, struct sim_effect *ret)
{
	*ret = (struct sim_effect){ 0 };
	for (struct sim_fault *f = s->faults; f; f = f->next) {
		bool answers = f->status || f->drop || f->hang;

		if ((answers && (ret->status || ret->drop || ret->hang)) ||
		    !matches(s, f, q))
			continue;
		f->hits++;
		if (f->times > 0)
			f->times--;
		ret->latency_ms += f->latency_ms;
		ret->drop_reply |= f->drop_reply;
		ret->drop |= f->drop;
		ret->hang |= f->hang;
		if (f->hold || f->hang)
			ret->hold_id = f->id;
		if (f->status) {
			ret->status = f->status;
			ret->code = f->code;
			ret->body = xstrdup(f->body);
			ret->content_type = xstrdup(f->content_type);
		}
	}
}

static bool lasts(const struct sim_fault *f, int64_t now)
{
	return f->times < 0 && f->rate >= 1 && now >= f->from_ms &&
	       (!f->until_ms || now < f->until_ms) && (f->status >= 500 || f->drop || f->hang);
}

bool sim_fault_down(const struct sim *s, const char *service, const struct sim_account *a)
{
	int64_t now = sim_now(s);

	for (const struct sim_fault *f = s->faults; f; f = f->next) {
		if (!lasts(f, now) || f->path || f->method || f->body_part)
			continue;
		if (f->service && !service_matches(f->service, service))
			continue;
		if (!f->account || (a && (str_eq(f->account, a->sid) ||
					  str_eq(f->account, a->name))))
			return true;
	}
	return false;
}

bool sim_fault_path_down(const struct sim *s, const char *service, const char *path)
{
	for (const struct sim_fault *f = s->faults; f; f = f->next)
		if (lasts(f, sim_now(s)) && f->path && strstr(f->path, path) && f->service &&
		    service_matches(f->service, service))
			return true;
	return false;
}

void sim_effect_fini(struct sim_effect *e)
{
	free_p(&e->body);
	free_p(&e->content_type);
}

void sim_fault_list(const struct sim *s, struct jw *w)
{
	jw_arr(w, "faults");
	for (const struct sim_fault *f = s->faults; f; f = f->next) {
		jw_obj(w, NULL);
		jw_i64(w, "id", f->id);
		jw_str(w, "service", f->service);
		jw_str(w, "account", f->account);
		jw_str(w, "path", f->path);
		jw_str(w, "method", f->method);
		jw_i64(w, "status", f->status);
		jw_i64(w, "code", f->code);
		jw_i64(w, "latencyMs", f->latency_ms);
		jw_bool(w, "dropReply", f->drop_reply);
		jw_bool(w, "drop", f->drop);
		jw_bool(w, "hang", f->hang);
		jw_bool(w, "hold", f->hold);
		jw_double(w, "rate", f->rate);
		jw_i64(w, "times", f->times);
		jw_i64(w, "hits", f->hits);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}
