/*
 * From bytes to a route: which service a request is for (by prefix, else by host
 * name, else by path), its parameters, and the helpers that handlers answer with.
 */
#include "sim/request.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/mem.h"

struct service_def { const char *name, *prefix, *host; void (*fn)(struct sim_request *q); };
#define FN_TWILIO sim_twilio
#define FN_MONITOR sim_monitor
#define FN_MESSAGING sim_messaging
#define FN_VIDEO sim_video
#define FN_ROUTES sim_routes
#define FN_LOOKUPS sim_lookups
#define FN_PRICING sim_pricing
#define FN_ELEVENLABS sim_elevenlabs
#define FN_TELNYX sim_telnyx
#define FN_STATUS sim_status
#define FN_AWS sim_aws
#define FN_APP sim_app
#define FN_SLACK sim_slack
#define FN_PAGERDUTY sim_pagerduty
#define FN_HOOK sim_hook
#define FN_STATUSPAGE sim_statuspage
#define FN_CONTROL sim_control
#define FN_SMTP NULL
static const struct service_def services[SV_COUNT] = {
#define X(id, name_, prefix_, host_)                                                               \
	[SV_##id] = { .name = name_, .prefix = prefix_, .host = host_, .fn = FN_##id },
	SIM_SERVICES(X)
#undef X
};

const char *sim_service_name(enum sim_service_id id)
{
	return id < SV_COUNT ? services[id].name : "none";
}

/* ---- parameters ---------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_in_place(char *s)
{
	char *o = s;

	for (; *s; s++) {
		if (*s == '+')
			*o++ = ' ';
		else if (*s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
			*o++ = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
			s += 2;
		} else
			*o++ = *s;
	}
	*o = '\0';
}

void sim_params_parse(struct sim_params *p, const char *text, size_t len)
{
	char *next;

	sim_params_fini(p);
	p->text = xstrndup(text, len);
	for (char *at = p->text; at && *at; at = next) {
		char *eq;

		next = strchr(at, '&');
		if (next)
			*next++ = '\0';
		eq = strchr(at, '=');
		if (eq)
			*eq++ = '\0';
		decode_in_place(at);
		if (eq)
			decode_in_place(eq);
		if (!*at)
			continue;
		p->v = grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
		p->v[p->n++] = (struct sim_param){ at, eq ? eq : "" };
	}
}

void sim_params_fini(struct sim_params *p)
{
	free_p(&p->v);
	free_p(&p->text);
	*p = (struct sim_params){ 0 };
}

const char *sim_params_get(const struct sim_params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return p->v[i].value;
	return NULL;
}

const char *sim_form(const struct sim_request *q, const char *name)
{
	return sim_params_get(&q->form, name);
}

const char *sim_query(const struct sim_request *q, const char *name)
{
	return sim_params_get(&q->query, name);
}

/* ---- routing --------------------------------------------------------------------- */

static bool by_prefix(struct sim_request *q)
{
	for (int i = 0; i < SV_COUNT; i++) {
		const char *p = services[i].prefix;
		size_t n = p ? strlen(p) : 0;

		if (!p || strncmp(q->path, p, n) != 0 || (q->path[n] != '/' && q->path[n]))
			continue;
		q->service = (enum sim_service_id)i;
		q->rest = q->path + n;
		q->prefix = xstrdup(p);
		return true;
	}
	return false;
}

static bool by_host(struct sim_request *q)
{
	const char *host = q->host ? q->host : "";

	for (int i = 0; i < SV_COUNT; i++) {
		const char *h = services[i].host;

		if (!h || (i <= SV_LOOKUPS ? !str_has_prefix(host, h) || !strstr(host, "twilio.com")
					   : !strstr(host, h)))
			continue;
		q->service = (enum sim_service_id)i;
		return true;
	}
	return false;
}

static void by_path(struct sim_request *q)
{
	static const struct { const char *start; enum sim_service_id service; } table[] = {
		{ "/2010-04-01", SV_TWILIO },	 { "/v1/convai", SV_ELEVENLABS },
		{ "/v1/user", SV_ELEVENLABS },	 { "/v1/Alerts", SV_MONITOR },
		{ "/v1/Events", SV_MONITOR },	 { "/v1/Services", SV_MESSAGING },
		{ "/v1/Rooms", SV_VIDEO },	 { "/v2/PhoneNumbers", SV_ROUTES },
		{ "/v2/enqueue", SV_PAGERDUTY }, { "/public/currentevents", SV_AWS },
	};

	q->service = SV_COUNT;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (str_has_prefix(q->path, table[i].start))
			q->service = table[i].service;
}

void sim_route(struct sim_request *q)
{
	const char *type = q->header ? q->header(q->header_ctx, "Content-Type") : NULL;

	q->rest = q->path;
	q->now_ms = sim_now(q->sim);
	q->out = STR_INIT((size_t)1 << 30);
	if (!by_prefix(q) && !by_host(q))
		by_path(q);
	sim_params_parse(&q->query, q->query_text ? q->query_text : "",
			 q->query_text ? strlen(q->query_text) : 0);
	/* curl -d says "form" of anything: a brace decides where no form can be meant. */
	if (q->body_len && q->service >= SV_ELEVENLABS && (*q->body == '{' || *q->body == '['))
		q->json = json_parse(q->body, q->body_len, NULL);
	else if (q->body_len && type && strstr(type, "x-www-form-urlencoded"))
		sim_params_parse(&q->form, q->body, q->body_len);
	if (q->service <= SV_LOOKUPS)
		sim_twilio_whose(q);
	else if (q->service == SV_ELEVENLABS && q->json)
		q->account = sim_account_get(&q->sim->world, json_get_str(q->json, "sid"));
}

void sim_answer(struct sim_request *q)
{
	if (q->service >= SV_COUNT || !services[q->service].fn)
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->path);
	else
		services[q->service].fn(q);
	if (!q->status)
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->path);
}

/* "{}" stands for one segment, or the part of it before the text that follows. */
static bool pattern_matches(struct sim_request *q, const char *pattern, const char *path)
{
	int arg = 0;

	while (*pattern) {
		size_t n;

		if (pattern[0] != '{' || pattern[1] != '}') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		pattern += 2;
		n = strcspn(path, "/");
		if (*pattern && *pattern != '/') {
			size_t tail = strcspn(pattern, "/");

			if (n <= tail)
				return false;
			n -= tail;
		}
		if (n == 0 || n >= sizeof(q->arg[0]) || arg == SIM_ARGS)
			return false;
		memcpy(q->arg[arg], path, n);
		q->arg[arg++][n] = '\0';
		path += n;
	}
	return *path == '\0' || (path[0] == '/' && path[1] == '\0');
}

const struct sim_route *sim_route_find(struct sim_request *q, const struct sim_route *table,
				       size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(table[i].method, q->method) &&
		    pattern_matches(q, table[i].pattern, q->rest)) {
			q->op = table[i].op;
			return &table[i];
		}
	return NULL;
}

void sim_request_fini(struct sim_request *q)
{
	sim_params_fini(&q->query);
	sim_params_fini(&q->form);
	json_free(q->json);
	str_fini(&q->out);
	free_p(&q->prefix);
}

/* ---- answers ---------------------------------------------------------------------- */

void sim_head(struct sim_request *q, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (q->n_head == SIM_HEADERS)
		return;
	q->head[q->n_head].name = name;
	va_start(ap, fmt);
	vsnprintf(q->head[q->n_head].value, sizeof(q->head[0].value), fmt, ap);
	va_end(ap);
	q->n_head++;
}

void sim_json_begin(struct sim_request *q, struct jw *w, int status)
{
	str_clear(&q->out);
	q->status = status;
	q->type = "application/json";
	*w = JW(&q->out);
	jw_obj(w, NULL);
}

void sim_json_end(struct sim_request *q, struct jw *w)
{
	(void)q;
	jw_obj_end(w);
}

void sim_text(struct sim_request *q, int status, const char *type, const char *text)
{
	str_clear(&q->out);
	q->status = status;
	q->type = type;
	str_add(&q->out, text);
}

/* The newer form, RFC 9457. */
static void problem(struct sim_request *q, struct jw *w, int status, int code, const char *detail)
{
	char type[80];

	snprintf(type, sizeof(type), "https://www.twilio.com/docs/errors/%d", code);
	q->type = "application/problem+json";
	jw_str(w, "type", type);
	jw_str(w, "title", "Request failed");
	jw_i64(w, "status", status);
	jw_i64(w, "code", code);
	jw_str(w, "detail", detail);
	jw_str(w, "instance", q->rest);
	jw_arr(w, "errors");
	jw_arr_end(w);
	sim_json_end(q, w);
}

void sim_twilio_error(struct sim_request *q, int status, int code, const char *fmt, ...)
{
	char text[400];
	struct jw w;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_json_begin(q, &w, status);
	if (q->service != SV_TWILIO && q->sim->world.problem_json) {
		problem(q, &w, status, code, text);
		return;
	}
	jw_i64(&w, "code", code);
	jw_str(&w, "message", text);
	snprintf(text, sizeof(text), "https://www.twilio.com/docs/errors/%d", code);
	jw_str(&w, "more_info", text);
	jw_i64(&w, "status", status);
	sim_json_end(q, &w);
}

void sim_eleven_error(struct sim_request *q, int status, const char *type, const char *code,
		      const char *fmt, ...)
{
	char text[400];
	struct jw w;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_json_begin(q, &w, status);
	jw_obj(&w, "detail");
	jw_str(&w, "type", type);
	jw_str(&w, "code", code);
	jw_str(&w, "message", text);
	jw_str(&w, "status", code);
	jw_null(&w, "param");
	jw_obj_end(&w);
	sim_json_end(q, &w);
}

void sim_service_error(struct sim_request *q, int status, int code)
{
	static const struct { int status, code; const char *text; } known[] = {
		{ 401, 20003, "Authenticate" },
		{ 403, 20403, "Forbidden" },
		{ 404, 20404, "The requested resource was not found" },
		{ 429, 20429, "Too Many Requests" },
		{ 500, 20500, "Internal Server Error" },
		{ 503, 20503, "Service is unavailable. Please try again." },
	};
	const char *text = "Request failed";

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (known[i].status == status) {
			text = known[i].text;
			code = code ? code : known[i].code;
		}
	if (q->service == SV_ELEVENLABS && status >= 500)
		sim_text(q, status, "application/json", "{\"detail\":\"Internal error\"}");
	else if (q->service == SV_ELEVENLABS)
		sim_eleven_error(q, status, status == 429 ? "rate_limit_error" : "api_error",
				 status == 429 ? "rate_limit_exceeded" : "request_failed", "%s",
				 text);
	else if (status == 502 || status == 504)
		sim_text(q, status, "text/html",
			 "<html><head><title>Bad"
			 " gateway</title></head><body>gateway</body></html>");
	else if (q->service <= SV_LOOKUPS)
		sim_twilio_error(q, status, code ? code : status, "%s", text);
	else
		sim_text(q, status, "text/plain", text);
}
