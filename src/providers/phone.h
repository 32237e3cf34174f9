/*
 * A telephony number with what decides where its traffic goes, and lists of them
 * that stay small at a hundred thousand: equal sets of webhooks are kept once.
 */
#ifndef RD_PROVIDERS_PHONE_H
#define RD_PROVIDERS_PHONE_H

#include <stdbool.h>
#include <stddef.h>

struct providers;

/* What decides where a number's traffic goes. v[i] NULL = not given, "" = unset. */
enum webhook_field {
	WH_VOICE_URL, WH_VOICE_METHOD, WH_VOICE_FALLBACK_URL, WH_VOICE_FALLBACK_METHOD,
	WH_SMS_URL, WH_SMS_METHOD, WH_SMS_FALLBACK_URL, WH_SMS_FALLBACK_METHOD,
	WH_STATUS_CALLBACK, WH_STATUS_CALLBACK_METHOD,
	WH_VOICE_APPLICATION_SID, WH_SMS_APPLICATION_SID, WH_TRUNK_SID,
	WH_VOICE_RECEIVE_MODE, WH_EMERGENCY_ADDRESS_SID,
	WH_COUNT
};
struct webhooks { const char *v[WH_COUNT]; };
const char *webhook_field_name(enum webhook_field f);	/* "voice_url" */
const char *webhook_field_param(enum webhook_field f);	/* "VoiceUrl" */
/* Bits of the fields given in want that differ in have. */
unsigned webhooks_diff(const struct webhooks *want, const struct webhooks *have);
/* *.elevenlabs.io/twilio/inbound_call (or the configured ElevenLabs base): set by an import. */
bool voice_url_is_elevenlabs(const struct providers *p, const char *url);

struct phone {
	/* small, because a sweep holds all of an account's: 64 bytes */
	char sid[38];
	char e164[17];
	bool voice : 1, sms : 1, mms : 1;
	bool beta : 1;
	const struct webhooks *hooks;	/* owned by the list; equal sets share one */
};
/* Owns all texts. A list of one is what the single fetches return. */
struct text_pool;
struct phone_list { struct phone *v; size_t n, cap; struct text_pool *pool; };
void phone_list_fini(struct phone_list *l);		/* zeroed ok */
/* Appends; copies hooks into the list. For providers and tests. */
struct phone *phone_list_add(struct phone_list *l, const char *sid, const char *e164,
			     const struct webhooks *hooks);
const struct phone *phone_list_find(const struct phone_list *l, const char *e164);

#endif
