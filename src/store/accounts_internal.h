/* Shared by the files on accounts only. */
#ifndef RD_STORE_ACCOUNTS_INTERNAL_H
#define RD_STORE_ACCOUNTS_INTERNAL_H

#include "store/accounts.h"

/* The only primary, for agents without an account of their own; NULL when there are several. */
#define SOLE_PRIMARY                                                                               \
	"(SELECT min(id) FROM \"TwilioAccount\" WHERE \"isPrimary\" HAVING count(*) = 1)"
#define WATCHED_AGENT                                                                              \
	"v.status = 'ACTIVE' AND v.\"elevenLabsAgentId\" IS NOT NULL"                              \
	" AND v.\"twilioPhoneNumber\" IS NOT NULL AND x.eleven_present IS NOT FALSE"

/* Inside t when given. ref NULL = all. */
int accounts_query(struct store *s, struct tx *t, const char *ref, struct account **ret,
		   size_t *ret_n, struct err *err);
/* Journals the account as it is now, with the record "account". */
int account_note(struct tx *t, enum note_level level, const char *kind, const char *id,
		 const char *text, struct err *err);
/* "TwilioAccount/ID/authToken" and the like; caller frees. */
char *account_aad(const char *id, const char *what);

#endif
