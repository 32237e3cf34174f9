/*
 * `ringdown alerts`: what fires and what was resolved lately; acknowledging and silencing; the
 * policy's rules with their figures, and what came from outside. `alerts test` is alerts_test.c.
 */
#include <stdio.h>
#include <string.h>

#include "alert/rules_doc.h"
#include "cli/alerts.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/alert.h"
#include "store/alerts.h"
#include "store/alerts_received.h"

static int list(struct cli *c)
{
	struct str path = STR_INIT(400);
	int r;

	str_add(&path, "/api/v1/alerts");
	remote_query(&path, "state", cli_opt(c, "state"));
	r = remote_list(c, str_get(&path), "alerts", &alert_type, NULL,
			"id state severity priority name subject since resolvedAt ackedBy"
			" silencedUntil inhibitedBy nextTellAt runbook text");
	str_fini(&path);
	return r;
}

static int run_list(struct cli *c)
{
	return cli_run(c, list);
}

static int rules(struct cli *c)
{
	return remote_list(c, "/api/v1/alerts/rules", "rules", &rule_type, NULL, NULL);
}

static int run_rules(struct cli *c)
{
	return cli_run(c, rules);
}

static int deliveries(struct cli *c)
{
	return remote_list(c, "/api/v1/alerts/deliveries", "deliveries", &alert_delivery_type, NULL,
			   NULL);
}

static int run_deliveries(struct cli *c)
{
	return cli_run(c, deliveries);
}

static int members(struct cli *c)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/alerts/%s/members", cli_arg(c, 0));

	return remote_list(c, path, "members", &alert_member_type, NULL, NULL);
}

static int run_members(struct cli *c)
{
	return cli_run(c, members);
}

static int silences(struct cli *c)
{
	return remote_list(c, "/api/v1/silences", "silences", &silence_type, NULL, NULL);
}

static int run_silences(struct cli *c)
{
	return cli_run(c, silences);
}

static int ending(struct cli *c)
{
	struct str path = STR_INIT(200);
	int r;

	str_add(&path, "/api/v1/alerts/ending");
	remote_query(&path, "within", cli_opt(c, "within"));
	r = remote_list(c, str_get(&path), "ending", &alert_ending_type, NULL, NULL);
	str_fini(&path);
	return r;
}

static int run_ending(struct cli *c)
{
	return cli_run(c, ending);
}

/* ---- orders ------------------------------------------------------------------------------- */

static int send(struct cli *c, const char *method, const char *path, const char *body,
		const char *done)
{
	struct json *reply = NULL;
	int r = remote_send(c, method, path, body, &reply, NULL);

	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		cli_print(c, "%s\n", done);
	json_free(reply);
	return r;
}

static int acknowledge(struct cli *c, bool on)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/alerts/%s/%s", cli_arg(c, 0),
						 on ? "ack" : "unack");
	_cleanup_(free_p) char *done = xasprintf(on ?
						 "%s is acknowledged; not told until that ends" :
						 "%s is nobody's again", cli_arg(c, 0));
	struct str body = STR_INIT(2000);
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	if (on && cli_opt(c, "for"))
		jw_str(&w, "for", cli_opt(c, "for"));
	jw_obj_end(&w);
	r = send(c, "POST", path, str_get(&body), done);
	str_fini(&body);
	return r;
}

static int ack(struct cli *c)
{
	return acknowledge(c, true);
}

static int unack(struct cli *c)
{
	return acknowledge(c, false);
}

static int run_ack(struct cli *c)
{
	return cli_run(c, ack);
}

static int run_unack(struct cli *c)
{
	return cli_run(c, unack);
}

static void tell_silence(struct cli *c, const struct json *reply)
{
	cli_print(c, "silence %lld: %s%s%s, until %s"
		  " ('ringdown alerts unsilence %lld' ends it)\n",
		  (long long)json_get_i64(reply, "id", 0), json_get_str(reply, "name"),
		  str_empty(json_get_str(reply, "subject")) ? "" : " on ",
		  json_get_str(reply, "subject"),
		  json_get_str(reply, "until"), (long long)json_get_i64(reply, "id", 0));
}

/* ALERT is an id (AL-12), or a name; then --on says on what, and without it on anything. */
static int silence(struct cli *c)
{
	const char *what = cli_arg(c, 0);
	bool id = str_has_prefix(what, "AL-");
	struct str body = STR_INIT(4000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, id ? "alert" : "name", what);
	if (!id && cli_opt(c, "on"))
		jw_str(&w, "subject", cli_opt(c, "on"));
	if (cli_opt(c, "for"))
		jw_str(&w, "for", cli_opt(c, "for"));
	jw_str(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/silences", str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		tell_silence(c, reply);
	json_free(reply);
	str_fini(&body);
	return r;
}

static int run_silence(struct cli *c)
{
	return cli_run(c, silence);
}

static int unsilence(struct cli *c)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/silences/%s", cli_arg(c, 0));
	_cleanup_(free_p) char *done = xasprintf("silence %s is over", cli_arg(c, 0));

	return send(c, "DELETE", path, NULL, done);
}

static int run_unsilence(struct cli *c)
{
	return cli_run(c, unsilence);
}

static const struct cli_option list_options[] = {
	{ .name = "state", .arg = "S", .choices = "pending|firing|resolved",
	  .help = "only these" },
};
static const struct cli_option unack_options[] = {
	{ .name = "reason", .arg = "R", .help = "a word to it; kept in the journal" },
};
static const struct cli_option ack_options[] = {
	{ .name = "reason", .arg = "R", .help = "a word to it; kept in the journal" },
	{ .name = "for", .arg = "D", .help = "how long, as 30m or 8h; alerts.ackFor unless said" },
};
static const struct cli_option ending_options[] = {
	{ .name = "within", .arg = "D", .help = "how soon, as 30m or 24h; an hour unless said" },
};
static const struct cli_option silence_options[] = {
	{ .name = "for", .arg = "D", .help = "how long, as 30m or 1h30m; an hour unless said" },
	{ .name = "on", .arg = "SUBJECT", .help = "with a name: only on this; else on anything" },
	{ .name = "reason", .arg = "R", .required = true, .help = "why; kept with it" },
};

static const struct subcommand verbs[] = {
	{ .name = "list", .help = "what fires, and what was resolved in the last day",
	  .kind = CLI_READS, .options = list_options, .n_options = COUNT_OF(list_options),
	  .run = run_list },
	{ .name = "ack", .args = "ALERT", .help = "you are on it; it is not told again",
	  .detail = "It runs out after alerts.ackFor, or --for; what still fires then is told"
		    " again.\nBefore that 'ringdown alerts ending' lists it, and people are told.",
	  .kind = CLI_CHANGES, .options = ack_options, .n_options = COUNT_OF(ack_options),
	  .run = run_ack },
	{ .name = "unack", .args = "ALERT", .help = "you are not on it any more",
	  .kind = CLI_CHANGES, .options = unack_options, .n_options = COUNT_OF(unack_options),
	  .run = run_unack },
	{ .name = "silence", .args = "ALERT", .help = "not told for a while, by your name",
	  .detail = "ALERT is an id (AL-12), or a name: then all alerts of that name, or those on"
		    " --on.\nA silence always ends; what still fires then is told.",
	  .kind = CLI_CHANGES, .options = silence_options, .n_options = COUNT_OF(silence_options),
	  .run = run_silence },
	{ .name = "unsilence", .args = "SILENCE", .help = "ends a silence now",
	  .kind = CLI_CHANGES, .run = run_unsilence },
	{ .name = "silences", .help = "silences in force: whose, until when, what they hush",
	  .kind = CLI_READS, .run = run_silences },
	{ .name = "ending",
	  .help = "silences and acknowledgements that end soon, or seem forgotten",
	  .kind = CLI_READS, .options = ending_options, .n_options = COUNT_OF(ending_options),
	  .run = run_ending },
	{ .name = "rules", .help = "rules of policy.yaml with the figures they judge now",
	  .kind = CLI_READS, .run = run_rules },
	{ .name = "members", .args = "ALERT", .help = "what stands behind a received alert",
	  .kind = CLI_READS, .run = run_members },
	{ .name = "deliveries", .help = "what came from outside, and what was left out of it",
	  .kind = CLI_READS, .run = run_deliveries },
	{ .name = "test", .args = "FILE",
	  .help = "feeds series from a file and says what fires when",
	  .detail = "FILE is YAML: 'series' maps NAME or NAME{LABEL} to values such as"
		    " \"1x20 6x40\" (20 times\n1, then 40 times 6; - could not be read, _ no"
		    " value), 'step' is the time between\ntwo of them (15s), 'policy' another"
		    " policy.yaml. 'expect' lists {at: 5m, alert: NAME,\non: LABEL, is: firing,"
		    " severity: bad}; exit status 1 when one is not met. No engine is\nasked; the"
		    " clock is the file's.",
	  .kind = CLI_READS, .run = cli_alerts_test },
};

const struct subcommand cmd_alerts = {
	.name = "alerts",
	.help = "list alerts; acknowledge, silence, try the rules out",
	.kind = CLI_READS,
	.options = list_options, .n_options = COUNT_OF(list_options),
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = run_list,
};
