/* Configuration files. */
#include "fuzz.h"
#include "core/yaml.h"

FUZZ
{
	struct err err = { 0 };
	struct yaml *y = yaml_parse((const char *)data, size, "fuzz", &err);

	if (!y && !err.msg[0])
		abort(); /* refused without a word */
	yaml_free(y);
	return 0;
}
