/* Finding the route of a request. The table is small; a linear walk is clear and enough. */
#include "api/internal.h"

#include <string.h>

#define ROUTES(table) extern const struct route_table table;
#include "api/routes.h"
#undef ROUTES

static const struct route_table *const tables[] = {
#define ROUTES(table) &table,
#include "api/routes.h"
#undef ROUTES
};

const struct route *api_routes(size_t index)
{
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		if (index < tables[i]->n)
			return &tables[i]->routes[index];
		index -= tables[i]->n;
	}
	return NULL;
}

static void params_clear(char *params[PARAMS_MAX])
{
	for (int i = 0; i < PARAMS_MAX; i++)
		free_p(&params[i]);
}

/* "/x/{id}/y" against "/x/a%2Fb/y"; the path is decoded already, so an id never holds "/". */
static bool path_matches(const char *pattern, const char *path, char *params[PARAMS_MAX])
{
	int n = 0;

	while (*pattern) {
		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		size_t len = strcspn(path, "/");
		if (len == 0 || len > 200 || n == PARAMS_MAX)
			return false;
		params[n++] = xstrndup(path, len);
		path += len;
		pattern = strchr(pattern, '}') + 1;
	}
	return *path == '\0';
}

const struct route *route_match(const char *method, const char *path, char *params[PARAMS_MAX],
				int *ret_status, struct str *allow)
{
	const struct route *r;

	*ret_status = 404;
	for (size_t i = 0; (r = api_routes(i)) != NULL; i++) {
		if (!path_matches(r->path, path, params)) {
			params_clear(params);
			continue;
		}
		if (str_eq(method, r->method) || (str_eq(method, "HEAD") &&
						  str_eq(r->method, "GET")))
			return r;
		params_clear(params);
		*ret_status = 405;
		if (allow->len)
			str_add(allow, ", ");
		str_add(allow, r->method);
	}
	return NULL;
}
