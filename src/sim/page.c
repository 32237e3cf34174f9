/*
 * Twilio's two ways to page and its date forms. A page link carries the moment of
 * the first page (PageToken), so that lists that grow at the top do not shift
 * while they are read.
 */
#include "sim/request.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "core/mem.h"

bool sim_page_read(struct sim_request *q, struct sim_page *p)
{
	const char *size = sim_query(q, "PageSize"), *page = sim_query(q, "Page");
	const char *token = sim_query(q, "PageToken");

	*p = (struct sim_page){ .size = 50, .bound_ms = q->now_ms };
	if (size && (!parse_i64(size, 1, 1000000, &p->size))) {
		sim_twilio_error(q, 400, 20001, "Invalid page size: %s", size);
		return false;
	}
	if (p->size > 1000)
		p->size = 1000;
	if (page && !parse_i64(page, 0, 100000000, &p->page)) {
		sim_twilio_error(q, 400, 20001, "Invalid page: %s", page);
		return false;
	}
	if (token && (!str_has_prefix(token, "PA") || !parse_i64(token + 2, 0, INT64_MAX,
								 &p->bound_ms))) {
		sim_twilio_error(q, 400, 20001, "Invalid page token: %s", token);
		return false;
	}
	p->first = (size_t)(p->page * p->size);
	return true;
}

static void link_of(struct sim_request *q, const struct sim_page *p, int64_t page,
		    struct str *ret)
{
	str_clear(ret);
	if (q->service != SV_TWILIO)
		str_addf(ret, "https://%s.twilio.com", sim_service_name(q->service));
	str_addf(ret, "%s?", q->rest);
	for (size_t i = 0; i < q->query.n; i++) {
		const struct sim_param *v = &q->query.v[i];

		if (str_eq(v->name, "Page") || str_eq(v->name, "PageSize") ||
		    str_eq(v->name, "PageToken"))
			continue;
		str_add_urlencoded(ret, v->name);
		str_addc(ret, '=');
		str_add_urlencoded(ret, v->value);
		str_addc(ret, '&');
	}
	str_addf(ret, "PageSize=%lld&Page=%lld", (long long)p->size, (long long)page);
	if (page > 0)
		str_addf(ret, "&PageToken=PA%lld", (long long)p->bound_ms);
}

void sim_page_write(struct sim_request *q, struct jw *w, const struct sim_page *p,
		    const char *key, size_t count, bool more)
{
	struct str link = STR_INIT(16384);
	bool v2010 = q->service == SV_TWILIO;

	if (!v2010)
		jw_obj(w, "meta");
	link_of(q, p, 0, &link);
	jw_str(w, v2010 ? "first_page_uri" : "first_page_url", link.s);
	link_of(q, p, p->page + 1, &link);
	jw_str(w, v2010 ? "next_page_uri" : "next_page_url", more ? link.s : NULL);
	link_of(q, p, p->page ? p->page - 1 : 0, &link);
	jw_str(w, v2010 ? "previous_page_uri" : "previous_page_url", p->page ? link.s : NULL);
	jw_i64(w, "page", p->page);
	jw_i64(w, "page_size", p->size);
	link_of(q, p, p->page, &link);
	jw_str(w, v2010 ? "uri" : "url", link.s);
	if (v2010) {
		jw_i64(w, "start", (int64_t)p->first);
		jw_i64(w, "end", count ? (int64_t)(p->first + count - 1) : (int64_t)p->first);
	} else {
		jw_str(w, "key", key);
		jw_obj_end(w);
	}
	str_fini(&link);
}

/* A bare date or any RFC 3339 time. */
static bool read_time(const char *s, int64_t *ret_ms)
{
	char text[40];

	if (strlen(s) == 10) {
		snprintf(text, sizeof(text), "%sT00:00:00Z", s);
		return parse_time_ms(text, ret_ms);
	}
	return parse_time_ms(s, ret_ms);
}

bool sim_date_range(struct sim_request *q, const char *name, int64_t *from, int64_t *to)
{
	char key[64];

	*from = 0;
	*to = INT64_MAX;
	for (size_t i = 0; i < q->query.n; i++) {
		const char *n = q->query.v[i].name, *v = q->query.v[i].value;
		size_t len = strlen(name);
		const char *op = n + len;
		int64_t at;

		if (strncmp(n, name, len) != 0 || (*op && *op != '<' && *op != '>') || !*v)
			continue;
		/* "StartTime>=2025-..." splits at '=', "StartTime>" is the name left. */
		if (!read_time(v, &at)) {
			snprintf(key, sizeof(key), "%s", name);
			sim_twilio_error(q, 400, 20001, "Invalid %s: %s", key, v);
			return false;
		}
		if (*op == '>')
			*from = at;
		else if (*op == '<')
			*to = at + (strlen(v) == 10 ? 86400000 - 1 : 999);
		else {
			*from = at;
			*to = at + (strlen(v) == 10 ? 86400000 - 1 : 999);
		}
	}
	return true;
}

void sim_rfc2822(struct jw *w, const char *name, int64_t ms)
{
	char text[64];

	if (!ms) {
		jw_null(w, name);
		return;
	}
	format_rfc2822(text, sizeof(text), ms);
	jw_str(w, name, text);
}

void sim_iso(struct jw *w, const char *name, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	if (!ms) {
		jw_null(w, name);
		return;
	}
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	jw_str(w, name, text);
}
