/* Deliveries of alerts. Whatever comes is grouped within its bounds, counted in full, and makes
 * JSON that parses again. */
#include "fuzz.h"
#include "alert/receive.h"
#include "core/mem.h"

static void delivery(const char *text, size_t size)
{
	struct received r;
	struct err err = { 0 };
	size_t seen = 0;

	if (receive_parse(text, size, NULL, INT64_C(1800000000000), &r, &err) < 0)
		return;
	if (r.n > RECEIVE_GROUPS)
		abort();
	for (size_t i = 0; i < r.n; i++) {
		const struct received_group *g = &r.v[i];

		seen += g->firing + g->resolved;
		for (size_t k = 0; k < g->n_parts; k++) {
			struct json *j = json_parse(str_get(&g->parts[k]), g->parts[k].len, NULL);

			if (!j)
				abort();
			json_free(j);
		}
	}
	if (seen + r.refused != r.alerts)
		abort();
	received_fini(&r);
}

FUZZ
{
	char *text = xstrndup((const char *)data, size);

	delivery(text, strlen(text));
	free_p(&text);
	return 0;
}
