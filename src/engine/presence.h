/* Who is looking at what, told by consoles every few seconds, forgotten after 15 s. In
 * memory only: presence is a courtesy, never a lock. */
#ifndef RD_ENGINE_PRESENCE_H
#define RD_ENGINE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/json.h"

struct presence;
struct presence *presence_new(void);
void presence_free(struct presence *p);
/* session: the console's own id, so that one person may have two. */
void presence_set(struct presence *p, const char *session, const char *name, const char *role,
		  const char *looking_at, bool dialog, int64_t mono_ms, int64_t wall_ms);
void presence_json(struct presence *p, struct jw *w, const char *name, int64_t mono_ms);

#endif
