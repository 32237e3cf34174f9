/*
 * Messages of the application: counts by minute, kept in memory so that a refresh reads
 * only what is new, and the failed ones, newest first. For tasks.
 */
#ifndef RD_READ_SMS_H
#define RD_READ_SMS_H

#include "core/pg.h"
#include "core/str.h"

/* "MessageLog", sms_messages, and Twilio's own list (which its caller fills in). */
enum sms_source { SMS_MESSAGELOG, SMS_MESSAGES, SMS_TWILIO, SMS_SOURCES };
extern const char *const sms_source_words[SMS_SOURCES + 1];	/* NULL at the end */
int sms_source_parse(const char *word);			/* -1 */
const char *sms_source_name(enum sms_source s);

struct sms_counts;
/* light: by minute and status only, which is what the first table needs; a fifth of the cost. */
struct sms_counts *sms_counts_new(enum sms_source source, bool light);
void sms_counts_free(struct sms_counts *c);		/* NULL ok */
/* Brings the last window_ms up to date: all of it the first time, when it grows, and every few
 * minutes (statuses change late); else the newest minutes. */
int sms_counts_refresh(struct sms_counts *c, struct pg_conn *conn, int64_t now_ms,
		       int64_t window_ms, struct err *err);
int64_t sms_counts_as_of(const struct sms_counts *c);
/* For other sources and tests: minutes must not go back. */
void sms_counts_clear(struct sms_counts *c);
void sms_counts_touch(struct sms_counts *c, int64_t now_ms);	/* complete as of now */
void sms_counts_add(struct sms_counts *c, int64_t at_ms, const char *org, const char *sender,
		    const char *status, int64_t code, int64_t n);

enum sms_by { SMS_BY_STATUS, SMS_BY_CODE, SMS_BY_ORG, SMS_BY_SENDER, SMS_BY_HOUR, SMS_BY_ALL };
struct sms_group {
	const char *key;		/* borrowed until the next refresh; "" for none */
	int64_t at_ms, code;		/* of SMS_BY_HOUR, SMS_BY_CODE */
	int64_t total, delivered, sent, failed, undelivered, queued;
	int64_t orgs;			/* different ones, of SMS_BY_CODE */
};
/* Groups since from_ms, the largest first (hours: newest first). org NULL = all. Caller frees. */
struct sms_group *sms_counts_by(const struct sms_counts *c, enum sms_by by, int64_t from_ms,
				const char *org, size_t *ret_n);

struct sms_filter {
	enum sms_source source;
	int64_t since_ms, limit;
	const char *org, *code, *sender;
	const char *cursor;		/* as given by the last page */
	bool content;
};
struct sms_failure {
	char *id, *org, *from, *to, *status, *code, *message, *channel, *content;
	int64_t at_ms;
};
int sms_failures(struct pg_conn *conn, const struct sms_filter *f, struct sms_failure **ret,
		 size_t *ret_n, char **ret_cursor, struct err *err);
void sms_failures_free(struct sms_failure *rows, size_t n);

#endif
