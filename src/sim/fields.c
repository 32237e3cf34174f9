/*
 * The fields of a number and what Twilio accepts in them. A trunk and a voice
 * application exclude each other: setting one clears the other; URLs stay, but
 * are not in effect then.
 */
#include "sim/fields.h"

#include <stdio.h>
#include <string.h>

const struct sim_field_def sim_fields[NF_COUNT] = {
	[NF_FRIENDLY] = { "FriendlyName", "friendly_name", "friendlyName", FK_TEXT, NULL, false },
	[NF_VOICE_URL] = { "VoiceUrl", "voice_url", "voiceUrl", FK_URL, NULL, true },
	[NF_VOICE_METHOD] = { "VoiceMethod", "voice_method", "voiceMethod", FK_METHOD, NULL, true },
	[NF_VOICE_FALLBACK_URL] = { "VoiceFallbackUrl", "voice_fallback_url", "voiceFallbackUrl",
				    FK_URL, NULL, true },
	[NF_VOICE_FALLBACK_METHOD] = { "VoiceFallbackMethod", "voice_fallback_method",
				       "voiceFallbackMethod", FK_METHOD, NULL, true },
	[NF_SMS_URL] = { "SmsUrl", "sms_url", "smsUrl", FK_URL, NULL, false },
	[NF_SMS_METHOD] = { "SmsMethod", "sms_method", "smsMethod", FK_METHOD, NULL, true },
	[NF_SMS_FALLBACK_URL] = { "SmsFallbackUrl", "sms_fallback_url", "smsFallbackUrl", FK_URL,
				  NULL, false },
	[NF_SMS_FALLBACK_METHOD] = { "SmsFallbackMethod", "sms_fallback_method",
				     "smsFallbackMethod", FK_METHOD, NULL, true },
	[NF_STATUS_CALLBACK] = { "StatusCallback", "status_callback", "statusCallback", FK_URL,
				 NULL, false },
	[NF_STATUS_CALLBACK_METHOD] = { "StatusCallbackMethod", "status_callback_method",
					"statusCallbackMethod", FK_METHOD, NULL, true },
	[NF_VOICE_APP] = { "VoiceApplicationSid", "voice_application_sid", "voiceApplicationSid",
			   FK_SID, "AP", false },
	[NF_SMS_APP] = { "SmsApplicationSid", "sms_application_sid", "smsApplicationSid", FK_SID,
			 "AP", false },
	[NF_TRUNK] = { "TrunkSid", "trunk_sid", "trunkSid", FK_SID, "TK", true },
	[NF_RECEIVE_MODE] = { "VoiceReceiveMode", "voice_receive_mode", "voiceReceiveMode",
			      FK_RECEIVE, NULL, false },
	[NF_EMERGENCY_STATUS] = { "EmergencyStatus", "emergency_status", "emergencyStatus",
				  FK_EMERGENCY, NULL, false },
	[NF_EMERGENCY_ADDRESS] = { "EmergencyAddressSid", "emergency_address_sid",
				   "emergencyAddressSid", FK_SID, "AD", true },
	[NF_ADDRESS] = { "AddressSid", "address_sid", "addressSid", FK_SID, "AD", true },
	[NF_BUNDLE] = { "BundleSid", "bundle_sid", "bundleSid", FK_SID, "BU", true },
	[NF_IDENTITY] = { "IdentitySid", "identity_sid", "identitySid", FK_SID, "RI", true },
};

static bool valid_sid(const char *v, const char *prefix)
{
	return strlen(v) == SIM_SID - 1 && str_has_prefix(v, prefix) &&
	       strspn(v + 2, "0123456789abcdefABCDEF") == 32;
}

bool sim_field_valid(int field, const char *v, int *ret_code)
{
	const struct sim_field_def *f = &sim_fields[field];
	bool ok = true;

	*ret_code = 21402;
	switch (f->kind) {
	case FK_TEXT:
		ok = strlen(v) <= 64;
		break;
	case FK_URL:
		ok = !*v || ((str_has_prefix(v, "http://") || str_has_prefix(v, "https://")) &&
			     strlen(v) < 4000 && !strpbrk(v, " \t\r\n"));
		*ret_code = field <= NF_VOICE_FALLBACK_METHOD ? 21402 : 21502;
		break;
	case FK_METHOD:
		ok = str_eq(v, "GET") || str_eq(v, "POST");
		*ret_code = 21403;
		break;
	case FK_SID:
		ok = !*v || valid_sid(v, f->sid_prefix);
		break;
	case FK_RECEIVE:
		ok = str_eq(v, "voice") || str_eq(v, "fax");
		break;
	case FK_EMERGENCY:
		ok = str_eq(v, "Active") || str_eq(v, "Inactive");
		break;
	}
	return ok;
}

void sim_field_set(struct sim_world *w, struct sim_number *n, int field, const char *v)
{
	n->v[field] = sim_intern(&w->pool, v);
	if (field == NF_TRUNK && *v)
		n->v[NF_VOICE_APP] = "";
	if (field == NF_VOICE_APP && *v)
		n->v[NF_TRUNK] = "";
}

static void number_links(struct jw *w, const struct sim_number *n, const char *uri)
{
	jw_obj(w, "capabilities");
	jw_bool(w, "voice", n->voice);
	jw_bool(w, "sms", n->sms);
	jw_bool(w, "mms", n->mms);
	jw_bool(w, "fax", n->fax);
	jw_obj_end(w);
	jw_str(w, "uri", uri);
}

void sim_number_json(struct sim_request *q, struct jw *w, const char *name,
		     const struct sim_number *n)
{
	char text[160];

	(void)q;
	jw_obj(w, name);
	jw_str(w, "sid", n->sid);
	jw_str(w, "account_sid", n->account->sid);
	jw_str(w, "phone_number", n->e164);
	sim_format_us(n->e164, text);
	jw_str(w, "friendly_name", *n->v[NF_FRIENDLY] ? n->v[NF_FRIENDLY] : text);
	for (int i = NF_VOICE_URL; i < NF_COUNT; i++)
		jw_str(w, sim_fields[i].json,
		       !*n->v[i] && sim_fields[i].null_when_unset ? NULL : n->v[i]);
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/IncomingPhoneNumbers/%s.json",
		 n->account->sid, n->sid);
	number_links(w, n, text);
	jw_str(w, "address_requirements", "none");
	jw_bool(w, "beta", n->beta);
	jw_bool(w, "voice_caller_id_lookup", false);
	jw_str(w, "emergency_address_status",
	       *n->v[NF_EMERGENCY_ADDRESS] ? "registered" : "unregistered");
	jw_str(w, "origin", "twilio");
	jw_str(w, "status", n->status);
	jw_str(w, "type", n->type);
	jw_str(w, "api_version", "2010-04-01");
	sim_rfc2822(w, "date_created", n->created_ms);
	sim_rfc2822(w, "date_updated", n->updated_ms);
	jw_obj_end(w);
}
