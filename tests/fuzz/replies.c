/* Replies of foreign services: classification, status pages, the UTF-16 feed, rows. */
#include "fuzz.h"
#include "core/json_scan.h"
#include "providers/feed.h"
#include "providers/provider.h"
#include "providers/row.h"

static int item(void *ctx, struct row *r)
{
	char buf[40];

	(void)ctx;
	row_text(r, "sid", buf, sizeof(buf));
	(void)row_int(r, "error_code", 0);
	(void)row_time(r, "start_time");
	return 0;
}

FUZZ
{
	struct strlist none = { 0 };
	struct feed_report state = { 0 };
	struct call_info info = { 0 };
	struct row row;
	struct call_raw raw = { .http = HTTP_DONE, .len = size, .body = (const char *)data };

	raw.family = size ? (enum call_family)(data[0] % 5) : FAMILY_TWILIO;
	raw.status = size > 1 ? 200 + data[1] * 2 : 500;
	call_classify(&raw, &info);
	statuspage_read((const char *)data, size, &none, &state, NULL);
	awshealth_read((const char *)data, size, &none, &state, NULL);
	if (json_scan((const char *)data, size, NULL) == 0)
		(void)row_read_page(&row, (const char *)data, size, "calls", item, NULL);
	return 0;
}
