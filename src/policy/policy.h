/*
 * policy.yaml: what people agreed on before the incident: environments, feature flags,
 * severities, ladders, vendors, contacts, routing, metrics with bands, message templates,
 * dashboards, report sections, review dates. Read once, versioned by the hash of its bytes,
 * which is kept with whatever it decided. Errors as file:line:column with the nearest name.
 */
#ifndef RD_POLICY_POLICY_H
#define RD_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/str.h"
#include "core/yaml.h"
#include "model/enums.h"

struct policy_pair { char *name, *value; };
/* While source fires, target is not told where their subjects are equal (a source without one
 * concerns all), or with `equal` where that label of the target is the source's subject. */
struct policy_inhibit { char *source, *target, *equal; };
struct policy_severity {
	char *id, *label;		/* "P0", "critical" */
	char **criteria; size_t n_criteria;
	int64_t respond_ms, escalate_after_ms;
	char *escalate_to;		/* role */
	char **page; size_t n_page;	/* channels of the first notice */
	int64_t repeat_ms;		/* routing: repeat while unacknowledged; 0 = once */
	int64_t update_every_ms;	/* communication cadence; 0 = none */
	bool digest;			/* daily instead of at once */
};
struct policy_rung { char *role; char **via; size_t n_via; int64_t respond_ms;
		     char **only; size_t n_only; };
struct policy_ladder { char *name; struct policy_rung *rungs; size_t n_rungs; };
struct policy_level { char *via, *address; };
struct policy_tier { char *tier; int64_t within_ms; };
struct policy_vendor {
	char *id, *name;		/* "twilio", "Twilio" */
	char *tier;			/* the support that we pay for: one of tiers */
	struct policy_level *levels; size_t n_levels;
	char **when; size_t n_when; int64_t outage_ms;	/* criteria; outage longer than */
	char **needs; size_t n_needs;
	char *trace;			/* the host that packets are traced to */
	struct policy_tier *tiers; size_t n_tiers;
};
/* Where a metric is read: the key of its row, and what src/metric asks. */
#define METRIC_SOURCE_LIST(X)                                                                      \
	X(METRIC_HTTP, "http") X(METRIC_SQL, "sql") X(METRIC_PROMETHEUS, "prometheus")             \
	X(METRIC_PROVIDER, "provider") X(METRIC_ENGINE, "engine")
enum metric_source { METRIC_SOURCE_LIST(RD_ENUM_ID) };
extern const struct enum_names metric_source_names;
enum band_op { BAND_LT, BAND_LE, BAND_GT, BAND_GE };
struct policy_band { bool set; enum band_op op; double limit; };
struct policy_metric {			/* one line of the table: source, bands, durations */
	char *name, *title, *unit, *help;
	enum metric_source source;
	char *text;			/* url with $base, statement, query, figure's name */
	char *json_path;		/* METRIC_HTTP */
	struct policy_pair *query; size_t n_query;
	char *by;			/* label that makes one series each; NULL = one series */
	struct policy_band ok, warn;	/* neither holds: critical */
	int64_t for_ms, keep_ms, over_ms, every_ms;
	char *severity_warn, *severity_bad; /* ids, may be NULL */
	char *runbook;			/* id of the one that fits */
	char *absent_while;		/* absence rule: fires while this other metric is > 0 */
	char *group;			/* told in one message; NULL = the name */
};
/* What an alert that says nothing of it itself is: severity as of an incident, and the runbook
 * that fits. level as in policy_declare; of several rows the first that fits counts. */
struct policy_alert { char *alert, *level, *severity, *runbook; };
struct policy_message {
	char *id, *title, *subject, *body;
	char **fields; size_t n_fields;
	char **audience; size_t n_audience;	/* who gets it unless told otherwise */
	bool update;			/* sending it is the update that was due */
	bool vendor;			/* goes to a provider: its clock begins */
	bool outside;			/* customers read it: no names, counts of ours */
};
/* Who is meant by a name: "slack", "pager", "email:a@b", "role:cto", "status-page". */
struct policy_audience { char *name; char **to; size_t n_to; };
/* "${NAME}" in a value is the environment's; a value with one that is unset is no value. */
struct policy_target { char *name; struct policy_pair *values; size_t n_values; };
struct policy_contact { char *role, *name, *title, *phone, *email, *slack, *pager; };
/* A capability of ours on a component of somebody's. What watches the component: a name on the
 * vendor's status page, alerts of ours, the health of our accounts there, ourselves ("database");
 * none of them: nobody does, and its state is not known. */
struct policy_dependency {
	char *capability, *component, *vendor, *feed, *self;
	char **alerts; size_t n_alerts;
	bool accounts;
};
/* What declares an incident by itself: a failover event of at least this severity, or an alert
 * (level "warn": any; "critical": only that). Of several that fit the higher severity counts. */
struct policy_declare {
	char *event, *alert, *subject, *level, *severity, *service, *title;
	bool confirmed;			/* event: a second source agrees */
	int64_t share;			/* event: at least so many of a hundred agents fail */
	int64_t for_ms;			/* it has lasted so long */
};
/* A section of the report: an enum report_section, under a title of its own or NULL. */
struct policy_section { int section; char *title; };
/* A component of our public status page and which capabilities it shows. */
struct policy_shown { char *component; char **shows; size_t n_shows; };
/* Its state there when "all" or "any" of them are down, or degraded; the first that fits. */
struct policy_shown_state { char *down, *degraded, *state; };
struct policy_review { char *id, *title; int64_t every_days; char *first; };

struct policy {
	char *file, *hash;
	struct policy_severity *severities; size_t n_severities;
	struct policy_ladder *ladders; size_t n_ladders;
	struct policy_vendor *vendors; size_t n_vendors;
	struct policy_metric *metrics; size_t n_metrics;
	struct policy_message *messages; size_t n_messages;
	/* environments R2: url, database ... */
	struct policy_target *targets; size_t n_targets;
	struct policy_contact *contacts; size_t n_contacts;
	struct policy_pair *routing; size_t n_routing;		/* severity -> channels */
	/* feature flags and their default */
	struct policy_pair *flags; size_t n_flags;
	struct policy_pair *dashboards; size_t n_dashboards;
	struct policy_alert *alerts; size_t n_alerts;		/* no metric is behind */
	struct policy_inhibit *inhibit; size_t n_inhibit;	/* alert -> alert it explains */
	struct policy_dependency *depends; size_t n_depends;	/* capability on component */
	struct policy_shown *shown; size_t n_shown;		/* on our status page */
	struct policy_shown_state *shown_states; size_t n_shown_states;
	struct policy_audience *audiences; size_t n_audiences;
	struct policy_declare *declare; size_t n_declare;
	struct policy_pair *fields;
	size_t n_fields;                /* of messages: company, status_page ... */
	bool calls_spoken;		/* telephones are rung by a machine, where that is set up */
	struct policy_section *report; size_t n_report;		/* of a report, in order */
	struct policy_review *reviews; size_t n_reviews;
};
struct policy *policy_parse(const char *text, size_t len, const char *file, struct err *err);
struct policy *policy_load(const char *file, struct err *err);
void policy_free(struct policy *p);
const struct policy_metric *policy_metric(const struct policy *p, const char *name);
/* Is it the name of an alert that a metric or the engine raises? */
bool policy_alert_ours(const struct policy *p, const char *name);
/* NULL: no row fits. severity: of an alert, info, warn or bad. */
const struct policy_alert *policy_alert(const struct policy *p, const char *name,
					const char *severity);
/* How often an alert of this severity is told again while nobody acknowledges it: as the routing
 * says, else whenever the time to respond has passed; 0 = once. id may be NULL. */
int64_t policy_repeat_ms(const struct policy *p, const char *id);
const struct policy_message *policy_message(const struct policy *p, const char *id);
/* A template's text with {{name}} replaced by value() of it (heap); NULL: as gap() puts it. */
struct policy_filling {
	char *(*value)(void *ctx, const char *name);
	void (*gap)(void *ctx, const char *name, struct str *out);	/* NULL: [name?] */
	void *ctx;
};
void policy_fill(const struct policy_filling *f, const char *text, struct str *out);
const struct policy_vendor *policy_vendor(const struct policy *p, const char *id);
const struct policy_contact *policy_contact(const struct policy *p, const char *role);
/* Whether a report has it; all of them where there is no list (p may be NULL). */
bool policy_has_section(const struct policy *p, int section);
const struct policy_severity *policy_severity(const struct policy *p, const char *id);
const char *policy_target_value(const struct policy *p, const char *target, const char *name);
const char *policy_nearest_metric(const struct policy *p, const char *name);
/* pass, warn or critical of a value: 0, 1, 2. */
int policy_band_of(const struct policy_metric *m, double value);

#endif
