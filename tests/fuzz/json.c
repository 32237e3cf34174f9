/* Replies and request bodies. What parses is printed canonically and parses again. */
#include "fuzz.h"
#include "core/json.h"

FUZZ
{
	struct json *v = json_parse((const char *)data, size, NULL), *again;
	struct str one = STR_INIT(1 << 24), two = STR_INIT(1 << 24);

	if (v) {
		json_print(&one, v);
		again = json_parse(str_get(&one), one.len, NULL);
		if (!again)
			abort();
		json_print(&two, again);
		if (strcmp(str_get(&one), str_get(&two)) != 0)
			abort();
		json_free(again);
	}
	json_free(v);
	str_fini(&one);
	str_fini(&two);
	return 0;
}
