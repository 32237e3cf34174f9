/*
 * Adding and editing an account: the form, what is sent, what the engine says after its
 * live check of the credentials. Secrets live in the form only until it closes.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/app.h"

static const struct form_row rows[] = {
	{ "name", "name", "what people call it", FORM_TEXT, true },
	{ "accountSid", "account SID", "AC and 32 hex digits", FORM_TEXT, true },
	{ "authToken", "auth token", "or an API key below; when editing, empty = as it is",
	  FORM_SECRET, false },
	{ "apiKeySid", "API key SID", "SK..; what its class cannot do is said after the check",
	  FORM_TEXT, false },
	{ "apiKeySecret", "API key secret", "shown once by Twilio", FORM_SECRET, false },
	{ "parentSid", "parent SID", "of the account above it: confirms a suspension", FORM_TEXT,
	  false },
	{ "parentAuthToken", "parent auth token",
	  "or a second credential, so that a 401 can be told from a "
	  "rotated token",
	  FORM_SECRET, false },
	{ "region", "region", "us1, ie1, au1; empty = us1", FORM_TEXT, false },
	{ "edge", "edge", "ashburn, dublin ..; empty = nearest", FORM_TEXT, false },
	{ "priority", "priority", "lower is chosen first as a target", FORM_NUMBER, false },
	{ "isPrimary", "home account", "agents are at home here; no = it stands by", FORM_FLAG,
	  false },
};

struct account_form {
	struct app *app;
	char id[64]; /* "" = a new one */
	struct client_request *request;
};

static void on_closed(void *ctx)
{
	struct account_form *x = ctx;

	if (x->request)
		client_cancel(x->request);
	free_p(&x);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct account_form *x = ctx;
	struct shell *s = x->app->shell;
	char text[240];

	x->request = NULL;
	if (status >= 200 && status < 300) {
		const char *name = json_get_str(doc, "name");
		snprintf(text, sizeof(text), "%s: saved, the credentials work",
		         name ? name : "account");
		form_close(shell_form(s));
		shell_say(s, ROLE_ok, "%s", text);
		return;
	}
	snprintf(text, sizeof(text), "%s%.200s", status ? "refused: " : "",
	         problem ? problem : "no answer");
	form_done(shell_form(s), text, json_get_str(doc, "field"));
	shell_redraw(s);
}

static void on_send(void *ctx, struct form *f)
{
	struct account_form *x = ctx;
	struct str body = STR_INIT(16384);
	struct jw w = JW(&body);
	char path[160];
	int64_t v;

	jw_obj(&w, NULL);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *text = form_get(f, i);
		if (rows[i].kind == FORM_FLAG)
			jw_bool(&w, rows[i].name, text != NULL);
		else if (text && rows[i].kind == FORM_NUMBER && parse_i64(text, 0, 1000000, &v))
			jw_i64(&w, rows[i].name, v);
		else if (text)
			jw_str(&w, rows[i].name, text);
	}
	jw_obj_end(&w);
	snprintf(path, sizeof(path), "/api/admin/twilio-failover/accounts%s%.64s",
	         x->id[0] ? "/" : "", x->id);
	x->request = client_send(x->app->client, x->id[0] ? "PATCH" : "POST", path, str_get(&body),
	                         answered, x);
	explicit_bzero(body.s, body.len);
	str_fini(&body);
}

void app_account_form(struct app *a, const char *id)
{
	const struct account *x = str_empty(id) ? NULL : state_account(app_state(a), id);
	struct account_form *state = xcalloc(1, sizeof(*state));
	struct form *f = shell_form(a->shell);
	char title[80], number[24];

	state->app = a;
	if (x)
		snprintf(state->id, sizeof(state->id), "%s", x->id);
	snprintf(title, sizeof(title), x ? "EDIT ACCOUNT %.50s" : "ADD ACCOUNT",
	         x && x->name ? x->name : id);
	form_open(f, title, rows, COUNT_OF(rows), on_send, on_closed, state);
	if (!x)
		return;
	snprintf(number, sizeof(number), "%lld", (long long)x->priority);
	form_set(f, "name", x->name);
	form_set(f, "accountSid", x->account_sid);
	form_set(f, "parentSid", x->parent_sid);
	form_set(f, "region", x->region);
	form_set(f, "edge", x->edge);
	form_set(f, "priority", number);
	form_set(f, "isPrimary", x->is_primary ? "yes" : "");
}
