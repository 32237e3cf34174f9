/*
 * See agents.h. The sort expression comes from a fixed list, never from the caller.
 *
 * Without a filter the rows of the page are found first, by one table and where there is one by
 * its index, and only they are joined: a console asks for a page every few seconds, and a
 * hundred thousand agents joined and sorted for it are a quarter of a second of the database.
 */
#include "read/agents.h"

#include <string.h>

#include "model/row.h"

/* The columns carry the record's JSON names, so that rows fill records by the field table. */
#define ROWS                                                                                       \
	"SELECT v.id, v.name, v.\"orgId\", v.status, coalesce(x.outcome, 'unknown') AS outcome,"   \
	" x.reason, x.since, v.\"twilioPhoneNumber\" AS \"phoneNumber\", v.\"backupPhoneNumber\"," \
	" coalesce(v.\"twilioAccountId\", only_home.id) AS \"accountId\","                         \
	" coalesce(x.home_account, v.\"twilioAccountId\", only_home.id) AS \"homeAccountId\","     \
	" coalesce(x.integration, 'import') AS integration, v.\"elevenLabsAgentId\","              \
	" EXISTS (SELECT 1 FROM ringdown.sms_hold h WHERE h.agent_id = v.id) AS \"smsHeld\","      \
	" coalesce(x.calls_per_day, 0) AS \"callsPerDay\""

#define AGENTS "\"VoiceAgent\" v"
#define WHERE                                                                                      \
	" LEFT JOIN ringdown.agent_ext x ON x.agent_id = v.id"                                     \
	" LEFT JOIN (SELECT min(id) AS id FROM \"TwilioAccount\" WHERE \"isPrimary\""              \
	"            HAVING count(*) = 1) only_home ON true"                                       \
	" WHERE ($1::text IS NULL OR v.name ILIKE $1 OR v.\"twilioPhoneNumber\" LIKE $1"           \
	"        OR v.\"backupPhoneNumber\" LIKE $1 OR v.id ILIKE $1 OR x.reason ILIKE $1"         \
	"        OR v.\"orgId\" ILIKE $1)"                                                         \
	" AND ($2::text IS NULL OR coalesce(v.\"twilioAccountId\", only_home.id) = $2)"            \
	" AND ($3::text IS NULL OR"                                                                \
	"      coalesce(x.home_account, v.\"twilioAccountId\", only_home.id) = $3)"                \
	" AND ($4::text IS NULL OR coalesce(x.outcome, 'unknown') = $4)"

/* Those of v come first. */
static const struct { const char *name, *expression; } sorts[] = {
	{ "name", "v.name" }, { "orgId", "v.\"orgId\"" }, { "status", "v.status" },
	{ "phoneNumber", "v.\"twilioPhoneNumber\"" },
	{ "backupPhoneNumber", "v.\"backupPhoneNumber\"" },
	{ "accountId", "v.\"twilioAccountId\"" }, { "id", "v.id" },
	{ "outcome", "x.outcome" }, { "reason", "x.reason" }, { "since", "x.since" },
	{ "homeAccountId", "x.home_account" }, { "callsPerDay", "x.calls_per_day" },
	{ "integration", "x.integration" },
};
enum { SORTS_OF_V = 7 };
#define PAGE " OFFSET $5 LIMIT $6"
#define FAILING_FIRST                                                                              \
	" ORDER BY (coalesce(x.outcome, 'unknown') = 'bad') DESC, x.since DESC NULLS LAST, v.id"
/* Begins that order, by an index; behind it are those that nobody has judged. */
#define JUDGED                                                                                     \
	"(SELECT v.* FROM ringdown.agent_ext x JOIN \"VoiceAgent\" v ON v.id = x.agent_id"         \
	" WHERE x.since IS NOT NULL OR x.outcome = 'bad'"                                          \
	" ORDER BY (x.outcome = 'bad') DESC, x.since DESC NULLS LAST, x.agent_id" PAGE ") v"

static int find_sort(const char *sort, struct err *err)
{
	const char *names[COUNT_OF(sorts)];

	for (size_t i = 0; i < COUNT_OF(sorts); i++) {
		names[i] = sorts[i].name;
		if (strcmp(sorts[i].name, sort) == 0)
			return (int)i;
	}
	const char *near = str_nearest(sort, names, COUNT_OF(names));
	return err_field(err, ERR_INVALID, "sort", "agents cannot be sorted by '%.40s'%s%s",
			 sort, near ? "; did you mean " : "", near ? near : "");
}

static bool filtered(const struct agents_window *w)
{
	return !str_empty(w->q) || w->account || w->home || w->outcome;
}

/* failing: the page is to be found among those that were judged. */
static int add_rows(struct str *sql, const struct agents_window *w, bool failing, struct err *err)
{
	_cleanup_(str_fini) struct str order = STR_INIT(200);
	bool down = !str_empty(w->sort) && w->sort[0] == '-', found = true;
	int by = str_empty(w->sort) ? -1 : find_sort(w->sort + down, err);

	if (by < 0 && !str_empty(w->sort))
		return by;
	if (by < 0)
		str_add(&order, FAILING_FIRST);
	else
		str_addf(&order, " ORDER BY %s %s NULLS LAST, v.id", sorts[by].expression,
			 down ? "DESC" : "ASC");
	str_add(sql, ROWS " FROM ");
	if (failing)
		str_add(sql, JUDGED WHERE);
	else if (by >= 0 && by < SORTS_OF_V && !filtered(w))
		str_addf(sql, "(SELECT v.* FROM " AGENTS "%s" PAGE ") v" WHERE, str_get(&order));
	else
		found = false;
	if (!found)
		str_add(sql, AGENTS WHERE);
	str_addf(sql, "%s%s", str_get(&order), found ? "" : PAGE);
	return 0;
}

void read_agents_free(struct agent *rows, size_t n)
{
	records_free(&agent_type, rows, n);
}

static int read_rows(struct pg_conn *c, const struct agents_window *w, const char *pattern,
		     bool failing, struct pg_result **ret, struct err *err)
{
	_cleanup_(str_fini) struct str sql = STR_INIT(8000);
	int r = add_rows(&sql, w, failing, err);

	return r < 0 ? r : pg_run(c, ret, err, str_get(&sql), "ttttii", pattern, w->account,
				  w->home, w->outcome, w->offset, w->limit);
}

int read_agents(struct pg_conn *c, const struct agents_window *w, struct agent **ret, size_t *ret_n,
		int64_t *ret_total, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *count = NULL, *res = NULL;
	_cleanup_(free_p) char *pattern = pg_like(w->q);
	bool failing = str_empty(w->sort) && !filtered(w);
	int r = read_rows(c, w, pattern, failing, &res, err);

	if (r == 0 && failing && pg_rows(res) < w->limit) {
		pg_result_free_p(&res);
		r = read_rows(c, w, pattern, false, &res, err);
	}
	if (r < 0)
		return r;
	if (filtered(w))
		r = pg_run(c, &count, err, "SELECT count(*) FROM " AGENTS WHERE, "tttt", pattern,
			   w->account, w->home, w->outcome);
	else /* all of them: nothing is joined for that */
		r = pg_run(c, &count, err, "SELECT count(*) FROM \"VoiceAgent\"", "");
	if (r < 0)
		return r;
	*ret = row_records(&agent_type, res, ret_n);
	*ret_total = pg_i64(count, 0, 0);
	return 0;
}
