/* All scenarios in one order. */
#include "cli/demo/script.h"

static const struct scenario_list *const lists[] = {
	&window_scenarios, &acting_scenarios, &fault_scenarios, &quiet_scenarios,
};

const struct scenario *scenario_at(size_t i)
{
	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		if (i < lists[k]->n)
			return &lists[k]->rows[i];
		i -= lists[k]->n;
	}
	return NULL;
}

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *s;

	for (size_t i = 0; (s = scenario_at(i)) != NULL; i++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}
