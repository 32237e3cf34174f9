/*
 * All option tables in one list: what a configuration file may say. A module keeps
 * its rows beside its code; adding a table here is all that makes them known to the
 * file, the environment, `config explain` and the manual.
 */
#include "cli/options.h"

#include "alert/settings.h"
#include "api/api.h"
#include "core/mem.h"
#include "providers/provider.h"
#include "failover/failover.h"
#include "notify/notify.h"
#include "runbook/settings.h"

#define ROW(key, kind, member, ...)                                                                \
	{ .name = key, .type = kind, .offset = offsetof(struct main_settings, member), __VA_ARGS__ }

static const struct option_row main_rows[] = {
	ROW("api", OPT_LIST, api, .flags = OPT_URLS, .env = "RINGDOWN_API",
	    .def = "http://127.0.0.1:8470",
	    .help = "engines that the console and the commands talk to, the first that answers"),
	ROW("database", OPT_STR, database, .env = "DATABASE_URL",
	    .help = "PostgreSQL, as libpq takes it; several hosts may be named"),
	ROW("token", OPT_SECRET, token, .env = "RINGDOWN_TOKEN",
	    .help = "bearer token for the API; 'ringdown token create' makes one"),
	ROW("stateDir", OPT_STR, state_dir, .env = "RINGDOWN_STATE_DIR",
	    .help = "where the saved screen copy and the private database live; unset: the XDG"
		    " state directory"),
	ROW("publicUrl", OPT_URL, public_url, .flags = OPT_RELOAD,
	    .help = "address that links in mails begin with; without it mails name the command to"
		    " run"),
	ROW("allowInsecureHttp", OPT_BOOL, allow_insecure_http, .def = "false",
	    .help = "lets http:// go to other machines; credentials then travel in clear"),
	ROW("encryptionKey", OPT_SECRET, encryption_key, .env = "ENCRYPTION_KEY",
	    .help = "seals credentials in the database: 32 characters, or hex or base64 of 32"
		    " bytes"),
	ROW("encryptionKeyPrevious", OPT_SECRET, encryption_key_previous,
	    .env = "ENCRYPTION_KEY_PREVIOUS",
	    .help = "the key before the last change, until 'ringdown secrets rotate' is through"),
	ROW("cronSecret", OPT_SECRET, cron_secret, .env = "CRON_SECRET", .flags = OPT_RELOAD,
	    .help = "bearer that the cron endpoint asks for; unset: the endpoint answers 503"),
	ROW("log.level", OPT_CHOICE, log_level, .choices = "debug|info|warn|error", .def = "info",
	    .flags = OPT_RELOAD, .help = "least important line that the engine's log keeps"),
};
const struct option_table main_options = { "general", main_rows, COUNT_OF(main_rows),
					   sizeof(struct main_settings) };

const struct option_table *const option_tables[] = {
	&main_options,
	&providers_options,
	&api_options,
	&failover_options,
	&notify_options,
	&alert_options,
	&runbook_options,
};
const size_t option_table_count = COUNT_OF(option_tables);
