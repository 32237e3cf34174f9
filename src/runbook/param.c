/*
 * Parameters of runbooks: one row per type says its name, what a person is told to type,
 * and how text becomes a value. Pattern, choices and limits are checked for all alike.
 */
#include "runbook/param.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/regex.h"

enum { TEXT_MAX = 8000, SECRET_MIN = 4 };

typedef bool (*convert_fn)(const char *s, struct value *ret);

static bool as_text(const char *s, struct value *ret)
{
	value_set_text(ret, s);
	return utf8_valid(s, strlen(s));
}

static bool as_int(const char *s, struct value *ret)
{
	int64_t n;

	if (!parse_i64(s, -(INT64_C(1) << 53), INT64_C(1) << 53, &n))
		return false;
	value_set_number(ret, (double)n);
	return true;
}

static bool as_number(const char *s, struct value *ret)
{
	double n;

	if (!parse_double(s, &n))
		return false;
	value_set_number(ret, n);
	return true;
}

static bool as_bool(const char *s, struct value *ret)
{
	value_set_bool(ret, str_eq(s, "true"));
	return str_eq(s, "true") || str_eq(s, "false");
}

static bool as_phone(const char *s, struct value *ret)
{
	size_t n = strspn(s + (*s == '+'), "0123456789");

	value_set_text(ret, s);
	return *s == '+' && !s[1 + n] && n >= 7 && n <= 15 && s[1] != '0';
}

static bool as_date(const char *s, struct value *ret)
{
	char full[40];
	int64_t ms;

	if (strlen(s) == 10) {
		snprintf(full, sizeof(full), "%sT00:00:00Z", s);
		s = full;
	}
	if (!parse_time_ms(s, &ms))
		return false;
	value_set_text(ret, NULL);
	ret->type = V_TIME;
	ret->ms = ms;
	return true;
}

static bool as_duration(const char *s, struct value *ret)
{
	int64_t ms;

	if (!parse_duration_ms(s, &ms))
		return false;
	value_set_text(ret, NULL);
	ret->type = V_DURATION;
	ret->ms = ms;
	return true;
}

static bool as_url(const char *s, struct value *ret)
{
	size_t n = str_has_prefix(s, "https://") ? 8 : str_has_prefix(s, "http://") ? 7 : 0;
	bool ok = n && isalnum((unsigned char)s[n]) | (s[n] == '[');

	for (const char *p = s; *p && ok; p++)
		ok = (unsigned char)*p > ' ' && (unsigned char)*p < 0x7f &&
			!strchr("\"<>\\^`{|}", *p);
	value_set_text(ret, s);
	size_t len = strlen(s);
	if (ok && len > n && s[len - 1] == '/') /* $base/health */
		ret->text[len - 1] = '\0';
	return ok;
}

static bool as_id(const char *s, struct value *ret)
{
	value_set_text(ret, s);
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.:", *p))
			return false;
	return isalnum((unsigned char)*s);
}

/* No absolute path out of the run's root is checked here: the verb knows the root. */
static bool as_file(const char *s, struct value *ret)
{
	value_set_text(ret, s);
	return *s && !strchr(s, '\n') && utf8_valid(s, strlen(s));
}

static bool as_secret(const char *s, struct value *ret)
{
	value_set_text(ret, s);
	return strlen(s) >= SECRET_MIN;
}

static const struct param_row { const char *name, *wants; convert_fn convert; } rows[] = {
	[PARAM_STRING] = { "string", "a text", as_text },
	[PARAM_INT] = { "int", "a whole number", as_int },
	[PARAM_NUMBER] = { "number", "a number", as_number },
	[PARAM_BOOL] = { "bool", "true or false", as_bool },
	[PARAM_ENUM] = { "enum", "a choice", as_text },
	[PARAM_PHONE] = { "phone", "a phone number such as +14155550100", as_phone },
	[PARAM_DATE] = { "date", "a date such as 2026-11-21, or with a time 2026-11-21T03:00:00Z",
			 as_date },
	[PARAM_DURATION] = { "duration", "a duration such as 90s, 5m or 1h30m", as_duration },
	[PARAM_URL] = { "url", "a URL such as https://app.example.com", as_url },
	[PARAM_ID] = { "id", "an id of letters, digits and _ - . :", as_id },
	[PARAM_SECRET] = { "secret", "a secret of at least 4 characters", as_secret },
	[PARAM_FILE] = { "file", "a path", as_file },
};

const char *param_type_name(enum param_type t)
{
	return rows[t].name;
}

static bool sized(enum param_type t)
{
	return t == PARAM_STRING || t == PARAM_ID || t == PARAM_URL || t == PARAM_FILE ||
		t == PARAM_SECRET;
}

static void typed(const struct param *p, double n, struct str *out)
{
	char buf[64];

	if (p->type == PARAM_DURATION) {
		format_duration(buf, sizeof(buf), (int64_t)n);
		str_add(out, buf);
	} else {
		json_add_double(out, n);
	}
}

static void limit(const struct param *p, double n, struct str *out)
{
	typed(p, n, out);
	if (sized(p->type))
		str_add(out, " characters");
}

void param_limits(const struct param *p, char **ret_min, char **ret_max)
{
	struct str b = STR_INIT(100);

	if (p->has_min) {
		typed(p, p->min, &b);
		*ret_min = str_take(&b);
	}
	if (p->has_max) {
		typed(p, p->max, &b);
		*ret_max = str_take(&b);
	}
}

void param_wants(const struct param *p, struct str *out)
{
	if (p->n_choices) {
		str_add(out, "one of ");
		for (size_t i = 0; i < p->n_choices; i++)
			str_addf(out, "%s%s", i ? ", " : "", p->choices[i]);
		return;
	}
	str_add(out, rows[p->type].wants);
	if (p->pattern)
		str_addf(out, " matching %s", p->pattern);
	if (p->has_min) {
		str_add(out, p->has_max ? ", from " : ", at least ");
		limit(p, p->min, out);
	}
	if (p->has_max) {
		str_add(out, p->has_min ? " to " : ", at most ");
		limit(p, p->max, out);
	}
}

static bool in_choices(const struct param *p, const char *text)
{
	for (size_t i = 0; i < p->n_choices; i++)
		if (str_eq(p->choices[i], text))
			return true;
	return !p->n_choices;
}

static bool in_limits(const struct param *p, const char *text, const struct value *v)
{
	double n = sized(p->type) ? (double)strlen(text) :
		   v->type == V_NUMBER ? v->n : v->type == V_DURATION ? (double)v->ms : NAN;

	return isnan(n) || ((!p->has_min || n >= p->min) && (!p->has_max || n <= p->max));
}

static bool in_pattern(const struct param *p, const char *text)
{
	struct regex *re = p->pattern ? regex_new(p->pattern, false, NULL) : NULL;
	bool ok = !p->pattern || (re && regex_match(re, text, strlen(text)));

	regex_free(re);
	return ok;
}

int param_value(const struct param *p, const char *text, struct value *ret, struct err *err)
{
	struct value v = { 0 };
	struct str wants = STR_INIT(600);

	if (strlen(text) > TEXT_MAX)
		return err_field(err, ERR_INVALID, p->name, "%s is too long", p->name);
	bool ok = rows[p->type].convert(text, &v) && in_choices(p, text) &&
		in_limits(p, text, &v) &&
		in_pattern(p, text) && (p->type == PARAM_SECRET || !strpbrk(text, "\x1b\x7f"));
	if (ok) {
		v.secret = p->type == PARAM_SECRET;
		value_fini(ret);
		*ret = v;
		return 0;
	}
	value_fini(&v);
	param_wants(p, &wants);
	err_field(err, ERR_INVALID, p->name, "%s wants %s", p->name, str_get(&wants));
	str_fini(&wants);
	return ERR_INVALID;
}
