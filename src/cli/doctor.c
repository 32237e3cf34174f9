/*
 * `ringdown doctor`: what is missing or wrong in a set-up, and how to mend it. Every
 * check is one row; "bad" keeps an engine or a person from working, "warn" does not.
 *
 * It changes nothing, and a check that cannot be made says so instead of guessing.
 */
#include <glob.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/database.h"
#include "cli/frame.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/http.h"
#include "core/task.h"
#include "store/lease_row.h"
#include "store/migrate.h"

struct doctor {
	struct cli *c;
	struct table table;
	int bad;
};

enum finding { FINE, WARN, BAD };

static void found(struct doctor *d, const char *check, enum finding f, const char *detail,
		  const char *mend)
{
	static const char *const words[] = { "ok", "warn", "BAD" };

	table_add(&d->table, check);
	table_add(&d->table, words[f]);
	table_add(&d->table, detail);
	table_add(&d->table, f == FINE ? NULL : mend);
	d->bad += f == BAD;
}

/* ---- this machine ------------------------------------------------------------------ */

static void check_configuration(struct doctor *d)
{
	const struct config *config = cli_config(d->c);
	size_t set = 0;
	char text[200];

	for (size_t i = 0; i < config_count(config); i++)
		set += !str_eq(config_at(config, i)->origin, "default");
	snprintf(text, sizeof(text), "%s, %zu options set%s%s%s",
		 d->c->file ? d->c->file : "no file", set,
		 *config_environment(config) ? ", environment " : "", config_environment(config),
		 config_production(config) ? " (production)" : "");
	found(d, "configuration", FINE, text, NULL);
	for (size_t i = 0; config_warning(config, i); i++)
		found(d, "configuration", WARN, config_warning(config, i),
		      "use https and remove allowInsecureHttp");
}

static void check_keys(struct doctor *d, const struct main_settings *s)
{
	struct err err = { 0 };
	struct keyring *k;

	if (!s->encryption_key) {
		found(d, "encryption key", BAD, "ENCRYPTION_KEY is not set",
		      "make one with 'openssl rand -hex 32', keep it where the other secrets are");
		return;
	}
	k = keyring_new(secret_reveal(s->encryption_key), secret_reveal(s->encryption_key_previous),
			&err);
	found(d, "encryption key", k ? FINE : BAD, k ? "usable" : err.msg,
	      "without the old key stored credentials cannot be opened: restore it, or enter them"
	      " anew");
	keyring_free(k);
	if (!s->cron_secret)
		found(d, "cron endpoint", WARN, "CRON_SECRET is not set; the endpoint answers 503",
		      "only needed when a cron job outside triggers the checks");
}

static void check_machine(struct doctor *d)
{
	struct rlimit files = { 0 };
	glob_t programs = { 0 };
	char text[200];
	const char *dir = cli_state_dir(d->c);
	const char *term = getenv("TERM");

	found(d, "state directory", dir ? FINE : BAD, dir ? dir : "cannot be written",
	      "set RINGDOWN_STATE_DIR to a directory that can be written");
	getrlimit(RLIMIT_NOFILE, &files);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)files.rlim_cur);
	found(d, "open files", files.rlim_cur >= 1024 ? FINE : WARN, text, "ulimit -n 4096");
	found(d, "terminal", str_empty(term) ? WARN : FINE, str_empty(term) ? "TERM is not set" :
	      term, "the console needs a terminal; 'ringdown watch' does not");
	found(d, "characters", str_eq(nl_langinfo(CODESET), "UTF-8") ? FINE : WARN,
	      nl_langinfo(CODESET), "set LANG to a UTF-8 locale, or use --ascii");
	bool there = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &programs) == 0;
	found(d, "PostgreSQL programs", there ? FINE : WARN,
	      there ? programs.gl_pathv[programs.gl_pathc - 1] : "not installed",
	      "only for 'ringdown demo' and 'engine --embedded': apt-get install postgresql-15");
	globfree(&programs);
}

/* ---- the database -------------------------------------------------------------------- */

static void check_server(struct doctor *d, struct store *s, struct pg_result *r)
{
	int64_t off = pg_i64(r, 0, 2) - loop_wall_ms(s->loop);
	char text[200];

	snprintf(text, sizeof(text), "PostgreSQL %s", pg_text(r, 0, 0));
	found(d, "database", pg_i64(r, 0, 1) >= 140000 ? FINE : BAD, text,
	      "PostgreSQL 14 or newer is needed");
	snprintf(text, sizeof(text), "%lld ms apart", (long long)off);
	found(d, "clocks", off > -2000 && off < 2000 ? FINE : WARN, text,
	      "run NTP on this machine and on the database's");
}

static void check_schema(struct doctor *d, struct store *s, const char *environment)
{
	struct err err = { 0 };
	bool durable = false;
	int e = migrate_current(s, &err);

	found(d, "schema", e < 0 ? BAD : FINE, e < 0 ? err.msg : "current", "ringdown migrate");
	if (e < 0)
		return;
	if (*environment) {
		e = environment_check(s, environment, &err);
		found(d, "environment", e < 0 ? BAD : FINE, e < 0 ? err.msg : environment,
		      "if this really is that database: ringdown adopt --environment NAME");
	} else {
		found(d, "environment", WARN, "none is chosen",
		      "name it under environments: and choose it with --env or environment:");
	}
	e = store_check(s, false, &durable, &err);
	if (e < 0)
		found(d, "writing", BAD, err.msg, "the address must lead to the primary server");
	else
		found(d, "writing", durable ? FINE : WARN,
		      durable ? "the server takes writes" : "a standby follows asynchronously",
		      "make one standby synchronous, or a promotion may lose the last decision");
}

static void check_engines(struct doctor *d, struct store *s)
{
	struct engine_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;
	char text[200];

	if (engines_list(s, &rows, &n, &err) < 0) {
		found(d, "engines", WARN, err.msg, NULL);
		return;
	}
	size_t living = 0;
	for (size_t i = 0; i < n; i++)
		living += loop_wall_ms(s->loop) - rows[i].seen_at_ms < 30000;
	snprintf(text, sizeof(text), "%zu seen in the last 30 s", living);
	found(d, "engines", !living ? BAD : living < 2 ? WARN : FINE, text,
	      living ? "run a second one elsewhere: one alone cannot be taken over from" :
		       "nothing is watched: start 'ringdown engine'");
	engines_free(rows, n);
}

static void check_people(struct doctor *d, struct store *s)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(s, &r, &err, "SELECT count(*) FROM \"User\" WHERE role = 'SUPER_ADMIN'"
			" AND coalesce(email, '') <> ''", "") < 0)
		found(d, "mail recipients", WARN, err.msg, "ringdown migrate");
	else if (pg_i64(r, 0, 0) == 0)
		found(d, "mail recipients", BAD, "no SUPER_ADMIN with an address in \"User\"",
		      "nobody would be told; add one, or addresses in the configuration");
	else
		found(d, "mail recipients", FINE, pg_text(r, 0, 0), NULL);
}

static void check_database(struct doctor *d, const struct main_settings *settings)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct cli_database db = { 0 };
	struct err err = { 0 };

	if (!settings->database) {
		found(d, "database", BAD, "no address",
		      "set DATABASE_URL; 'engine --embedded' brings its own");
		return;
	}
	const struct store_options o = { .url = settings->database, .engine_id = "doctor",
					 .timeout_ms = 5000 };
	db.store = store_open(cli_loop(d->c), &o, &err);
	if (!db.store || store_query(db.store, &r, &err,
			"SELECT current_setting('server_version'),"
			" current_setting('server_version_num')::bigint,"
			" (extract(epoch FROM clock_timestamp()) * 1000)::bigint", "") < 0) {
		found(d, "database", BAD, err.msg, "check DATABASE_URL, the server, and the way"
						   " there");
	} else {
		check_server(d, db.store, r);
		check_schema(d, db.store, config_environment(cli_config(d->c)));
		check_engines(d, db.store);
		check_people(d, db.store);
	}
	store_close(db.store);
}

/* ---- the network ---------------------------------------------------------------------- */

struct probe {
	struct doctor *d;
	const char *name;
	char *url;
	struct secret *bearer;
	struct http_reply reply;
};

static void probe_task(void *arg)
{
	struct probe *p = arg;
	const struct http_request req = {
		.method = "GET",
		.url = p->url,
		.bearer_prefix = "Authorization: Bearer ",
		.bearer = p->bearer,
		.timeout_ms = 5000,
		.max_body = 1 << 20,
	};

	http_fetch(cli_http(p->d->c), &req, &p->reply);
}

static void judge_api(struct doctor *d, const struct probe *p)
{
	char text[300];

	snprintf(text, sizeof(text), "%.120s: %.160s%d", p->url,
		 p->reply.result == HTTP_DONE ? "status " : p->reply.error, p->reply.status);
	if (p->reply.result != HTTP_DONE)
		found(d, p->name, WARN, text, "start 'ringdown engine', or correct api:");
	else if (p->reply.status == 401 || p->reply.status == 403)
		found(d, p->name, BAD, text,
		      p->bearer ? "the token is not accepted: 'ringdown token create' makes one" :
				  "set RINGDOWN_TOKEN");
	else
		found(d, p->name, p->reply.status == 200 ? FINE : WARN, text,
		      "look at the engine's log");
}

static void judge_foreign(struct doctor *d, const struct probe *p)
{
	char text[300];

	if (p->reply.result == HTTP_DONE)
		snprintf(text, sizeof(text), "%.200s answers in %lld ms", p->url,
			 (long long)p->reply.latency_ms);
	else
		snprintf(text, sizeof(text), "%.120s: %s, %.100s", p->url,
			 http_result_name(p->reply.result), p->reply.error);
	found(d, p->name, p->reply.result == HTTP_DONE ? FINE : BAD, text,
	      p->reply.result == HTTP_TLS ? "the certificate is not trusted: is a proxy in the"
					    " way?" :
					    "check DNS, the firewall and the proxy");
}

enum { PROBES_MAX = 64 };

static size_t list_probes(struct doctor *d, const struct main_settings *s, struct probe *probes,
			  size_t *ret_api)
{
	const struct config *config = cli_config(d->c);
	size_t n = 0;

	for (size_t i = 0; i < s->api.n && n < PROBES_MAX; i++)
		probes[n++] = (struct probe){ .d = d, .name = "api", .bearer = s->token,
			.url = xasprintf("%s%s/accounts", s->api.v[i], API_FAILOVER) };
	*ret_api = n;
	for (size_t i = 0; i < config_count(config) && n < PROBES_MAX; i++) {
		const struct config_value *v = config_at(config, i);
		if (v->row->type != OPT_URL || str_empty(v->text) ||
		    str_eq(v->row->name, "publicUrl") ||
		    str_has_prefix(v->row->name, "hooks.") || !str_has_prefix(v->text, "http"))
			continue;
		probes[n++] = (struct probe){ .d = d, .name = v->row->name,
					      .url = xstrdup(v->text) };
	}
	return n;
}

static void check_network(struct doctor *d, const struct main_settings *s)
{
	struct probe *probes = xcalloc(PROBES_MAX, sizeof(*probes));
	struct crowd crowd;
	size_t n_api;
	size_t n = list_probes(d, s, probes, &n_api);

	crowd_init(&crowd, 8);
	for (size_t i = 0; i < n; i++)
		if (i < n_api || !cli_flag(d->c, "offline"))
			crowd_add(&crowd, "probe", probe_task, &probes[i]);
	crowd_join(&crowd);
	for (size_t i = 0; i < n; i++) {
		if (i < n_api)
			judge_api(d, &probes[i]);
		else if (!cli_flag(d->c, "offline"))
			judge_foreign(d, &probes[i]);
		http_reply_fini(&probes[i].reply);
		free(probes[i].url);
	}
	free(probes);
}

static int examine(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "check", NULL, false }, { "result", NULL, false }, { "detail", NULL, false },
		{ "mend", "WHAT TO DO", false },
	};
	const struct main_settings *s = cli_settings(c, &main_options);
	struct doctor d = { .c = c };

	table_init(&d.table, cli_format(c), columns, COUNT_OF(columns));
	check_configuration(&d);
	check_keys(&d, s);
	check_machine(&d);
	check_database(&d, s);
	check_network(&d, s);
	table_print(&d.table, c, "checks");
	table_fini(&d.table);
	return d.bad ? EXIT_NO : EXIT_DONE;
}

static int run(struct cli *c)
{
	return cli_run(c, examine);
}

static const struct cli_option options[] = {
	{ .name = "offline", .help = "do not try the providers' addresses" },
};

const struct subcommand cmd_doctor = {
	.name = "doctor",
	.help = "what is missing or wrong in this set-up, and how to mend it",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
