/*
 * Masks the secrets of a run in every text that leaves it. For each secret the forms in
 * which it travels are kept (raw, base64, base64 of user:secret, percent-encoded, as a JSON
 * string), the longest replaced first, so that no form leaves a piece of another behind.
 *
 * A secret of fewer than SECRET_MIN characters would take every text apart: param.c refuses
 * those when they are given.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/bind.h"

enum { SECRET_MIN = 4, FORMS_MAX = 1000 };

struct masker { char **forms; size_t n; };

struct masker *masker_new(void)
{
	return xcalloc(1, sizeof(struct masker));
}

void masker_free(struct masker *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		explicit_bzero(m->forms[i], strlen(m->forms[i]));
		free_p(&m->forms[i]);
	}
	free_p(&m->forms);
	free_p(&m);
}

/* Takes form. Kept by falling length. */
static void add_form(struct masker *m, char *form)
{
	size_t len = strlen(form);
	size_t cap = m->n;
	size_t at = 0;

	while (at < m->n && strlen(m->forms[at]) > len)
		at++;
	for (size_t i = at; i < m->n && strlen(m->forms[i]) == len; i++) {
		if (str_eq(m->forms[i], form)) {
			len = 0;
			break;
		}
	}
	if (len < SECRET_MIN || m->n >= FORMS_MAX) {
		free_p(&form);
		return;
	}
	m->forms = grow(m->forms, &cap, m->n + 1, sizeof(*m->forms));
	memmove(&m->forms[at + 1], &m->forms[at], (m->n - at) * sizeof(*m->forms));
	m->forms[at] = form;
	m->n++;
}

static void add_base64(struct masker *m, const char *clear)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	str_add_base64(&b, clear, strlen(clear));
	char *plain = str_take(&b);
	char *url = xstrdup(plain);
	for (char *p = url; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	url[strcspn(url, "=")] = '\0';
	add_form(m, plain);
	add_form(m, url);
}

void masker_add(struct masker *m, const char *secret, const char *user)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	if (!secret || strlen(secret) < SECRET_MIN)
		return;
	add_form(m, xstrdup(secret));
	add_base64(m, secret);
	str_add_urlencoded(&b, secret);
	add_form(m, str_take(&b));
	json_add_string(&b, secret, strlen(secret));
	char *json = str_take(&b);
	json[strlen(json) - 1] = '\0'; /* without its quotes */
	add_form(m, xstrdup(json + 1));
	free_p(&json);
	if (user) {
		_cleanup_(free_p) char *both = xasprintf("%s:%s", user, secret);
		add_base64(m, both);
	}
	/* lines of a key file travel alone in outputs */
	if (strchr(secret, '\n')) {
		for (const char *p = secret; *p; p += strspn(p, "\r\n")) {
			size_t n = strcspn(p, "\r\n");
			if (n >= 8 && strncmp(p, "-----", 5))
				add_form(m, xstrndup(p, n));
			p += n;
		}
	}
}

static const char *find(const char *s, size_t len, const char *form)
{
	return len ? memmem(s, len, form, strlen(form)) : NULL;
}

void masker_apply(const struct masker *m, struct str *text)
{
	for (size_t i = 0; m && i < m->n; i++) {
		const char *form = m->forms[i];
		const char *p = text->s;
		const char *hit = p ? find(p, text->len, form) : NULL;
		if (!hit)
			continue;
		const char *end = text->s + text->len;
		struct str out = STR_INIT(text->max);
		for (; hit; hit = find(p, (size_t)(end - p), form)) {
			str_addn(&out, p, (size_t)(hit - p));
			str_add(&out, "***");
			p = hit + strlen(form);
		}
		str_addn(&out, p, (size_t)(end - p));
		explicit_bzero(text->s, text->len);
		str_fini(text);
		*text = out;
	}
}

void masker_value(const struct masker *m, struct value *v)
{
	if (v->type == V_TEXT) {
		struct str s = STR_INIT(STR_MAX_DEFAULT);
		str_add(&s, v->text);
		masker_apply(m, &s);
		if (!str_eq(str_get(&s), v->text))
			value_set_text(v, str_get(&s));
		str_fini(&s);
	}
	for (size_t i = 0; i < v->n_items; i++)
		masker_value(m, &v->items[i]);
}
