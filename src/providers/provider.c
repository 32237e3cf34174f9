/*
 * The bundle of foreign services and its settings: one row for each base address,
 * deadline and limit. It owns the concurrency limiters and the remembered feeds;
 * http client, loop and settings belong to the host.
 */
#include "providers/provider.h"

#include <stdlib.h>

#include "core/mem.h"
#include "providers/agents_api.h"
#include "providers/app.h"
#include "providers/feed.h"
#include "providers/feed_cache.h"
#include "providers/limiter.h"
#include "providers/number_lookup.h"
#include "providers/telephony.h"

#define AT(field) offsetof(struct providers_settings, field)
#define BASE(n, f, d, e, h) \
	{ .name = n, .type = OPT_URL, .offset = AT(f), .def = d, .env = e, .help = h }

static const struct option_row rows[] = {
	BASE("twilio.apiBase", twilio_api, "https://api.twilio.com", "TWILIO_API_BASE",
	     "Twilio REST API; an account's region and edge change a host under twilio.com only"),
	BASE("twilio.monitorBase", twilio_monitor, "https://monitor.twilio.com",
	     "TWILIO_MONITOR_BASE", "Twilio Monitor: alerts and events"),
	BASE("twilio.messagingBase", twilio_messaging, "https://messaging.twilio.com",
	     "TWILIO_MESSAGING_BASE", "Twilio Messaging: services and campaigns"),
	BASE("twilio.videoBase", twilio_video, "https://video.twilio.com", "TWILIO_VIDEO_BASE",
	     "Twilio Video: rooms"),
	BASE("twilio.routesBase", twilio_routes, "https://routes.twilio.com", "TWILIO_ROUTES_BASE",
	     "Twilio Routes: region of inbound calls"),
	BASE("twilio.pricingBase", twilio_pricing, NULL, "TWILIO_PRICING_BASE",
	     "Twilio Pricing: what a number costs; unset: Twilio's own, but nothing is asked when "
	     "twilio.apiBase is another's"),
	BASE("elevenlabs.base", elevenlabs, "https://api.elevenlabs.io", "ELEVENLABS_BASE",
	     "ElevenLabs API; residency workspaces have a host of their own"),
	{ .name = "elevenlabs.apiKey", .type = OPT_SECRET, .offset = AT(elevenlabs_key),
	  .env = "ELEVENLABS_API_KEY", .help = "Key of the ElevenLabs workspace, with write access "
					       "to agents and phone numbers" },
	BASE("telnyx.base", telnyx, "https://api.telnyx.com", "TELNYX_BASE", "Telnyx API"),
	BASE("status.twilioBase", twilio_status, "https://status.twilio.com", "TWILIO_STATUS_BASE",
	     "Twilio's status page"),
	BASE("status.elevenlabsBase", elevenlabs_status, "https://status.elevenlabs.io",
	     "ELEVENLABS_STATUS_BASE", "ElevenLabs' status page"),
	BASE("status.telnyxBase", telnyx_status, "https://status.telnyx.com", "TELNYX_STATUS_BASE",
	     "Telnyx' status page"),
	BASE("status.awsBase", aws_health, "https://health.aws.amazon.com", "AWS_HEALTH_BASE",
	     "AWS health feed"),
	{ .name = "status.twilioComponents", .type = OPT_LIST, .offset = AT(twilio_components),
	  .def = "Programmable Voice,Programmable Messaging,REST API,Phone Numbers,Twilio Platform",
	  .flags = OPT_RELOAD,
	  .help = "Components of Twilio's page that count, by part of the name" },
	{ .name = "status.elevenlabsComponents", .type = OPT_LIST,
	  .offset = AT(elevenlabs_components), .flags = OPT_RELOAD,
	  .help = "Components of ElevenLabs' page that count; empty = all" },
	{ .name = "status.telnyxComponents", .type = OPT_LIST, .offset = AT(telnyx_components),
	  .flags = OPT_RELOAD, .help = "Components of Telnyx' page that count; empty = all" },
	{ .name = "status.awsServices", .type = OPT_LIST, .offset = AT(aws_services),
	  .def = "us-east-1", .flags = OPT_RELOAD,
	  .help = "AWS services or regions that count (part of the service name)" },
	BASE("app.base", app, "http://localhost:3701", "APP_BASE",
	     "The telephony application: health, features, webhook checks, hooks"),
	{ .name = "internalServiceKey", .type = OPT_SECRET, .offset = AT(app_key),
	  .env = "INTERNAL_SERVICE_KEY",
	  .help = "Shared with the application: sent as X-Internal-Key, signs the hooks" },
	{ .name = "app.webhookTestPath", .type = OPT_STR, .offset = AT(app_webhook_test),
	  .def = "/webhooks/test", .help = "Where the signed webhook probe goes, under app.base" },
	BASE("hooks.lock", app_lock, NULL, NULL,
	     "Called before numbers move; unset: internal/failover/lock under app.base"),
	BASE("hooks.unlock", app_unlock, NULL, NULL,
	     "Called on every way out; unset: internal/failover/unlock under app.base"),
	BASE("hooks.afterSwitch", app_after_switch, NULL, NULL,
	     "Called once an account has taken over; unset: internal/failover/after-switch"),
	{ .name = "hooks.secret", .type = OPT_SECRET, .offset = AT(hook_secret),
	  .env = "RINGDOWN_HOOK_SECRET",
	  .help = "Signs the hooks: X-Ringdown-Signature is t=SECONDS,v1=HEX, the HMAC-SHA256 of"
		  " SECONDS.BODY; internalServiceKey when unset" },
	{ .name = "providers.readTimeout", .type = OPT_DURATION, .offset = AT(read_timeout_ms),
	  .def = "10s", .min = 100, .max = 60000, .flags = OPT_RELOAD,
	  .help = "Whole exchange of a read; Twilio's own limit for webhooks is 15 s" },
	{ .name = "providers.writeDeadline", .type = OPT_DURATION, .offset = AT(write_timeout_ms),
	  .def = "5s", .min = 100, .max = 15000,
	  .help = "Whole exchange of an outside write (D of the lease rule)" },
	{ .name = "providers.feedTimeout", .type = OPT_DURATION, .offset = AT(feed_timeout_ms),
	  .def = "10s", .min = 100, .max = 60000, .flags = OPT_RELOAD,
	  .help = "Whole exchange with a status feed" },
	{ .name = "providers.concurrencyStart", .type = OPT_INT, .offset = AT(concurrency_start),
	  .def = "16", .min = 1, .max = 1000,
	  .help = "Requests in flight for one account at first; no provider says its limit" },
	{ .name = "providers.concurrencyMax", .type = OPT_INT, .offset = AT(concurrency_max),
	  .def = "64", .min = 1, .max = 1000,
	  .help = "The most that are ever in flight for one account" },
	{ .name = "providers.repeatsAfter429", .type = OPT_INT, .offset = AT(read_retries),
	  .def = "3", .min = 0, .max = 10, .flags = OPT_RELOAD,
	  .help = "Repeats of a request that was answered 429 (3 as Twilio's own helper)" },
};
const struct option_table providers_options = {
	.section = "providers",
	.rows = rows,
	.n = COUNT_OF(rows),
	.size = sizeof(struct providers_settings),
};

struct providers *providers_new(struct loop *l, struct http *h,
				const struct providers_settings *set)
{
	struct providers *p = xcalloc(1, sizeof(*p));

	*p = (struct providers){
		.telephony = &twilio_ops,
		.telnyx = &telnyx_ops,
		.agents = &elevenlabs_ops,
		.feeds = &feed_ops,
		.app = &app_ops,
		.settings = set,
		.http = h,
		.loop = l,
		.limiters = limiters_new(l, (int)set->concurrency_start,
					 (int)set->concurrency_max),
		.feed_cache = feed_cache_new(),
		.number_lookup = number_lookup_new(),
	};
	return p;
}

void providers_free(struct providers *p)
{
	if (!p)
		return;
	limiters_free(p->limiters);
	feed_cache_free(p->feed_cache);
	number_lookup_free(p->number_lookup);
	free(p);
}

const struct telephony_ops *providers_telephony(const struct providers *p, enum provider_kind k)
{
	return k == PROVIDER_TELNYX ? p->telnyx : p->telephony;
}
