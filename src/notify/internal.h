/* Shared inside src/notify only. */
#ifndef RD_NOTIFY_INTERNAL_H
#define RD_NOTIFY_INTERNAL_H

#include "notify/channel.h"

/* People of the application who are always told: addresses of every SUPER_ADMIN. */
int notify_admins(struct store *s, struct tx *t, struct strlist *ret, struct err *err);
/* No second entry, letters' case aside. */
void notify_add_once(struct strlist *l, const char *address);

/* offline.c: the sender for when the database is away. */
struct offline;
struct offline *offline_new(const struct notifier_deps *d);
/* In a task: seals the present recipients on disk when they changed. */
void offline_remember(struct offline *o);
/* waits: not as long as another engine that speaks first answers; until offline_over. */
void offline_say(struct offline *o, const char *subject, const char *text, bool waits);
/* The reason to wait is gone. */
void offline_over(struct offline *o);
/* Did we say it ourselves within the hour? */
bool offline_said(const struct offline *o, const char *subject);
void offline_public_url(struct offline *o, const char *url);	/* borrowed */
void offline_stop(struct offline *o);
bool offline_idle(const struct offline *o);
void offline_free(struct offline *o);

#endif
