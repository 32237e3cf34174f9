/* The texts of an operation that may hold names, each with the place where its value goes. */
#include <stddef.h>

#include "runbook/parse.h"

const char *const text_use_names[USE_MAX] = {
	[USE_ARGUMENT] = "an argument", [USE_SCRIPT] = "a script", [USE_URL] = "a URL",
	[USE_QUERY] = "a URL", [USE_HEADER] = "a header", [USE_FORM] = "a form",
	[USE_JSON] = "a body", [USE_SQL] = "SQL", [USE_ENV] = "the environment",
	[USE_CWD] = "a directory", [USE_WITH] = "a parameter", [USE_USER] = "a user",
	[USE_WORDS] = "words for people",
};

void operation_texts(const struct operation *op,
		     void (*each)(void *ctx, enum text_use use, const char *text, struct place at),
		     void *ctx)
{
	const struct { const struct pair *v; size_t n; enum text_use use; } lists[] = {
		{ op->headers, op->n_headers, USE_HEADER }, { op->query, op->n_query, USE_QUERY },
		{ op->form, op->n_form, USE_FORM }, { op->env, op->n_env, USE_ENV },
		{ op->with, op->n_with, USE_WITH },
	};
	const struct { const char *text; enum text_use use; } texts[] = {
		{ op->verb == VERB_HTTP ? op->text : NULL, USE_URL },
		{ op->verb == VERB_SQL ? op->text : NULL, USE_SQL },
		{ op->verb == VERB_RUN && !op->n_argv ? op->text : NULL, USE_SCRIPT },
		{ op->body_json, USE_JSON }, { op->cwd, USE_CWD }, { op->auth_user, USE_USER },
	};

	bool words = op->verb == VERB_ASK || op->verb == VERB_NOTE || op->verb == VERB_DECIDE;

	if (words && op->text)
		each(ctx, USE_WORDS, op->text, op->at);
	for (size_t i = 0; op->verb == VERB_ASK && i < op->n_items; i++)
		each(ctx, USE_WORDS, op->items[i], op->at);
	for (size_t i = 0; i < op->n_to; i++)
		each(ctx, USE_USER, op->to[i], op->at);
	for (size_t i = 0; i < op->n_argv; i++)
		each(ctx, USE_ARGUMENT, op->argv[i], op->at);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].text)
			each(ctx, texts[i].use, texts[i].text, op->at);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; k < lists[i].n; k++)
			each(ctx, lists[i].use, lists[i].v[k].text, lists[i].v[k].at);
}
