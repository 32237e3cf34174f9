/*
 * Numbers and their webhooks. An account of a hundred thousand numbers has few
 * different sets of webhooks, so a list keeps each set once, in one block with its
 * texts, and a number holds a pointer.
 */
#include "providers/phone.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "providers/telephony.h"

static const struct { const char *name, *param; } fields[WH_COUNT] = {
	[WH_VOICE_URL] = { "voice_url", "VoiceUrl" },
	[WH_VOICE_METHOD] = { "voice_method", "VoiceMethod" },
	[WH_VOICE_FALLBACK_URL] = { "voice_fallback_url", "VoiceFallbackUrl" },
	[WH_VOICE_FALLBACK_METHOD] = { "voice_fallback_method", "VoiceFallbackMethod" },
	[WH_SMS_URL] = { "sms_url", "SmsUrl" },
	[WH_SMS_METHOD] = { "sms_method", "SmsMethod" },
	[WH_SMS_FALLBACK_URL] = { "sms_fallback_url", "SmsFallbackUrl" },
	[WH_SMS_FALLBACK_METHOD] = { "sms_fallback_method", "SmsFallbackMethod" },
	[WH_STATUS_CALLBACK] = { "status_callback", "StatusCallback" },
	[WH_STATUS_CALLBACK_METHOD] = { "status_callback_method", "StatusCallbackMethod" },
	[WH_VOICE_APPLICATION_SID] = { "voice_application_sid", "VoiceApplicationSid" },
	[WH_SMS_APPLICATION_SID] = { "sms_application_sid", "SmsApplicationSid" },
	[WH_TRUNK_SID] = { "trunk_sid", "TrunkSid" },
	[WH_VOICE_RECEIVE_MODE] = { "voice_receive_mode", "VoiceReceiveMode" },
	[WH_EMERGENCY_ADDRESS_SID] = { "emergency_address_sid", "EmergencyAddressSid" },
};

const char *webhook_field_name(enum webhook_field f)
{
	return (unsigned)f < WH_COUNT ? fields[f].name : "?";
}

const char *webhook_field_param(enum webhook_field f)
{
	return (unsigned)f < WH_COUNT ? fields[f].param : "?";
}

static bool is_method(int f)
{
	return f == WH_VOICE_METHOD || f == WH_VOICE_FALLBACK_METHOD || f == WH_SMS_METHOD ||
	       f == WH_SMS_FALLBACK_METHOD || f == WH_STATUS_CALLBACK_METHOD;
}

unsigned webhooks_diff(const struct webhooks *want, const struct webhooks *have)
{
	unsigned bits = 0;

	for (int i = 0; i < WH_COUNT; i++) {
		const char *a = want->v[i];
		const char *b = have->v[i] ? have->v[i] : "";
		if (!a || !strcmp(a, b))
			continue;
		/* The provider fills in a method for an address that is not set. */
		if (is_method(i) && !*a && str_empty(have->v[i - 1]))
			continue;
		bits |= 1u << i;
	}
	return bits;
}

bool voice_url_is_elevenlabs(const struct providers *p, const char *url)
{
	static const char tail[] = "/twilio/inbound_call";
	const char *base = p && p->settings ? p->settings->elevenlabs : NULL;

	if (str_empty(url))
		return false;
	size_t n = base ? strlen(base) : 0;
	if (n && !strncmp(url, base, n) && strstr(url + n, tail))
		return true;
	if (!str_has_prefix(url, "https://"))
		return false;
	const char *host = url + 8;
	size_t len = strcspn(host, "/?#");
	static const char domain[] = ".elevenlabs.io";
	return len > strlen(domain) &&
	       !strncmp(host + len - strlen(domain), domain, strlen(domain)) &&
	       str_has_prefix(host + len, tail);
}

/* ---- lists ---------------------------------------------------------------------- */

struct hook_set {
	struct webhooks hooks;
	uint64_t hash;
	struct hook_set *next;
	char texts[];
};

struct text_pool {
	struct hook_set **buckets;
	size_t n_buckets, n;
	const struct webhooks *last;	/* given out: the next is most often the same */
};

static uint64_t hash_hooks(const struct webhooks *w)
{
	uint64_t h = HASH_START;

	for (int i = 0; i < WH_COUNT; i++)
		h = hash_add(hash_add_text(h, w->v[i]), w->v[i] ? 1 : 2);
	return h;
}

static bool same_hooks(const struct webhooks *a, const struct webhooks *b)
{
	for (int i = 0; i < WH_COUNT; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

static struct hook_set *copy_hooks(const struct webhooks *w, uint64_t hash)
{
	size_t len = 0;

	for (int i = 0; i < WH_COUNT; i++)
		len += w->v[i] ? strlen(w->v[i]) + 1 : 0;
	struct hook_set *s = xcalloc(1, sizeof(*s) + len);
	char *to = s->texts;
	s->hash = hash;
	for (int i = 0; i < WH_COUNT; i++) {
		if (!w->v[i])
			continue;
		size_t n = strlen(w->v[i]) + 1;
		memcpy(to, w->v[i], n);
		s->hooks.v[i] = to;
		to += n;
	}
	return s;
}

static void grow_pool(struct text_pool *pool)
{
	size_t n = pool->n_buckets ? pool->n_buckets * 4 : 16;
	struct hook_set **b = xcalloc(n, sizeof(struct hook_set *));

	for (size_t i = 0; i < pool->n_buckets; i++) {
		while (pool->buckets[i]) {
			struct hook_set *s = pool->buckets[i];
			pool->buckets[i] = s->next;
			s->next = b[s->hash % n];
			b[s->hash % n] = s;
		}
	}
	free(pool->buckets);
	pool->buckets = b;
	pool->n_buckets = n;
}

static const struct webhooks *intern(struct text_pool *pool, const struct webhooks *w)
{
	uint64_t hash;

	if (pool->last && same_hooks(pool->last, w))
		return pool->last;
	hash = hash_hooks(w);
	if (pool->n >= pool->n_buckets)
		grow_pool(pool);
	struct hook_set **at = &pool->buckets[hash % pool->n_buckets];
	for (struct hook_set *s = *at; s; s = s->next)
		if (s->hash == hash && same_hooks(&s->hooks, w))
			return pool->last = &s->hooks;
	struct hook_set *s = copy_hooks(w, hash);
	s->next = *at;
	*at = s;
	pool->n++;
	return pool->last = &s->hooks;
}

void phone_list_fini(struct phone_list *l)
{
	if (l->pool) {
		for (size_t i = 0; i < l->pool->n_buckets; i++) {
			while (l->pool->buckets[i]) {
				struct hook_set *s = l->pool->buckets[i];
				l->pool->buckets[i] = s->next;
				free(s);
			}
		}
		free(l->pool->buckets);
		free(l->pool);
	}
	free(l->v);
	*l = (struct phone_list){ 0 };
}

static void put(char *to, size_t n, const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (len >= n)
		len = n - 1;
	if (len)
		memcpy(to, from, len);
	to[len] = 0;
}

struct phone *phone_list_add(struct phone_list *l, const char *sid, const char *e164,
			     const struct webhooks *hooks)
{
	static const struct webhooks none;

	if (!l->pool)
		l->pool = xcalloc(1, sizeof(*l->pool));
	l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	struct phone *ph = &l->v[l->n++];
	*ph = (struct phone){ .hooks = intern(l->pool, hooks ? hooks : &none) };
	put(ph->sid, sizeof(ph->sid), sid);
	put(ph->e164, sizeof(ph->e164), e164);
	return ph;
}

const struct phone *phone_list_find(const struct phone_list *l, const char *e164)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].e164, e164))
			return &l->v[i];
	return NULL;
}
