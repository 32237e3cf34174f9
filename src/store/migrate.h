/* Schema versions, the application's tables, the console's role. For tasks. */
#ifndef RD_STORE_MIGRATE_H
#define RD_STORE_MIGRATE_H

#include "store/store.h"

struct migrate_options {
	bool dry_run;		/* only writes the SQL to out */
	bool check;		/* only says whether something is to do */
	bool app_indexes;	/* also those on "MessageLog" */
	const char *environment;	/* adopted when the database has none yet; NULL = leave */
};
struct migrate_result {
	int from, to;		/* schema version before, after */
	int todo;		/* statements that are (check, dry run) or were needed */
	bool prisma;		/* public tables belong to Prisma: only checked */
	int missing;		/* tables and columns of the application, which are not made */
	struct str names;	/* of those */
	struct str out;		/* SQL (dry run), or what a person has to run first */
	struct str notes;	/* lines for people */
};
void migrate_result_fini(struct migrate_result *r);
/* Safe to repeat and to run twice at once. ERR_CONFLICT: a column has another type, or the
 * database is newer than this program; nothing was changed then. */
int migrate_run(struct store *s, const struct migrate_options *o, struct migrate_result *ret,
		struct err *err);
/* 0 current; ERR_NOT_FOUND: never migrated; ERR_CONFLICT: older or newer (text says which). */
int migrate_current(struct store *s, struct err *err);
int migrate_version(void);	/* what this program brings */

#endif
