/*
 * The application's tables (Prisma's names and types). They belong to the application:
 * a table or column that is absent is added, nothing that exists is altered, and a
 * column of another type is reported instead of guessed about.
 *
 * All columns but keys may be NULL or have a default, so that a column can be added to
 * a table with rows, and rows be inserted by programs that do not know of it.
 */
#include "store/app_tables.h"

#include <stdlib.h>
#include <string.h>

enum { CLASHES_TOLD = 3, NAMES_TOLD = 14 };	/* one line holds them; the rest is counted */
#define ID "PRIMARY KEY"
#define NN "NOT NULL DEFAULT "
#define TEXT "text"
#define TIME "timestamp(3) with time zone"
#define NOW NN "CURRENT_TIMESTAMP"
#define INT "integer"
#define BIG "bigint"
#define BOOL "boolean"
#define DBL "double precision"
#define JSONB "jsonb"
#define C(t, n, ty, r) { .table = t, .name = n, .type = ty, .rest = r }
#define EVENTS "TwilioFailoverEvent"
#define CHECKS "TwilioHealthCheck"
#define POOL "TwilioBackupPhoneNumber"

const struct app_column app_columns[] = {
	C("TwilioAccount", "id", TEXT, ID),
	C("TwilioAccount", "name", TEXT, NN "''"),
	C("TwilioAccount", "provider", TEXT, NN "'twilio'"),
	C("TwilioAccount", "accountSid", TEXT, "NOT NULL"),
	C("TwilioAccount", "authToken", TEXT, ""),
	C("TwilioAccount", "isPrimary", BOOL, NN "false"),
	C("TwilioAccount", "isActive", BOOL, NN "true"),
	C("TwilioAccount", "priority", INT, NN "100"),
	C("TwilioAccount", "status", TEXT, NN "'active'"),
	C("TwilioAccount", "region", TEXT, ""),
	C("TwilioAccount", "healthStatus", TEXT, NN "'unknown'"),
	C("TwilioAccount", "lastHealthCheck", TIME, ""),
	C("TwilioAccount", "createdAt", TIME, NOW),
	C("TwilioAccount", "updatedAt", TIME, NOW),

	C(EVENTS, "id", TEXT, ID),
	C(EVENTS, "fromAccountId", TEXT, ""),
	C(EVENTS, "toAccountId", TEXT, ""),
	C(EVENTS, "status", TEXT, NN "'pending'"),
	C(EVENTS, "severity", TEXT, NN "'none'"),
	C(EVENTS, "triggerType", TEXT, NN "'AUTOMATIC'"),
	C(EVENTS, "reason", TEXT, ""),
	C(EVENTS, "ruleId", TEXT, ""),
	C(EVENTS, "affectedAgents", INT, NN "0"),
	C(EVENTS, "totalAgents", INT, NN "0"),
	C(EVENTS, "testResults", JSONB, ""),
	C(EVENTS, "approvalDeadline", TIME, ""),
	C(EVENTS, "approvedBy", TEXT, ""),
	C(EVENTS, "approvedAt", TIME, ""),
	C(EVENTS, "startedAt", TIME, ""),
	C(EVENTS, "completedAt", TIME, ""),
	C(EVENTS, "rolledBackAt", TIME, ""),
	C(EVENTS, "error", TEXT, ""),
	C(EVENTS, "metadata", JSONB, ""),
	C(EVENTS, "createdAt", TIME, NOW),
	C(EVENTS, "updatedAt", TIME, NOW),

	C(CHECKS, "id", TEXT, ID),
	C(CHECKS, "accountId", TEXT, ""),
	C(CHECKS, "status", TEXT, NN "'unknown'"),
	C(CHECKS, "checkType", TEXT, NN "''"),
	C(CHECKS, "totalAgents", INT, NN "0"),
	C(CHECKS, "failedAgents", INT, NN "0"),
	C(CHECKS, "failureRate", DBL, NN "0"),
	C(CHECKS, "latencyMs", INT, ""),
	C(CHECKS, "details", JSONB, ""),
	C(CHECKS, "checkedAt", TIME, NOW),

	C(POOL, "id", TEXT, ID),
	C(POOL, "accountId", TEXT, ""),
	C(POOL, "phoneNumber", TEXT, "NOT NULL"),
	C(POOL, "phoneNumberSid", TEXT, ""),
	C(POOL, "country", TEXT, ""),
	C(POOL, "areaCode", TEXT, ""),
	C(POOL, "capabilities", JSONB, ""),
	C(POOL, "status", TEXT, NN "'available'"),
	C(POOL, "assignedAgentId", TEXT, ""),
	C(POOL, "voiceReady", BOOL, NN "false"),
	C(POOL, "smsReady", BOOL, NN "false"),
	C(POOL, "assignedAt", TIME, ""),
	C(POOL, "createdAt", TIME, NOW),
	C(POOL, "updatedAt", TIME, NOW),

	C("VoiceAgent", "id", TEXT, ID),
	C("VoiceAgent", "orgId", TEXT, ""),
	C("VoiceAgent", "name", TEXT, NN "''"),
	C("VoiceAgent", "status", TEXT, NN "'ACTIVE'"),
	C("VoiceAgent", "elevenLabsAgentId", TEXT, ""),
	C("VoiceAgent", "twilioPhoneNumber", TEXT, ""),
	C("VoiceAgent", "twilioAccountId", TEXT, ""),
	C("VoiceAgent", "backupPhoneNumber", TEXT, ""),
	C("VoiceAgent", "healthStatus", TEXT, ""),
	C("VoiceAgent", "createdAt", TIME, NOW),
	C("VoiceAgent", "updatedAt", TIME, NOW),

	C("User", "id", TEXT, ID),
	C("User", "email", TEXT, ""),
	C("User", "name", TEXT, ""),
	C("User", "role", TEXT, ""),

	C("MessageLog", "id", TEXT, ID),
	C("MessageLog", "orgId", TEXT, ""),
	C("MessageLog", "direction", TEXT, ""),
	C("MessageLog", "channel", TEXT, ""),
	C("MessageLog", "status", TEXT, ""),
	C("MessageLog", "from", TEXT, ""),
	C("MessageLog", "to", TEXT, ""),
	C("MessageLog", "content", TEXT, ""),
	C("MessageLog", "metadata", JSONB, ""),
	C("MessageLog", "createdAt", TIME, NOW),

	C("OrgSettings", "orgId", TEXT, ID),
	C("OrgSettings", "smsDisabled", BOOL, NN "false"),
	C("OrgSettings", "maxMessagesPerMinute", INT, ""),

	C("calls", "id", TEXT, ID),
	C("calls", "tenant_id", TEXT, ""),
	C("calls", "call_sid", TEXT, ""),
	C("calls", "from_number", TEXT, ""),
	C("calls", "to_number", TEXT, ""),
	C("calls", "status", TEXT, ""),
	C("calls", "duration", INT, ""),
	C("calls", "created_at", TIME, NOW),

	C("call_recordings", "id", TEXT, ID),
	C("call_recordings", "call_sid", TEXT, ""),
	C("call_recordings", "recording_url", TEXT, ""),
	C("call_recordings", "recording_duration", INT, ""),
	C("call_recordings", "created_at", TIME, NOW),

	C("sms_messages", "id", TEXT, ID),
	C("sms_messages", "tenant_id", TEXT, ""),
	C("sms_messages", "from_number", TEXT, ""),
	C("sms_messages", "to_number", TEXT, ""),
	C("sms_messages", "message_body", TEXT, ""),
	C("sms_messages", "status", TEXT, ""),
	C("sms_messages", "error_code", TEXT, ""),
	C("sms_messages", "error_message", TEXT, ""),
	C("sms_messages", "created_at", TIME, NOW),

	C("call_transcriptions", "id", TEXT, ID),
	C("call_transcriptions", "call_sid", TEXT, ""),
	C("call_transcriptions", "transcription_text", TEXT, ""),
	C("call_transcriptions", "created_at", TIME, NOW),

	C("webhook_logs", "id", TEXT, ID),
	C("webhook_logs", "webhook_id", TEXT, ""),
	C("webhook_logs", "webhook_type", TEXT, ""),
	C("webhook_logs", "source_ip", TEXT, ""),
	C("webhook_logs", "created_at", TIME, NOW),
};
const size_t n_app_columns = COUNT_OF(app_columns);

#define INDEX(n, on) { .name = n, .sql = "CREATE INDEX CONCURRENTLY IF NOT EXISTS " n " ON " on }
#define UNIQUE(n, on)                                                                              \
	{ .name = n, .sql = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS " n " ON " on }
#define ASKED(n, on)                                                                               \
	{ .name = n, .sql = "CREATE INDEX CONCURRENTLY IF NOT EXISTS " n " ON " on, .asked = true }

const struct app_index app_indexes[] = {
	UNIQUE("ringdown_account_sid", "\"TwilioAccount\" (\"accountSid\")"),
	UNIQUE("ringdown_pool_number", "\"" POOL "\" (\"phoneNumber\")"),
	UNIQUE("ringdown_pool_agent",
	       "\"" POOL "\" (\"assignedAgentId\") WHERE \"assignedAgentId\" IS NOT NULL"),
	UNIQUE("ringdown_org_settings", "\"OrgSettings\" (\"orgId\")"),
	INDEX("ringdown_pool_account", "\"" POOL "\" (\"accountId\", status)"),
	INDEX("ringdown_agent_account", "\"VoiceAgent\" (\"twilioAccountId\")"),
	INDEX("ringdown_check_time", "\"" CHECKS "\" (\"accountId\", \"checkedAt\")"),
	INDEX("ringdown_check_at", "\"" CHECKS "\" (\"checkedAt\")"),
	INDEX("ringdown_event_time", "\"" EVENTS "\" (\"startedAt\")"),
	ASKED("ringdown_message_time", "\"MessageLog\" (\"createdAt\")"),
	ASKED("ringdown_sms_time", "sms_messages (created_at)"),
	ASKED("ringdown_call_time", "calls (created_at)"),
	ASKED("ringdown_message_org", "\"MessageLog\" (\"orgId\", \"createdAt\")"),
	ASKED("ringdown_message_failed", "\"MessageLog\" (\"createdAt\")"
	      " WHERE direction = 'outbound' AND status IN ('failed', 'undelivered')"),
};
const size_t n_app_indexes = COUNT_OF(app_indexes);

void app_state_fini(struct app_state *a)
{
	str_fini(&a->sql);
	str_fini(&a->names);
	str_fini(&a->clashes);
	str_fini(&a->convert);
}

/* Types that hold the same values and compare the same way; precision is not a clash. */
static bool type_fits(const char *have, const char *want)
{
	static const char *const same[][2] = {
		{ TEXT, "character varying" }, { INT, BIG }, { INT, "smallint" }, { DBL, "real" },
		{ DBL, "numeric" }, { TIME, "timestamp with time zone" },
	};
	if (strcmp(have, want) == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(same); i++)
		if (strcmp(want, same[i][0]) == 0 && str_has_prefix(have, same[i][1]))
			return true;
	/* timestamp(6) with time zone and the like */
	return strcmp(want, TIME) == 0 && str_has_prefix(have, "timestamp(") &&
	       strstr(have, "with time zone");
}

static const char *find(const struct pg_result *r, const char *table, const char *column,
			bool *ret_table)
{
	*ret_table = false;
	for (int i = 0; i < pg_rows(r); i++) {
		if (strcmp(pg_text(r, i, 0), table) != 0)
			continue;
		*ret_table = true;
		if (strcmp(pg_text(r, i, 1), column) == 0)
			return pg_text(r, i, 2);
	}
	return NULL;
}

static void add_column(struct str *sql, const struct app_column *c, bool to_rows)
{
	/* Rows that are there already have no value: only what has a default can be NOT NULL. */
	const char *rest = to_rows && !strstr(c->rest, "DEFAULT") ? "" : c->rest;

	str_addf(sql, "\"%s\" %s%s%s", c->name, c->type, rest[0] ? " " : "", rest);
}

static void create_table(struct str *sql, size_t first)
{
	const char *table = app_columns[first].table;

	str_addf(sql, "CREATE TABLE IF NOT EXISTS \"%s\" (", table);
	for (size_t i = first; i < n_app_columns && strcmp(app_columns[i].table, table) == 0; i++) {
		str_add(sql, i > first ? ",\n\t" : "\n\t");
		add_column(sql, &app_columns[i], false);
	}
	str_add(sql, "\n);\n");
}

static void add_name(struct app_state *a, const struct app_column *c, bool column)
{
	if (a->missing++ >= NAMES_TOLD)
		return;
	str_addf(&a->names, "%s\"%s\"", a->names.len ? ", " : "", c->table);
	if (column)
		str_addf(&a->names, ".\"%s\"", c->name);
}

/* Prisma writes a DateTime as a timestamp without zone, in UTC, unless it is told otherwise. */
static void add_convert(struct str *b, const struct app_column *c, const char *have)
{
	if (strcmp(c->type, TIME) == 0 && str_has_prefix(have, "timestamp") &&
	    strstr(have, "without time zone"))
		str_addf(b, "ALTER TABLE \"%s\" ALTER COLUMN \"%s\" TYPE timestamptz(3)"
			 " USING \"%s\" AT TIME ZONE 'UTC';\n", c->table, c->name, c->name);
}

int app_state_read(struct pg_conn *c, struct app_state *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(c, "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
			 " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
			 " WHERE c.relnamespace = current_schema()::regnamespace"
			 " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0"
			 " AND NOT a.attisdropped", NULL, &r, err);

	int clashes = 0;

	*ret = (struct app_state){ .sql = STR_INIT(1 << 20), .clashes = STR_INIT(4000),
				   .names = STR_INIT(4000), .convert = STR_INIT(1 << 16) };
	if (e < 0)
		return e;
	for (size_t i = 0; i < n_app_columns; i++) {
		const struct app_column *want = &app_columns[i];
		bool table, first = i == 0 || strcmp(app_columns[i - 1].table, want->table) != 0;
		const char *have = find(r, want->table, want->name, &table);

		if (!table && first) {
			add_name(ret, want, false);
			create_table(&ret->sql, i);
		} else if (table && !have) {
			add_name(ret, want, true);
			str_addf(&ret->sql, "ALTER TABLE \"%s\" ADD COLUMN IF NOT EXISTS ",
				 want->table);
			add_column(&ret->sql, want, true);
			str_add(&ret->sql, ";\n");
		} else if (have && !type_fits(have, want->type)) {
			add_convert(&ret->convert, want, have);
			if (clashes++ >= CLASHES_TOLD)
				continue;
			str_addf(&ret->clashes, "%s\"%s\".\"%s\" is %s, not %s",
				 ret->clashes.len ? "; " : "", want->table, want->name, have,
				 want->type);
		}
	}
	if (ret->missing > NAMES_TOLD)
		str_addf(&ret->names, " and %d more", ret->missing - NAMES_TOLD);
	if (clashes > CLASHES_TOLD)
		str_addf(&ret->clashes, "; and %d more", clashes - CLASHES_TOLD);
	return 0;
}

/* Row of an index that serves: ours by name, or any over the same columns. -1 = none. */
static int serving(const struct pg_result *r, const struct app_index *x)
{
	_cleanup_(free_p) char *def = NULL;
	const char *on = strstr(x->sql, " ON ") + 4, *open = strchr(on, '('),
		*end = strchr(open, ')');
	bool unique = strstr(x->sql, "UNIQUE") != NULL;

	def = xasprintf(".%.*sUSING btree %.*s", (int)(open - on), on, (int)(end - open + 1), open);
	for (int i = 0; i < pg_rows(r); i++) {
		bool same = strstr(pg_text(r, i, 3), def) && !strstr(pg_text(r, i, 3), " WHERE ");

		if (strcmp(pg_text(r, i, 0), x->name) == 0)
			return i;
		if (same && !x->asked && pg_bool(r, i, 1) && (!unique || pg_bool(r, i, 2)))
			return i;
	}
	return -1;
}

int app_indexes_missing(struct pg_conn *c, bool asked, struct str *ret, int *ret_n,
			struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(c, "SELECT c.relname, i.indisvalid, i.indisunique,"
			 " pg_get_indexdef(i.indexrelid) FROM pg_index i"
			 " JOIN pg_class c ON c.oid = i.indexrelid"
			 " WHERE c.relnamespace = current_schema()::regnamespace"
			 " ORDER BY starts_with(c.relname, 'ringdown_') DESC", NULL, &r, err);

	*ret_n = 0;
	for (size_t i = 0; e == 0 && i < n_app_indexes; i++) {
		const struct app_index *x = &app_indexes[i];
		int have;

		if (x->asked && !asked)
			continue;
		have = serving(r, x);
		if (have >= 0 && pg_bool(r, have, 1))
			continue;
		if (have >= 0) /* an interrupted build leaves it invalid */
			str_addf(ret, "DROP INDEX CONCURRENTLY IF EXISTS %s;\n", x->name);
		str_addf(ret, "%s;\n", x->sql);
		++*ret_n;
	}
	return e;
}
