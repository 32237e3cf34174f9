/* What stands behind alerts that were received: members, deliveries. */
#ifndef RD_STORE_ALERTS_RECEIVED_H
#define RD_STORE_ALERTS_RECEIVED_H

#include "model/fields.h"
#include "store/store.h"

/* members, wherever they are handed in: JSON,
 * [{"fingerprint","state","labels","text","starts","ends","doubt"}]. */

/* *ret NULL: none is open. Locks it. */
int alert_open_id(struct tx *t, const char *name, const char *subject, char **ret,
		  struct err *err);
/* The open one, else the one that was seen last; *ret NULL: there never was one. */
int alert_newest_id(struct tx *t, const char *name, const char *subject, char **ret,
		    struct err *err);
/* Adds how many of those that fire are news: not older than what was said to be over. */
int alert_members_fresh(struct tx *t, const char *name, const char *subject, const char *members,
			int64_t *ret, struct err *err);
/* A row that is over already, without a word: what came before its beginning did. */
int alert_put_over(struct tx *t, const char *name, const char *subject, const char *receiver,
		   struct err *err);
struct members_result { int64_t taken, firing; };	/* taken: added; firing: of all kept */
int alert_members_put(struct tx *t, const char *id, const char *members,
		      struct members_result *ret, struct err *err);
/* Stands for all of a group that were not kept one by one, or not even sent. */
#define ALERT_MEMBER_MORE "more"
/* It is over when the sender's group comes whole; all: as is whatever else it had. */
int alert_more_over(struct tx *t, const char *id, const char *grouping, bool all, struct err *err);
/* How many stand behind it now; journaled when that is news. */
int alert_count(struct tx *t, const char *id, int64_t firing, struct err *err);
int alert_delivery_put(struct tx *t, const char *receiver, int64_t alerts, int64_t kept,
		       int64_t dropped, const char *note, int64_t *ret_id, struct err *err);

struct alert_member {
	char *fingerprint, *state, *labels, *text, *doubt;
	int64_t starts_ms, ends_ms, received_ms;
};
extern const struct record_type alert_member_type;
int alert_members_list(struct store *s, const char *id, int64_t limit, struct alert_member **ret,
		       size_t *ret_n, struct err *err);
struct alert_delivery {
	int64_t id, at_ms, alerts, kept, dropped;
	char *by, *receiver, *note;
};
extern const struct record_type alert_delivery_type;
int alert_deliveries_list(struct store *s, int64_t limit, struct alert_delivery **ret,
			  size_t *ret_n, struct err *err);
/* Where alerts go for which there are too many names: one open alert of this name. Its members end
 * by their fingerprints, under whatever name the end comes. */
#define MANY_ALERTS "many-alerts"
int alerts_received_open(struct tx *t, int64_t *ret, struct err *err);	/* how many are open */
/* Members (JSON as for alert_members_put) that are over, of the open MANY_ALERTS; *ret += them. */
int alert_members_end(struct tx *t, const char *members, int64_t *ret, struct err *err);
/* The open MANY_ALERTS counts what still fires of it, or ends. */
int alert_many_count(struct tx *t, struct err *err);

enum { ALERT_PRUNE_BATCH = 2000 };	/* rows of one statement; *ret_more: there are more */
/* Old deliveries, and members of alerts that were over before then. */
int alerts_received_prune(struct store *s, int64_t before_ms, bool *ret_more, struct err *err);
/* Alerts that were over before then and belong to no incident, and silences. */
int alerts_prune(struct store *s, int64_t before_ms, bool *ret_more, struct err *err);

#endif
