/*
 * The generic webhook: the message as JSON, signed with time and HMAC so that the receiver
 * can tell us from others and refuse what is old; the id header lets it drop second copies.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "notify/channel.h"

static bool configured(const struct notify_settings *set)
{
	return !str_empty(set->webhook_url);
}

static void compose(struct str *out, const struct parcel *p)
{
	_cleanup_(free_p) char *link = say_link(&p->say);
	struct str subject = STR_INIT(1000), body = STR_INIT(32 << 10);
	struct jw w = JW(out);

	say_subject(&subject, &p->say);
	say_body(&body, &p->say);
	jw_obj(&w, NULL);
	jw_str(&w, "id", p->id);
	jw_str(&w, "kind", p->say.digest ? "digest" : enum_name(&say_kind_names, (int)p->say.kind));
	jw_str(&w, "eventId", p->event);
	jw_str(&w, "severity", say_severity(&p->say));
	jw_str(&w, "subject", str_get(&subject));
	jw_str(&w, "text", str_get(&body));
	jw_time(&w, "at", p->say.at_ms ? p->say.at_ms : p->created_at_ms);
	jw_str(&w, "link", link);
	jw_raw(&w, "data", p->payload);
	jw_obj_end(&w);
	str_fini(&subject);
	str_fini(&body);
}

/* "X-Ringdown-Signature: t=SECONDS,v1=HEX" over "SECONDS.BODY". */
static void sign(struct str *out, const struct secret *key, int64_t now_ms, const char *body)
{
	struct str text = STR_INIT(STR_MAX_DEFAULT);
	uint8_t mac[SHA256_LEN];
	const char *k = secret_reveal(key);

	str_addf(&text, "%lld.%s", (long long)(now_ms / 1000), body);
	hmac_sha256(k, strlen(k), text.s, text.len, mac);
	str_addf(out, "X-Ringdown-Signature: t=%lld,v1=", (long long)(now_ms / 1000));
	str_add_hex(out, mac, sizeof(mac));
	str_fini(&text);
}

static int send_webhook(const struct notifier_deps *d, const struct parcel *p,
			struct refusal *why, struct err *err)
{
	struct str body = STR_INIT(1 << 20), signature = STR_INIT(300), id = STR_INIT(300);
	_cleanup_(free_p) char *clean = text_clean(p->id, 200);
	const char *headers[3] = { NULL };
	int r;

	compose(&body, p);
	str_addf(&id, "X-Ringdown-Event-Id: %s", clean);
	headers[0] = str_get(&id);
	if (d->set->webhook_secret) {
		sign(&signature, d->set->webhook_secret, loop_wall_ms(d->loop), str_get(&body));
		headers[1] = str_get(&signature);
	}
	r = channel_post(d, d->set->webhook_url, str_get(&body), headers, why, err);
	str_fini(&body);
	str_fini(&signature);
	str_fini(&id);
	return r;
}

const struct channel channel_webhook = {
	.name = "webhook", .word = "webhook",
	.kinds = KINDS_ALL, .configured = configured, .send = send_webhook,
};
