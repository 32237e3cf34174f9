/* A simulator's life: made from a shape, reset, freed; its clock and its dice. */
#include "sim/sim.h"

#include <string.h>
#include "core/mem.h"
#include "sim/app.h"
#include "sim/fault.h"
#include "sim/feeds.h"
#include "sim/ledger.h"
#include "sim/scenarios.h"
#include "sim/sent.h"
#include "sim/statuspage.h"

int64_t sim_now(const struct sim *s)
{
	return loop_wall_ms(s->loop);
}

double sim_random(struct sim *s)
{
	s->random = sim_mix(s->random);
	return (double)(s->random >> 11) / 9007199254740992.0;
}

void sim_reset(struct sim *s, const struct sim_shape *shape)
{
	struct sim_shape keep = *shape;	/* may be the one that is freed */

	if (s->released)
		s->released(s->server, 0);
	sim_scenario_stop(s);
	sim_fault_clear(s);
	sim_ledger_clear(&s->ledger);
	sim_app_clear(&s->app);
	sim_sent_clear(s);
	sim_feeds_clear(s);
	sim_statuspage_clear(s);
	memset(s->telnyx_connection, 0, sizeof(s->telnyx_connection));
	sim_world_build(&s->world, &keep, sim_now(s));
	s->random = keep.seed + 1;
}

struct sim *sim_new(struct loop *l, const struct sim_shape *shape)
{
	struct sim *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	sim_scenario_init(s);
	sim_reset(s, shape);
	return s;
}

void sim_free(struct sim *s)
{
	if (!s)
		return;
	s->released = NULL;
	sim_scenario_stop(s);
	sim_fault_clear(s);
	sim_ledger_clear(&s->ledger);
	sim_app_clear(&s->app);
	sim_sent_clear(s);
	sim_feeds_clear(s);
	sim_statuspage_clear(s);
	sim_world_fini(&s->world);
	free_p(&s);
}
