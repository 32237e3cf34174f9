/* A scripted HTTP server and a bundle of providers that talks to it. */
#include "provider_world.h"

static void note(struct world *w, struct httpd_req *r)
{
	static const char *const names[] = { "Authorization", "xi-api-key", "X-Internal-Key",
					     "X-Ringdown-Signature", "X-Twilio-Signature",
					     "If-None-Match", "Content-Type" };
	size_t n;
	const char *q = httpd_query_string(r);
	const char *body = httpd_body(r, &n);

	str_addf(&w->log, "%s %s%s%s\n", httpd_method(r), httpd_raw_path(r), *q ? "?" : "", q);
	str_clear(&w->last_body);
	str_addn(&w->last_body, body, n);
	str_clear(&w->last_headers);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (httpd_header(r, names[i]))
			str_addf(&w->last_headers, "%s: %s\n", names[i], httpd_header(r, names[i]));
}

static void serve(void *ctx, struct httpd_req *r)
{
	struct world *w = ctx;
	_cleanup_(free_p) char *line = xasprintf("%s %s%s%s", httpd_method(r), httpd_raw_path(r),
						 *httpd_query_string(r) ? "?" : "",
						 httpd_query_string(r));

	note(w, r);
	for (int i = 0; w->rules && w->rules[i].match; i++) {
		const struct rule *rule = &w->rules[i];
		if (!str_has_prefix(line, rule->match) || (rule->times &&
							   w->used[i] >= rule->times))
			continue;
		w->used[i]++;
		if (rule->header[0])
			httpd_add_header(r, rule->header[0], rule->header[1]);
		if (rule->status > 0)
			httpd_reply(r, rule->status, "application/json",
				    rule->body ? rule->body : "",
				    rule->body_len ? rule->body_len : rule->body ?
				    strlen(rule->body) : 0);
		else if (rule->status == 0)
			httpd_drop(r);
		else if (w->n_parked < 4)
			w->parked[w->n_parked++] = r;
		return;
	}
	httpd_reply(r, 418, "text/plain", "no rule", 7);
}

int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct httpd_options o = { .address = "127.0.0.1", .max_body = 1 << 20 };
	struct err err = { 0 };

	w->loop = loop_new();
	w->http = http_new(w->loop);
	w->httpd = httpd_new(w->loop, &o, serve, w, &err);
	assert_non_null(w->httpd);
	int port = httpd_port(w->httpd);
	snprintf(w->twilio, sizeof(w->twilio), "http://127.0.0.1:%d", port);
	snprintf(w->eleven, sizeof(w->eleven), "http://127.0.0.1:%d/elevenlabs/", port);
	snprintf(w->status, sizeof(w->status), "http://127.0.0.1:%d/status/twilio", port);
	snprintf(w->aws, sizeof(w->aws), "http://127.0.0.1:%d/aws", port);
	snprintf(w->app, sizeof(w->app), "http://127.0.0.1:%d/app", port);
	snprintf(w->telnyx, sizeof(w->telnyx), "http://127.0.0.1:%d/telnyx", port);
	snprintf(w->base, sizeof(w->base), "http://127.0.0.1:%d/monitor", port);
	w->set = (struct providers_settings){
		.twilio_api = w->twilio, .twilio_monitor = w->base, .twilio_messaging = w->base,
		.twilio_video = w->base, .twilio_routes = w->base, .elevenlabs = w->eleven,
		.telnyx = w->telnyx, .twilio_status = w->status, .elevenlabs_status = w->status,
		.telnyx_status = w->status, .aws_health = w->aws, .app = w->app,
		.app_key = secret_new("internal-key-1"), .hook_secret = secret_new("hook-secret-1"),
		.elevenlabs_key = secret_new("eleven-key-1"),
		.read_timeout_ms = 700, .write_timeout_ms = 500, .feed_timeout_ms = 700,
		.concurrency_start = 4, .concurrency_max = 8, .read_retries = 3,
	};
	w->p = providers_new(w->loop, w->http, &w->set);
	snprintf(w->cred.account_sid, sizeof(w->cred.account_sid), "AC1");
	w->cred.token = secret_new("token-of-ac1");
	w->log = w->last_body = w->last_auth = w->last_headers = STR_INIT(1 << 20);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < w->n_parked; i++)
		httpd_reply(w->parked[i], 200, NULL, "", 0);
	providers_free(w->p);
	http_free(w->http);
	httpd_free(w->httpd);
	secret_free(w->set.app_key);
	secret_free(w->set.hook_secret);
	secret_free(w->set.elevenlabs_key);
	credentials_fini(&w->cred);
	str_fini(&w->log);
	str_fini(&w->last_body);
	str_fini(&w->last_auth);
	str_fini(&w->last_headers);
	for (int i = 0; i < 50; i++)
		loop_run_once(w->loop, 0);
	loop_free(w->loop);
	free(w);
	return 0;
}

static void in_task(void *arg)
{
	struct world *w = arg;

	w->fn(w);
	w->done = true;
}

void world_run(struct world *w, const struct rule *rules, void (*fn)(struct world *w))
{
	w->rules = rules;
	memset(w->used, 0, sizeof(w->used));
	str_clear(&w->log);
	w->fn = fn;
	w->done = false;
	task_start(w->loop, "test", in_task, w, NULL);
	int64_t end = loop_now_ms(w->loop) + 20000;
	while (!w->done && loop_now_ms(w->loop) < end)
		loop_run_once(w->loop, 50);
	if (w->failed[0])
		fail_msg("%s", w->failed);
	assert_true(w->done);
	loop_run_once(w->loop, 0);
}
