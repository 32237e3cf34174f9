/* See demo.h. One statement every few seconds; the shares follow the simulator's state. */
#include "cli/demo/demo.h"

#include "core/mem.h"
#include "store/store.h"

enum { EVERY_MS = 4000, CALLS = 6, MESSAGES = 6 };

/* $1 failing share, $2 now, $3 round. Every 150th call fails as they do on a good day. */
static const char calls_sql[] =
	"INSERT INTO calls (id, tenant_id, call_sid, from_number, to_number, status, duration,"
	" created_at) SELECT 'feed-c' || $3::bigint || '-' || n, v.\"orgId\", 'CA' ||"
	" md5($3::bigint || '-' || n), '+1415555' || lpad((n * 37 % 10000)::text, 4, '0'),"
	" v.\"twilioPhoneNumber\", CASE WHEN random() < $1::float8 THEN 'failed' WHEN ($3::bigint *"
	" 6 + n) % 150 = 0 THEN 'failed' WHEN ($3::bigint + n) % 11 = 0 THEN 'no-answer' WHEN n"
	" = 1 THEN 'in-progress'      ELSE 'completed' END,"
	" 20 + n, $2::timestamptz - n * interval '500 milliseconds'"
	" FROM generate_series(1, $4::bigint) n JOIN LATERAL (SELECT * FROM \"VoiceAgent\""
	"      ORDER BY md5(id || $3::bigint || n) LIMIT 1) v ON true";
static const char end_sql[] =
	"UPDATE calls SET status = 'completed' WHERE status = 'in-progress' AND id LIKE 'feed-c%'"
	" AND created_at < $1::timestamptz - interval '40 seconds'";
static const char messages_sql[] =
	"INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\", \"to\","
	" content, metadata, \"createdAt\")"
	" SELECT 'feed-m' || $3::bigint || '-' || n, v.\"orgId\", 'outbound', 'sms',"
	" CASE WHEN random() < $1::float8 / 4 THEN 'undelivered'"
	"      WHEN ($3::bigint * 6 + n) % 40 = 0 THEN 'undelivered' ELSE 'delivered' END,"
	" v.\"twilioPhoneNumber\", '+1415555' || lpad((n * 53 % 10000)::text, 4, '0'),"
	" 'Your appointment is confirmed.', '{\"twilioErrorCode\":\"30003\"}'::jsonb,"
	" $2::timestamptz - n * interval '500 milliseconds'"
	" FROM generate_series(1, $4::bigint) n JOIN LATERAL (SELECT * FROM \"VoiceAgent\""
	"      ORDER BY md5(id || $3::bigint || n) LIMIT 1) v ON true";

/* Customers go on writing, whatever becomes of the answers. */
static const char inbound_sql[] =
	"INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\", \"to\","
	" content, metadata, \"createdAt\")"
	" SELECT 'feed-i' || $2::bigint, v.\"orgId\", 'inbound', 'sms', 'received',"
	" '+1415555' || lpad(($2::bigint * 71 % 10000)::text, 4, '0'), v.\"twilioPhoneNumber\","
	" 'Is ten o''clock still fine?', '{}'::jsonb, $1::timestamptz"
	" FROM (SELECT * FROM \"VoiceAgent\" ORDER BY md5(id || $2::bigint) LIMIT 1) v";

static double failing_share(struct demo *d)
{
	struct json *state = demo_sim(d, "GET", "/_sim/state?parts=agents", NULL, NULL);
	const struct json *agents = json_get(state, "agents");
	size_t n = json_count(agents), failing = 0;

	for (const struct json *v = json_first(agents); v; v = json_next(v))
		failing += json_get_bool(v, "failing", false);
	json_free(state);
	return n ? (double)failing / (double)n : 0;
}

static void feed(void *arg)
{
	struct demo *d = arg;
	struct store_options o = { .url = d->db_url, .engine_id = "demo", .timeout_ms = 5000,
				   .max_connections = 1 };
	struct err err = { 0 };
	struct store *s = store_open(d->loop, &o, &err);

	for (int64_t round = 1; s && !task_cancelled(); round++) {
		double share = failing_share(d);
		int64_t now = loop_wall_ms(d->loop);

		/* the database may be away on purpose: then nothing is written, as it would be */
		store_query(s, NULL, &err, calls_sql, "dmii", share, now, round, (int64_t)CALLS);
		store_query(s, NULL, &err, end_sql, "m", now);
		store_query(s, NULL, &err, messages_sql, "dmii", share, now, round,
			    (int64_t)MESSAGES);
		store_query(s, NULL, &err, inbound_sql, "mi", now, round);
		task_sleep(EVERY_MS);
	}
	store_close(s);
}

static void fed(void *arg)
{
	struct demo *d = arg;

	d->feeder = NULL;
	condition_wake(&d->changed);
}

void demo_feed_start(struct demo *d)
{
	d->feeder = task_start(d->loop, "feed", feed, d, fed);
}

void demo_feed_stop(struct demo *d)
{
	if (!d->feeder)
		return;
	task_cancel(d->feeder);
	while (d->feeder)
		condition_wait_anyway(&d->changed, 1000);
}
