/*
 * The closing read-back (failover.md §5): everything the attempt wrote, read again no
 * earlier than the longest outside write after the last one of any epoch, so that a
 * request of an engine that is gone cannot land behind our back. Reads only; what
 * differs is put back to waiting and converged again by the caller.
 */
#include "failover/mover.h"

#include "core/log.h"

enum { SWEEP_TRIES = 5, SWEEP_RETRY_MS = 1000 };

/* A new epoch counts as a write: whatever the one before had in flight ended by D after it. */
static int wait_out(struct act *a)
{
	int64_t due = a->last_write_ms + a->d->set->write_deadline_ms;
	int64_t left = due - loop_now_ms(a->d->loop);

	return left > 0 && task_sleep(left) == OP_CANCELLED ? ERR_CANCELLED : 0;
}

int sweep(struct act *a, struct err *err)
{
	int differ = 0;

	if (wait_out(a) < 0)
		return err_set(err, ERR_CANCELLED, "stopped");
	for (int tries = 0;; tries++) {
		int r = observe(a, err);

		if (r >= 0 && !a->eleven_down_since_ms)
			break;
		if (r == ERR_CANCELLED || tries == SWEEP_TRIES)
			return r < 0 ? r : err_set(err, ERR_UNREACHABLE,
						   "ElevenLabs cannot be read back");
		if (task_sleep(SWEEP_RETRY_MS) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	}
	for (size_t i = 0; i < a->n_items; i++) {
		struct mover *m = &a->movers[i];

		if (m->row->state != IT_MOVED || !mover_differs(m, m->why, sizeof(m->why)))
			continue;
		log_info("failover", "%s: read-back: %s", a->row.e.id, m->why);
		m->row->state = IT_MOVING;
		m->row->step = STEP_DATABASE;
		str_replace(&m->row->error, m->why);
		act_dirty(a, m->row);
		differ++;
	}
	return differ;
}
