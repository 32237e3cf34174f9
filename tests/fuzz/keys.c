/* Terminal input, split anywhere. */
#include "fuzz.h"
#include "ui/keys.h"

static void key(void *ctx, uint32_t k, uint32_t batch)
{
	(void)ctx;
	(void)k;
	(void)batch;
}

static void paste(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	(void)text;
	(void)n;
}

FUZZ
{
	static const struct keys_events on = { key, paste };
	struct keys k;
	int64_t now = 1000;

	keys_init(&k, &on, NULL);
	for (size_t i = 0; i < size; i += 1 + data[i] % 7) {
		size_t n = 1 + data[i] % 7;

		keys_feed(&k, data + i, i + n > size ? size - i : n, now);
		now += data[i];
		if (keys_wake_ms(&k) >= 0 && keys_wake_ms(&k) <= now)
			keys_timeout(&k, now);
	}
	return 0;
}
