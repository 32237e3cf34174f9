/* Pages of lists that are read whole: the handler writes all of its list, and what was asked for
 * by limit and cursor is cut out here. Lists that grow without end are paged by the database. */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

/* The list between from and from + limit; true when there is more behind it. */
static bool write_page(struct jw *w, const struct json *list, int64_t from, int64_t limit)
{
	int64_t i = 0;

	jw_arr(w, json_name(list));
	for (const struct json *v = json_first(list); v; v = json_next(v), i++) {
		struct str one = STR_INIT(STR_MAX_DEFAULT);

		if (i >= from && i < from + limit) {
			json_print_ordered(&one, v);
			jw_raw(w, NULL, str_get(&one));
		}
		str_fini(&one);
	}
	jw_arr_end(w);
	return i > from + limit;
}

static void cut(struct call *c)
{
	int64_t from = call_number(c, "cursor"), limit = call_number(c, "limit");
	int64_t after = from + limit;
	struct json *doc = json_parse(str_get(&c->out), c->out.len, NULL);
	struct jw w = JW(&c->out);
	bool more = false;
	char next[32];

	if (!doc)
		return;
	str_clear(&c->out);
	jw_obj(&w, NULL);
	for (const struct json *v = json_first(doc); v; v = json_next(v)) {
		struct str one = STR_INIT(STR_MAX_DEFAULT);

		if (str_eq(json_name(v), c->route->list)) {
			more = write_page(&w, v, from, limit);
		} else {
			json_print_ordered(&one, v);
			jw_raw(&w, json_name(v), str_get(&one));
		}
		str_fini(&one);
	}
	snprintf(next, sizeof(next), "%lld", (long long)after);
	jw_str(&w, "nextCursor", more ? next : NULL);
	jw_obj_end(&w);
	json_free(doc);
}

void pages_cut(struct call *c)
{
	if (call_query(c, "limit") || call_query(c, "cursor")) {
		cut(c);
	} else if (c->out.len && c->out.s[c->out.len - 1] == '}') {
		c->out.s[--c->out.len] = '\0';
		str_add(&c->out, ",\"nextCursor\":null}");
	}
}
