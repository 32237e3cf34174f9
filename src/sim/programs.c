/*
 * Stand-ins for programs, compiled in and written out for a demo. They keep to their own
 * directory and call nothing beyond the shell's usual tools.
 */
#include "sim/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/embed.h"
#include "core/mem.h"

#define PROGRAM(id, name, path) EMBED(program_##id, path);
#include "sim/programs/list.h"
#undef PROGRAM

struct program { const char *name, *from, *to; };

int sim_programs_install(const char *dir, struct err *err)
{
	const struct program programs[] = {
#define PROGRAM(id, name_, path) { name_, program_##id##_start, program_##id##_end },
#include "sim/programs/list.h"
#undef PROGRAM
	};

	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		const struct program *p = &programs[i];
		_cleanup_(free_p) char *file = xasprintf("%s/%s", dir, p->name);
		int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
		bool good = fd >= 0 &&
			write(fd, p->from, (size_t)(p->to - p->from)) == p->to - p->from;
		int e = errno;

		if (fd >= 0)
			close(fd);
		if (!good)
			return err_set(err, ERR_SYSTEM, "%s: %s", file, strerror(e));
	}
	return 0;
}
