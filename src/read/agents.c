/* See agents.h. The sort expression comes from a fixed list, never from the caller. */
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

#define FROM_WHERE                                                                                 \
	" FROM \"VoiceAgent\" v LEFT JOIN ringdown.agent_ext x ON x.agent_id = v.id"               \
	" LEFT JOIN (SELECT min(id) AS id FROM \"TwilioAccount\" WHERE \"isPrimary\""              \
	"            HAVING count(*) = 1) only_home ON true"                                       \
	" WHERE ($1::text IS NULL OR v.name ILIKE $1 OR v.\"twilioPhoneNumber\" LIKE $1"           \
	"        OR v.\"backupPhoneNumber\" LIKE $1 OR v.id ILIKE $1 OR x.reason ILIKE $1"         \
	"        OR v.\"orgId\" ILIKE $1)"                                                         \
	" AND ($2::text IS NULL OR coalesce(v.\"twilioAccountId\", only_home.id) = $2)"            \
	" AND ($3::text IS NULL OR"                                                                \
	"      coalesce(x.home_account, v.\"twilioAccountId\", only_home.id) = $3)"                \
	" AND ($4::text IS NULL OR coalesce(x.outcome, 'unknown') = $4)"

static const struct { const char *name, *expression; } sorts[] = {
	{ "name", "v.name" }, { "orgId", "v.\"orgId\"" }, { "outcome", "x.outcome" },
	{ "reason", "x.reason" }, { "since", "x.since" }, { "phoneNumber",
							    "v.\"twilioPhoneNumber\"" },
	{ "backupPhoneNumber", "v.\"backupPhoneNumber\"" }, { "accountId",
							      "v.\"twilioAccountId\"" },
	{ "homeAccountId", "x.home_account" }, { "status", "v.status" },
	{ "callsPerDay", "x.calls_per_day" }, { "id", "v.id" }, { "integration", "x.integration" },
};
#define FAILING_FIRST "(coalesce(x.outcome, 'unknown') = 'bad') DESC, x.since DESC NULLS LAST"

static int order_by(const char *sort, struct str *sql, struct err *err)
{
	const char *names[COUNT_OF(sorts)];
	bool down;

	str_add(sql, " ORDER BY ");
	if (!sort || !sort[0]) {
		str_add(sql, FAILING_FIRST ", v.id");
		return 0;
	}
	down = sort[0] == '-';
	sort += down;
	for (size_t i = 0; i < COUNT_OF(sorts); i++) {
		names[i] = sorts[i].name;
		if (strcmp(sorts[i].name, sort) == 0) {
			str_addf(sql, "%s %s NULLS LAST, v.id", sorts[i].expression,
				 down ? "DESC" : "ASC");
			return 0;
		}
	}
	const char *near = str_nearest(sort, names, COUNT_OF(names));
	return err_field(err, ERR_INVALID, "sort", "agents cannot be sorted by '%.40s'%s%s",
			 sort, near ? "; did you mean " : "", near ? near : "");
}

void read_agents_free(struct agent *rows, size_t n)
{
	records_free(&agent_type, rows, n);
}

int read_agents(struct pg_conn *c, const struct agents_window *w, struct agent **ret, size_t *ret_n,
		int64_t *ret_total, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *count = NULL, *res = NULL;
	_cleanup_(free_p) char *pattern = pg_like(w->q);
	_cleanup_(str_fini) struct str sql = STR_INIT(8000);
	int r;

	str_add(&sql, ROWS FROM_WHERE);
	r = order_by(w->sort, &sql, err);
	if (r < 0)
		return r;
	str_add(&sql, " OFFSET $5 LIMIT $6");
	if (pattern || w->account || w->home || w->outcome)
		r = pg_run(c, &count, err, "SELECT count(*)" FROM_WHERE, "tttt", pattern,
			   w->account, w->home, w->outcome);
	else /* all of them: nothing is joined for that */
		r = pg_run(c, &count, err, "SELECT count(*) FROM \"VoiceAgent\"", "");
	if (r == 0)
		r = pg_run(c, &res, err, sql.s, "ttttii", pattern, w->account, w->home, w->outcome,
			   w->offset, w->limit);
	if (r < 0)
		return r;
	*ret = row_records(&agent_type, res, ret_n);
	*ret_total = pg_i64(count, 0, 0);
	return 0;
}
