/* Markdown into runbooks: whatever comes in, what comes out passes the parser. */
#include "fuzz.h"
#include <stdio.h>
#include "core/mem.h"
#include "runbook/import.h"

FUZZ
{
	struct str yaml = STR_INIT(1 << 22);
	struct import_report r = { 0 };
	struct err err = { 0 };

	if (runbook_import((const char *)data, size, "fuzz.md", &yaml, &r, &err)) {
		fprintf(stderr, "%s\n%s\n", err.msg, str_get(&yaml));
		abort();
	}
	import_report_fini(&r);
	str_fini(&yaml);
	return 0;
}
