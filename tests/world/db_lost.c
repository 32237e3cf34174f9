/* What store/lost.h says, in memory: images are not made again here. */
#include <string.h>

#include "store/lost.h"
#include "tests/world/world.h"

int lost_timeline(struct store *s, int64_t *ret_known, struct err *err)
{
	int r = db_call(s, err);

	*ret_known = world_of(s)->now.looked;
	return r;
}

int lost_timeline_put(struct tx *t, int64_t timeline, struct err *err)
{
	int r = db_call(t->store, err);

	db_see(t->store, t)->looked = timeline;
	return r;
}

int lost_images(struct tx *t, const char *event, struct err *err)
{
	(void)event;
	return db_call(t->store, err);
}

int lost_alone(struct tx *t, const char *event, bool *ret, struct err *err)
{
	int r = db_call(t->store, err);
	const struct db_tables *d = db_see(t->store, t);

	*ret = true;
	for (int i = 0; i < d->n_events; i++)
		if (!str_eq(d->events[i]->e.id, event) &&
		    event_status_open((enum event_status)d->events[i]->e.status))
			*ret = false;
	return r;
}
