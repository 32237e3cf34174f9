/* See failovers.h. What held an event is in the journal: the event itself only knows what
 * holds it now. */
#include "read/failovers.h"

#include "model/row.h"

int read_failovers(struct pg_conn *c, int64_t since_ms, struct failover_row **ret, size_t *ret_n,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "SELECT id, status, trigger_type AS \"triggerType\", window_ms AS"
		       " \"windowMs\", opened_at AS \"openedAt\", decided_at AS \"decidedAt\","
		       " decided_by AS \"decidedBy\", completed_at AS \"completedAt\""
		       " FROM ringdown.event WHERE opened_at >= $1 ORDER BY opened_at, id LIMIT"
		       " 100000", "m", since_ms);

	if (e == 0)
		*ret = row_records(&failover_row_type, r, ret_n);
	return e;
}

int read_failover_steps(struct pg_conn *c, int64_t since_ms, struct failover_step **ret,
			size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "SELECT e.id, s.name AS step, (extract(epoch FROM (s.ended_at -"
		       " s.started_at)) * 1000)::bigint AS ms FROM ringdown.event e JOIN"
		       " ringdown.event_step s ON s.event_id = e.id WHERE e.opened_at >= $1 AND"
		       " e.trigger_type <> 'DRILL' AND s.state IN ('done', 'undone') AND"
		       " s.started_at IS NOT NULL AND s.ended_at >= s.started_at"
		       " ORDER BY s.n LIMIT 200000", "m", since_ms);

	if (e == 0)
		*ret = row_records(&failover_step_type, r, ret_n);
	return e;
}

int read_failover_gates(struct pg_conn *c, int64_t since_ms, struct failover_gate **ret,
			size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "SELECT data->'event'->>'heldGate' AS gate, count(DISTINCT subject) AS"
		       " events, count(*) AS times FROM ringdown.journal WHERE kind = 'event.held'"
		       " AND at >= $1 AND data->'event'->>'heldGate' IS NOT NULL GROUP BY 1"
		       " ORDER BY 2 DESC, 1", "m", since_ms);

	if (e == 0)
		*ret = row_records(&failover_gate_type, r, ret_n);
	return e;
}
