/* Verbs of `ringdown incident` that stand in a file of their own. */
#ifndef RD_CLI_INCIDENT_H
#define RD_CLI_INCIDENT_H

#include "cli/cli.h"
#include "core/json.h"

#define API_INCIDENTS "/api/v1/incidents"

/* An order's body to its incident (the first argument), and what came of it: "INC-7 P1 said". */
int incident_do(struct cli *c, const struct str *body, const char *said);
/* A member of this name when the option was given. */
void incident_add_opt(struct cli *c, struct jw *w, const char *option, const char *member);
/* One of them: the document as it came, and read; both are the caller's to free. */
struct incident_doc;
int incident_get(struct cli *c, const char *id, struct json **ret, struct incident_doc *d);
/* incident_handover.c */
int incident_handover_run(struct cli *c);
/* incident_action.c */
int incident_action_run(struct cli *c);
/* incident_message.c */
int incident_message_run(struct cli *c);
int incident_tell_run(struct cli *c);
/* --field of the command line as an object; 0 or an exit status. */
int incident_add_fields(struct cli *c, struct jw *w, const char *member);
/* incident_vendor.c */
int incident_vendor_run(struct cli *c);
int incident_capabilities_run(struct cli *c);
int incident_impact_run(struct cli *c);

#endif
