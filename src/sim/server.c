/*
 * Each request becomes a struct visit: routed at once, then delayed, held, lost or
 * answered as the faults say. Invariant: a visit ends exactly once (finish), and
 * only there does the HTTP server get its answer.
 *
 * A write that was already on the wire is done even if the client has gone away by
 * then, as at a real provider; a hanging request is not done at all.
 */
#include "sim/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/httpd.h"
#include "core/mem.h"
#include "sim/fault.h"
#include "sim/ledger.h"

struct visit {
	struct sim_server *server;
	struct httpd_req *http;
	struct sim_request q;
	struct sim_effect effect;
	struct timer timer;
	int64_t started_ms;
	bool gone, hanging, holding, counted;
	struct visit *next, **link;
};

struct sim_server {
	struct loop *loop;
	struct httpd *httpd;
	struct sim_smtp *smtp;
	struct sim *sim;
	struct visit *visits;
	FILE *record;			/* exchanges, one JSON document a line; NULL = none */
};

static const char *get_header(void *ctx, const char *name)
{
	return httpd_header(ctx, name);
}

static void add_headers(struct visit *v)
{
	struct sim_request *q = &v->q;

	if (q->service <= SV_LOOKUPS) {
		char id[SIM_SID];

		sim_new_sid(&v->server->sim->world, "RQ", id);
		sim_head(q, "Twilio-Request-Id", "%s", id);
		sim_head(q, "Twilio-Request-Duration", "%.3f",
			 (double)(loop_now_ms(v->server->loop) - v->started_ms) / 1000);
		if (q->caller)
			sim_head(q, "Twilio-Concurrent-Requests", "%d", q->caller->in_flight + 1);
		sim_head(q, "X-Home-Region", "us1");
		sim_head(q, "X-Api-Domain", "%s.twilio.com",
			 q->service == SV_TWILIO ? "api" : sim_service_name(q->service));
	}
	for (int i = 0; i < q->n_head; i++)
		httpd_add_header(v->http, q->head[i].name, q->head[i].value);
}

/* For validating both directions against the published descriptions afterwards. */
static void record(struct visit *v)
{
	const struct sim_request *q = &v->q;
	struct str line = STR_INIT((size_t)64 << 20);
	struct jw w = JW(&line);

	jw_obj(&w, NULL);
	jw_str(&w, "service", sim_service_name(q->service));
	jw_str(&w, "method", q->method);
	jw_str(&w, "path", q->rest);
	jw_str(&w, "query", q->query_text);
	jw_str(&w, "requestType", httpd_header(v->http, "Content-Type"));
	jw_strn(&w, "requestBody", q->body ? q->body : "", q->body_len);
	jw_i64(&w, "status", q->status);
	jw_bool(&w, "fault", v->effect.status || v->effect.drop);
	jw_str(&w, "type", q->type);
	jw_strn(&w, "body", str_get(&q->out), q->out.len);
	jw_obj_end(&w);
	str_addc(&line, '\n');
	fwrite(line.s, 1, line.len, v->server->record);
	fflush(v->server->record);
	str_fini(&line);
}

/* drop: cut the connection instead of answering. */
static void finish(struct visit *v, bool drop)
{
	struct sim_request *q = &v->q;
	struct sim *s = v->server->sim;

	timer_stop(&v->timer);
	if (v->counted && v->server->record)
		record(v);
	if (v->counted) {
		sim_ledger_done(q);
		s->ledger.in_flight--;
		if (q->caller)
			q->caller->in_flight--;
	}
	*v->link = v->next;
	if (v->next)
		v->next->link = v->link;
	if (drop || v->gone) {
		httpd_drop(v->http);
	} else {
		add_headers(v);
		httpd_reply(v->http, q->status, q->type ? q->type : "application/json",
			    str_get(&q->out), q->out.len);
	}
	sim_effect_fini(&v->effect);
	sim_request_fini(q);
	free_p(&v);
}

static void answer_fault(struct visit *v)
{
	struct sim_request *q = &v->q;
	const struct sim_effect *e = &v->effect;

	if (e->body)
		sim_text(q, e->status,
			 e->content_type ? e->content_type
			 : *e->body == '<' ? "text/html" : "application/json",
			 e->body);
	else
		sim_service_error(q, e->status, e->code);
}

/* The moment at which the provider acts. */
static void act(struct visit *v)
{
	struct sim_request *q = &v->q;

	v->hanging = v->holding = false;
	q->now_ms = sim_now(v->server->sim);
	if (v->effect.drop) {
		finish(v, true);
	} else if (v->effect.status) {
		answer_fault(v);
		finish(v, false);
	} else if (q->caller && q->caller->max_concurrent &&
		   q->caller->in_flight > q->caller->max_concurrent) {
		sim_service_error(q, 429, 20429);
		finish(v, false);
	} else {
		sim_answer(q);
		finish(v, v->effect.drop_reply);
	}
}

static void after_latency(struct timer *t)
{
	struct visit *v = t->user;

	if (v->effect.hang && v->gone)
		finish(v, true);
	else if (v->effect.hang)
		v->hanging = true;
	else if (v->effect.hold_id && sim_fault_held(v->server->sim, v->effect.hold_id))
		v->holding = true;
	else
		act(v);
}

static void on_close(void *ctx)
{
	struct visit *v = ctx;

	v->gone = true;
	if (v->hanging)
		finish(v, true);
}

static void begin(struct visit *v)
{
	struct sim *s = v->server->sim;
	struct sim_request *q = &v->q;
	int64_t delay;

	sim_route(q);
	if (q->service == SV_CONTROL) {
		sim_answer(q);
		finish(v, false);
		return;
	}
	v->counted = true;
	if (++s->ledger.in_flight > s->ledger.max_in_flight)
		s->ledger.max_in_flight = s->ledger.in_flight;
	if (q->caller)
		q->caller->in_flight++;
	sim_fault_match(s,
			&(struct sim_asked){ .service = sim_service_name(q->service),
					     .method = q->method,
					     .path = q->rest,
					     .full_path = q->path,
					     .body = q->body,
					     .account = q->account },
			&v->effect);
	delay = s->base_latency_ms + v->effect.latency_ms;
	v->timer.user = v;
	if (delay > 0 || v->effect.hang || v->effect.hold_id)
		timer_start(v->server->loop, &v->timer, delay, after_latency);
	else
		act(v);
}

static void on_request(void *ctx, struct httpd_req *req)
{
	struct sim_server *server = ctx;
	struct visit *v = xcalloc(1, sizeof(*v));

	v->server = server;
	v->http = req;
	v->timer = TIMER_INIT;
	v->started_ms = loop_now_ms(server->loop);
	v->next = server->visits;
	v->link = &server->visits;
	if (v->next)
		v->next->link = &v->next;
	server->visits = v;
	v->q.sim = server->sim;
	v->q.method = httpd_method(req);
	v->q.host = httpd_header(req, "Host");
	v->q.path = httpd_path(req);
	v->q.query_text = httpd_query_string(req);
	v->q.body = httpd_body(req, &v->q.body_len);
	v->q.peer = httpd_peer(req);
	v->q.header = get_header;
	v->q.header_ctx = req;
	httpd_on_close(req, on_close, v);
	begin(v);
}

static bool goes_on(const struct visit *v, int id)
{
	if (v->q.service == SV_CONTROL)
		return false;
	return id == 0 || ((v->hanging || v->holding) && v->effect.hold_id == id);
}

/* A fault was removed: what it kept waiting goes on. id 0: the world is about to go. An
 * answer may remove further faults, so the list is looked at anew after each. */
static void released(void *ctx, int id)
{
	struct sim_server *server = ctx;
	struct visit *v = server->visits;

	while (v) {
		if (!goes_on(v, id)) {
			v = v->next;
			continue;
		}
		v->effect.hang = false;
		if (id == 0)
			finish(v, true);
		else
			act(v);
		v = server->visits;
	}
}

static void write_waiting(void *ctx, struct jw *w)
{
	struct sim_server *server = ctx;

	jw_arr(w, "waiting");
	for (struct visit *v = server->visits; v; v = v->next) {
		if (!v->holding && !v->hanging)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "service", sim_service_name(v->q.service));
		jw_str(w, "method", v->q.method);
		jw_str(w, "path", v->q.path);
		jw_str(w, "account", v->q.account ? v->q.account->name : NULL);
		jw_str(w, "state", v->holding ? "held" : "hanging");
		jw_bool(w, "clientGone", v->gone);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

struct sim_server *sim_server_new(struct loop *l, const struct sim_server_options *o,
				  struct err *err)
{
	struct httpd_options ho = { .address = o->address ? o->address : "127.0.0.1",
				    .port = o->port,
				    .max_body = (size_t)4 << 20,
				    .max_connections = 2048,
				    .head_timeout_ms = 30000,
				    .answer_timeout_ms = 3600000 };
	struct sim_server *server = xcalloc(1, sizeof(*server));

	server->loop = l;
	server->record = o->record ? fopen(o->record, "ae") : NULL;
	if (o->record && !server->record) {
		err_set(err, ERR_SYSTEM, "%s: %s", o->record, strerror(errno));
		free_p(&server);
		return NULL;
	}
	server->sim = sim_new(l, &o->shape);
	server->sim->released = released;
	server->sim->write_waiting = write_waiting;
	server->sim->server = server;
	server->httpd = httpd_new(l, &ho, on_request, server, err);
	if (server->httpd)
		server->smtp = sim_smtp_new(server->sim, ho.address, o->smtp_port, err);
	if (!server->smtp) {
		sim_server_free(server);
		return NULL;
	}
	server->sim->port = httpd_port(server->httpd);
	server->sim->smtp_port = sim_smtp_port(server->smtp);
	return server;
}

void sim_server_free(struct sim_server *s)
{
	if (!s)
		return;
	if (s->sim)
		s->sim->released = NULL;
	while (s->visits)
		finish(s->visits, true);
	httpd_free(s->httpd);
	sim_smtp_free(s->smtp);
	sim_free(s->sim);
	if (s->record)
		fclose(s->record);
	free_p(&s);
}

struct sim *sim_server_sim(struct sim_server *s)
{
	return s->sim;
}
