/* Text from outside: what comes out is valid UTF-8 without control bytes. Times, numbers. */
#include "fuzz.h"
#include "core/mem.h"
#include "core/str.h"

FUZZ
{
	char *in = xstrndup((const char *)data, size), *out = text_clean(in, 200);
	int64_t v;
	double f;

	if (!utf8_valid(out, strlen(out)))
		abort();
	for (const unsigned char *p = (unsigned char *)out; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			abort();
	(void)parse_time_ms(in, &v);
	(void)parse_rfc2822_ms(in, &v);
	(void)parse_duration_ms(in, &v);
	(void)parse_i64(in, -5, 5, &v);
	(void)parse_double(in, &f);
	free_p(&in);
	free_p(&out);
	return 0;
}
