/*
 * What all foreign services share: how a call ended, with whose credentials it
 * is made, and the bundle of operation tables. Every operation runs inside a
 * task and waits there; its return value is info->result.
 *
 * No function in this directory changes an account's status or credentials,
 * releases a number, deletes an agent or ends a call; no table has room for one.
 */
#ifndef RD_PROVIDERS_PROVIDER_H
#define RD_PROVIDERS_PROVIDER_H

#include "core/config.h"
#include "core/crypto.h"
#include "core/http.h"
#include "core/loop.h"

enum call_result {
	CALL_OK,
	CALL_REJECTED,		/* credentials refused; `code` says how */
	CALL_INACTIVE,		/* the provider says the account is suspended or closed */
	CALL_NOT_FOUND,
	CALL_REFUSED,		/* any other 4xx; also a credential that is not set: see reason */
	CALL_RATE_LIMITED,	/* 429: not processed */
	CALL_SERVER,		/* 5xx */
	CALL_TIMEOUT,
	CALL_UNREACHABLE,	/* name, connection or TLS failed */
	CALL_GARBLED,		/* cut, HTML, wrong type, too big, too deep, a redirect */
	CALL_CANCELLED,		/* the task was cancelled, or the guard said no */
	CALL_RESULTS
};
const char *call_result_name(enum call_result r);

/* Why a refusal is no verdict on the account. */
enum call_reason {
	REASON_NONE,
	REASON_TEST_CREDENTIALS, /* 20008 */
	REASON_KEY_CLASS,	/* valid key, not allowed to do this (Standard key on /Accounts) */
	REASON_QUOTA,		/* money or plan limit, not credentials */
	REASON_NO_CREDENTIAL,	/* that credential is not configured */
	REASON_GUARD,		/* write_guard refused before anything was sent */
	REASON_UNSUPPORTED,	/* the provider has no such call */
};

struct call_info {
	enum call_result result;
	enum call_reason reason;
	int http_status;	/* 0 = no status line */
	int64_t code;		/* provider's error number, 0 = none */
	char code_name[48];	/* provider's error word where it has words */
	char message[200];	/* cleaned and redacted */
	char request_id[64];
	int64_t latency_ms;	/* of the last request, waiting for a slot not counted */
	int64_t retry_after_ms;	/* 0 = not said */
	int requests;		/* sent for this operation, repeats and pages included */
	bool maybe_done;	/* a write that may have happened: read back before deciding */
};

/* The outside world as classify sees it: pure, so that a table can test it. */
enum call_family { FAMILY_TWILIO, FAMILY_ELEVENLABS, FAMILY_TELNYX, FAMILY_APP, FAMILY_FEED };
struct call_raw {
	enum call_family family;
	enum http_result http;
	int status;
	const char *body;	/* may be NULL */
	size_t len;
	bool write;
	bool sent;		/* may have reached the other side */
	bool api_key;		/* made with an API key, not with the auth token */
	bool account_path;	/* /Accounts/{sid}.json and /Keys: Standard keys may not */
	bool signed_reply;	/* the reply carries the provider's own request id header */
};
/* Sets result, reason, http_status, code, code_name, message, maybe_done; leaves the rest.
 * A 2xx is CALL_OK here; that the body parses is the caller's to find out. */
void call_classify(const struct call_raw *raw, struct call_info *ret);
/* Masks values of members that hold credentials ("auth_token":"...", token, secret, key)
 * and every registered secret. For everything kept as evidence. */
void evidence_scrub(struct str *text);

enum provider_kind { PROVIDER_TWILIO, PROVIDER_TELNYX };
enum credential_use { CRED_MAIN, CRED_SECOND, CRED_PARENT };

/* Owned texts and counted secrets. MAIN is the API key pair when set, else the token;
 * SECOND is the second pair or token, else the token beside an API key. Only the
 * account's token signs webhooks. */
struct credentials {
	enum provider_kind provider;
	char account_sid[40];
	struct secret *token;
	char api_key[40];
	struct secret *api_secret;
	char second_key[40];		/* "" = second_secret is an auth token */
	struct secret *second_secret;
	char parent_sid[40];
	char parent_key[40];		/* "" = parent_secret is the parent's auth token */
	struct secret *parent_secret;
	char region[16], edge[24];	/* "" = us1 */
};
void credentials_copy(struct credentials *to, const struct credentials *from);
void credentials_fini(struct credentials *c);
bool credentials_have(const struct credentials *c, enum credential_use use);
/* User name and secret (borrowed) for basic auth; false when not configured. */
bool credentials_pick(const struct credentials *c, enum credential_use use, const char **ret_user,
		      struct secret **ret_secret);
/* The use is made with an API key (SK...), not an auth token. */
bool credentials_is_key(const struct credentials *c, enum credential_use use);

/* Copies what is stored of an account; secrets are shared. */
struct account_keys;
void credentials_from_keys(const struct account_keys *k, struct credentials *ret);

/* The edge that goes with a Twilio region ("ie1" -> "dublin"); NULL = not known. */
const char *region_edge(const char *region);
/* ERR_INVALID names the nearest known one. Empty is fine: us1. */
int region_check(const char *region, struct err *err);

/* Asked immediately before each outside write goes on the wire (also before its repeat
 * after a 429), after any waiting: lease validity, pause, decision. */
struct write_guard { bool (*may_write)(void *ctx); void *ctx; };

struct providers_settings {
	char *twilio_api, *twilio_monitor, *twilio_messaging, *twilio_video, *twilio_routes;
	char *twilio_pricing;				/* NULL: Twilio's own, if twilio_api is */
	char *elevenlabs, *telnyx;
	char *twilio_status, *elevenlabs_status, *telnyx_status, *aws_health;
	char *app, *app_lock, *app_unlock, *app_after_switch, *app_webhook_test;
	struct secret *app_key, *hook_secret, *elevenlabs_key;
	int64_t read_timeout_ms, write_timeout_ms, feed_timeout_ms;
	int64_t concurrency_start, concurrency_max, read_retries;
	struct strlist twilio_components, elevenlabs_components, telnyx_components, aws_services;
};
extern const struct option_table providers_options;

struct telephony_ops;
struct agents_ops;
struct feed_ops;
struct app_ops;

/* Tests put their own tables here; everybody calls through them. */
struct providers {
	const struct telephony_ops *telephony;	/* Twilio: the only failover target */
	const struct telephony_ops *telnyx;	/* observed */
	const struct agents_ops *agents;
	const struct feed_ops *feeds;
	const struct app_ops *app;
	const struct providers_settings *settings;	/* borrowed */
	struct http *http;				/* borrowed */
	struct loop *loop;
	struct limiters *limiters;
	struct feed_cache *feed_cache;
	struct number_lookup *number_lookup;
	void *test;				/* for a scripted provider */
};
/* The real services. loop, h and set live longer than the bundle. */
struct providers *providers_new(struct loop *l, struct http *h,
				const struct providers_settings *set);
void providers_free(struct providers *p);	/* NULL ok; no task may be inside */
const struct telephony_ops *providers_telephony(const struct providers *p, enum provider_kind k);

#endif
