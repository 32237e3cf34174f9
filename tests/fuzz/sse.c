/* The event stream, in two pieces. */
#include "fuzz.h"
#include "core/sse.h"

FUZZ
{
	struct sse s;
	size_t cut = size ? data[0] % size : 0;

	sse_init(&s, 4096);
	sse_feed(&s, (const char *)data, cut);
	sse_feed(&s, (const char *)data + cut, size - cut);
	sse_fini(&s);
	return 0;
}
