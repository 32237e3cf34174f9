/*
 * Regular expressions over PCRE2's interpreter. Patterns come from people: their size, their
 * nesting and the steps, depth and memory of each match are bounded, so that the worst
 * pattern costs milliseconds and then counts as "no match".
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/regex.h"

#include <pcre2.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

enum { MAX_PATTERN = 2000, MAX_NESTING = 50, MATCH_STEPS = 200000, MATCH_DEPTH = 2000,
	MATCH_HEAP_KIB = 2048 };

struct regex {
	pcre2_code *code;
	pcre2_match_context *limits;
};

struct regex *regex_new(const char *pattern, bool ignore_case, struct err *err)
{
	pcre2_compile_context *how = pcre2_compile_context_create(NULL);
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
		(ignore_case ? PCRE2_CASELESS : 0);
	int number = 0;
	PCRE2_SIZE at = 0;
	pcre2_code *code;
	struct regex *r;

	pcre2_set_max_pattern_length(how, MAX_PATTERN);
	pcre2_set_parens_nest_limit(how, MAX_NESTING);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &at,
			     how);
	pcre2_compile_context_free(how);
	if (!code) {
		PCRE2_UCHAR text[160] = "";
		_cleanup_(free_p) char *shown = text_clean(pattern, 60);

		pcre2_get_error_message(number, text, sizeof(text));
		err_set(err, ERR_INVALID, "pattern '%s': %s at character %zu", shown,
			(const char *)text, (size_t)at + 1);
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->code = code;
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_STEPS);
	pcre2_set_depth_limit(r->limits, MATCH_DEPTH);
	pcre2_set_heap_limit(r->limits, MATCH_HEAP_KIB);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	free_p(&r);
}

bool regex_match(const struct regex *r, const char *text, size_t len)
{
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	int n = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, 0, found, r->limits);

	pcre2_match_data_free(found);
	return n >= 0;
}
