/* The option tables of all modules, and the settings that belong to no module. */
#ifndef RD_CLI_OPTIONS_H
#define RD_CLI_OPTIONS_H

#include "core/config.h"
#include "core/crypto.h"

struct main_settings {
	struct strlist api;		/* engines, for the console and the commands */
	char *database;			/* libpq address */
	struct secret *token;		/* bearer token for the API */
	char *state_dir;
	char *public_url;		/* of the dashboard or engine, for links in mails */
	bool allow_insecure_http;
	struct secret *encryption_key, *encryption_key_previous;
	struct secret *cron_secret;	/* bearer of /api/cron/... */
	char *log_level;
};
extern const struct option_table main_options;

extern const struct option_table *const option_tables[];
extern const size_t option_table_count;

#endif
