/*
 * Loading of shared libraries when they are first needed. They stay until the end.
 *
 * Invariant: a table is filled whole or the program ends: who calls has no answer to a
 * function that is not there, and the package depends on the library. abort() lets a
 * console give its terminal back first.
 */
#include "core/solib.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void solib_load(const char *soname, const char *const *names, void (**table)(void), int n)
{
	void *handle = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);

	for (int i = 0; handle && i < n; i++) {
		void *at = dlsym(handle, names[i]);

		if (!at) {
			handle = NULL;
			break;
		}
		memcpy(&table[i], &at, sizeof(at));
	}
	if (handle)
		return;
	fprintf(stderr, "ringdown: %s\n", dlerror());
	abort();
}
