/* A person's text on the page of a report: whatever it is, only our few elements come out, each
 * closed, and no byte that is not text. */
#include "fuzz.h"
#include "core/mem.h"
#include "report/html.h"

static bool ours(const char *p)
{
	static const char *const tags[] = { "<p>", "</p>", "<ul>", "</ul>", "<li>", "</li>", "<h4>",
					    "</h4>",
					    "<code>", "</code>", "<strong>", "</strong>", "<br>" };

	for (size_t i = 0; i < COUNT_OF(tags); i++)
		if (str_has_prefix(p, tags[i]))
			return true;
	return false;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

FUZZ
{
	char *in = xstrndup((const char *)data, size);
	struct str out = STR_INIT(1 << 20);
	const char *text;

	html_written(&out, in);
	text = str_get(&out);
	for (const char *p = text; *p; p++)
		if ((*p == '<' && !ours(p)) || ((unsigned char)*p < 0x20 && *p != '\n'))
			abort();
	if (!utf8_valid(text, out.len) || count(text, "<p>") != count(text, "</p>") ||
	    count(text, "<ul>") != count(text, "</ul>") ||
	    count(text, "<strong>") != count(text, "</strong>") ||
	    count(text, "<code>") != count(text, "</code>"))
		abort();
	str_fini(&out);
	free_p(&in);
	return 0;
}
