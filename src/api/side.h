/* An account as people act on it at the provider: shared by the routes that do. */
#ifndef RD_API_SIDE_H
#define RD_API_SIDE_H

#include "api/internal.h"
#include "providers/telephony.h"
#include "store/accounts.h"

/* An account with opened credentials. */
struct side {
	struct account a;
	struct credentials cred;
	const struct telephony_ops *ops;
};
/* ref: id, SID or name. 0, or a status with the problem in c->out. */
int side_load(struct call *c, const char *ref, struct side *ret);
void side_fini(struct side *s);
/* What the provider answered, as a problem. */
int side_told(struct call *c, const struct call_info *info, const char *what);
/* For a write_guard; ctx is the engine. */
bool side_may_write(void *ctx);
bool side_e164_ok(const char *s);

#endif
