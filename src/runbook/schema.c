/*
 * The JSON Schema of runbooks, for editors and linters, made from the rows of keys.c. What a
 * schema cannot say (that a name is known, that a change has an undo) is the linter's.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/keys.h"

#define SCALAR "{\"type\":[\"string\",\"number\",\"boolean\"]}"

static void choices(struct jw *w, const char *words)
{
	jw_arr(w, "enum");
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, "|");
		jw_strn(w, NULL, p, n);
		p += n + (p[n] == '|');
	}
	jw_arr_end(w);
}

static void list_of(struct jw *w)
{
	jw_raw(w, "anyOf", "[" SCALAR ",{\"type\":\"array\",\"items\":" SCALAR "}]");
}

/* The members of one key's schema, its description first. */
static void key_schema(struct jw *w, const struct key *k)
{
	jw_obj(w, k->name);
	jw_str(w, "description", k->help);
	switch (k->type) {
	case KEY_TEXT: jw_raw(w, "type", "[\"string\",\"number\",\"boolean\"]"); break;
	case KEY_ID:
		jw_raw(w, "type", "[\"string\",\"number\"]");
		jw_str(w, "pattern", "^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$");
		break;
	case KEY_BOOL: jw_str(w, "type", "boolean"); break;
	case KEY_DURATION:
		jw_str(w, "type", "string");
		jw_str(w, "pattern", "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$");
		break;
	case KEY_CHOICE: choices(w, k->choices); break;
	case KEY_TEXTS: list_of(w); break;
	case KEY_PAIRS:
		jw_str(w, "type", "object");
		jw_raw(w, "additionalProperties", SCALAR);
		break;
	case KEY_SPECIAL: break; /* special_schema */
	}
	jw_obj_end(w);
}

static void special_schema(struct jw *w, const struct key *k)
{
	struct str out = STR_INIT(20000);

	/* a description beside whatever the row says, also beside a $ref */
	str_add(&out, "{\"description\":");
	json_add_string(&out, k->help, strlen(k->help));
	if (k->schema[1] != '}')
		str_addc(&out, ',');
	str_add(&out, k->schema + 1);
	jw_raw(w, k->name, str_get(&out));
	str_fini(&out);
}

static void add_keys(struct jw *w, const struct key_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->keys[i].type == KEY_SPECIAL)
			special_schema(w, &g->keys[i]);
		else
			key_schema(w, &g->keys[i]);
	}
}

static void add_required(struct jw *w, const struct key_group *g)
{
	bool any = false;

	for (size_t i = 0; i < g->n; i++)
		any |= (g->keys[i].flags & KEY_REQUIRED) != 0;
	if (!any)
		return;
	jw_arr(w, "required");
	for (size_t i = 0; i < g->n; i++)
		if (g->keys[i].flags & KEY_REQUIRED)
			jw_str(w, NULL, g->keys[i].name);
	jw_arr_end(w);
}

static void one_verb(struct jw *w)
{
	jw_arr(w, "oneOf");
	for (int v = 0; v < VERB_MAX; v++) {
		jw_obj(w, NULL);
		jw_arr(w, "required");
		jw_str(w, NULL, verb_words[v].name);
		jw_arr_end(w);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static bool has_verb(const struct key_group *g)
{
	return g == &keys_step || g == &keys_preview || g == &keys_undo;
}

static void add_group(struct jw *w, const struct key_group *g)
{
	jw_str(w, "description", g->help);
	jw_str(w, "type", "object");
	jw_bool(w, "additionalProperties", false);
	add_required(w, g);
	jw_obj(w, "properties");
	add_keys(w, g);
	if (has_verb(g))
		add_keys(w, &keys_operation);
	jw_obj_end(w);
	if (has_verb(g))
		one_verb(w);
}

void runbook_schema_json(struct str *out)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	jw_str(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	jw_str(&w, "title", "ringdown runbook, version 1");
	add_group(&w, &keys_runbook);
	jw_obj(&w, "$defs");
	for (size_t i = 0; key_groups[i]; i++) {
		if (key_groups[i] == &keys_runbook || key_groups[i] == &keys_operation)
			continue;
		jw_obj(&w, key_groups[i]->name);
		add_group(&w, key_groups[i]);
		jw_obj_end(&w);
	}
	jw_raw(&w, "matcher", "{\"description\":\"A value (equal), a list, or eq ne lt le gt ge in"
	       " match contains exists count all any not; {ok: M, warn: M}; for json, header,"
	       " counts and row a map of path, name or column: matcher.\","
	       "\"type\":[\"string\",\"number\",\"boolean\",\"null\",\"array\",\"object\"],"
	       "\"minProperties\":1}");
	jw_raw(&w, "condition", "{\"description\":\"name: matcher, all of them; the name is a"
	       " parameter, a saved value or a step (its outcome: pass warn unknown fail error);"
	       " any: a list of such maps.\",\"type\":\"object\",\"minProperties\":1}");
	jw_obj_end(&w);
	jw_obj_end(&w);
}
