/*
 * Reads maps of policy.yaml by the table of keys: types, required members, unknown names
 * with the nearest one, each problem at its place. Nothing here knows what a key means.
 *
 * The same table frees what was read, so a member cannot be forgotten.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "policy/policy_keys.h"

static void *member(void *obj, size_t at)
{
	return (char *)obj + at;
}

int policy_list_must(struct policy_reader *r, const struct yaml *y, enum yaml_type type,
		     const char *what)
{
	static const char *const names[] = { "a single value", "a list", "a map" };

	if (y->type == type)
		return 0;
	return yaml_err(r->err, r->file, y, "%s: %s is wanted here, this is %s", what, names[type],
			names[y->type]);
}

int policy_texts(struct policy_reader *r, const struct yaml *list, char ***ret, size_t *ret_n)
{
	size_t cap = 0;
	int e = policy_list_must(r, list, YAML_LIST, list->key ? list->key : "list");

	for (const struct yaml *y = e ? NULL : list->first; y && e == 0; y = y->next) {
		e = policy_list_must(r, y, YAML_SCALAR, list->key ? list->key : "list");
		if (e)
			break;
		*ret = grow(*ret, &cap, *ret_n + 1, sizeof(**ret));
		(*ret)[(*ret_n)++] = xstrdup(y->text);
	}
	return e;
}

static int pairs(struct policy_reader *r, const struct yaml *map, struct policy_pair **ret,
		 size_t *ret_n)
{
	size_t cap = 0;
	int e = policy_list_must(r, map, YAML_MAP, map->key ? map->key : "map");

	for (const struct yaml *y = e ? NULL : map->first; y; y = y->next) {
		e = policy_list_must(r, y, YAML_SCALAR, y->key);
		if (e)
			return e;
		*ret = grow(*ret, &cap, *ret_n + 1, sizeof(**ret));
		(*ret)[(*ret_n)++] = (struct policy_pair){ xstrdup(y->key), xstrdup(y->text) };
	}
	return e;
}

/* One more zeroed element. */
static void *add(void *array_at, size_t *n, size_t size)
{
	void **array = array_at;
	size_t cap = *n;
	char *made;

	*array = grow(*array, &cap, *n + 1, size);
	made = (char *)*array + (*n)++ * size;
	memset(made, 0, size);
	return made;
}

static int many(struct policy_reader *r, const struct yaml *y, const struct policy_key *k,
		void *obj)
{
	bool section = k->kind == PK_SECTION;
	int e = policy_list_must(r, y, section ? YAML_MAP : YAML_LIST, k->name);

	for (const struct yaml *c = e ? NULL : y->first; c && e == 0; c = c->next) {
		void *one = add(member(obj, k->at), member(obj, k->at_n), k->of->size);

		if (section)
			*(char **)member(one, k->id_at) = xstrdup(c->key);
		e = policy_read(r, c, k->of, one, section ? c->key : k->name);
	}
	return e;
}

static int scalar(struct policy_reader *r, const struct yaml *y, const struct policy_key *k,
		  void *obj)
{
	int e = policy_list_must(r, y, YAML_SCALAR, k->name);

	if (e)
		return e;
	switch (k->kind) {
	case PK_BOOL:
		if (y->quoted || (!str_eq(y->text, "true") && !str_eq(y->text, "false")))
			return yaml_err(r->err, r->file, y, "%s: true or false is wanted", k->name);
		*(bool *)member(obj, k->at) = str_eq(y->text, "true");
		return 0;
	case PK_DAILY:
		if (!str_eq(y->text, "daily"))
			return yaml_err(r->err, r->file, y, "%s: only 'daily' is known", k->name);
		*(bool *)member(obj, k->at) = true;
		return 0;
	case PK_DURATION:
		if (!parse_duration_ms(y->text, member(obj, k->at)))
			return yaml_err(r->err, r->file, y,
					"%s: a duration with its unit is wanted (90s, 5m, 1h30m),"
					" not '%.40s'",
					k->name, y->text);
		return 0;
	default:
		str_replace(member(obj, k->at), y->text);
		return 0;
	}
}

static int read_key(struct policy_reader *r, const struct yaml *y, const struct policy_key *k,
		    void *obj)
{
	switch (k->kind) {
	case PK_TEXTS: return policy_texts(r, y, member(obj, k->at), member(obj, k->at_n));
	case PK_PAIRS: return pairs(r, y, member(obj, k->at), member(obj, k->at_n));
	case PK_SECTION:
	case PK_LIST: return many(r, y, k, obj);
	case PK_FN: return k->fn(r, y, obj);
	default: return scalar(r, y, k, obj);
	}
}

static int unknown(struct policy_reader *r, const struct yaml *y, const struct policy_keys *keys,
		   const char *what)
{
	const char *names[40] = { NULL };
	struct yaml at = { .line = y->key_line, .column = y->key_column };
	const char *near;

	for (size_t i = 0; i < keys->n && i < COUNT_OF(names); i++)
		names[i] = keys->v[i].name;
	near = str_nearest(y->key, names, keys->n < COUNT_OF(names) ? keys->n : COUNT_OF(names));
	return yaml_err(r->err, r->file, &at, "%s: unknown key '%.60s'%s%s%s", what, y->key,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int policy_read(struct policy_reader *r, const struct yaml *map, const struct policy_keys *keys,
		void *obj, const char *what)
{
	int e = policy_list_must(r, map, YAML_MAP, what);

	for (const struct yaml *y = e ? NULL : map->first; y && e == 0; y = y->next) {
		const struct policy_key *k = NULL;

		for (size_t i = 0; i < keys->n && !k; i++)
			if (str_eq(keys->v[i].name, y->key))
				k = &keys->v[i];
		e = k ? read_key(r, y, k, obj) : unknown(r, y, keys, what);
	}
	for (size_t i = 0; i < keys->n && e == 0; i++)
		if (keys->v[i].required && !yaml_get(map, keys->v[i].name))
			e = yaml_err(r->err, r->file, map, "%s: '%s' is missing", what,
				     keys->v[i].name);
	return e;
}

/* ---- freeing by the same table --------------------------------------------------------- */

static void clear_key(const struct policy_key *k, void *obj)
{
	void **array = member(obj, k->at);
	size_t n = k->at_n ? *(size_t *)member(obj, k->at_n) : 0;

	switch (k->kind) {
	case PK_TEXT: free_p(array); break;
	case PK_TEXTS:
		for (size_t i = 0; i < n; i++)
			free_p(&((char **)*array)[i]);
		free_p(array);
		break;
	case PK_PAIRS:
		for (size_t i = 0; i < n; i++) {
			free_p(&((struct policy_pair *)*array)[i].name);
			free_p(&((struct policy_pair *)*array)[i].value);
		}
		free_p(array);
		break;
	case PK_SECTION:
	case PK_LIST:
		for (size_t i = 0; i < n; i++) {
			void *one = (char *)*array + i * k->of->size;

			if (k->kind == PK_SECTION)
				free_p(member(one, k->id_at));
			policy_clear(k->of, one);
		}
		free_p(array);
		break;
	default: break;
	}
}

void policy_clear(const struct policy_keys *keys, void *obj)
{
	for (size_t i = 0; i < keys->n; i++)
		clear_key(&keys->v[i], obj);
}
