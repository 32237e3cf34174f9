/* Verbs of `ringdown incident` that stand in a file of their own. */
#ifndef RD_CLI_INCIDENT_H
#define RD_CLI_INCIDENT_H

#include "cli/cli.h"

#define API_INCIDENTS "/api/v1/incidents"

/* incident_message.c */
int incident_message_run(struct cli *c);
int incident_tell_run(struct cli *c);
/* incident_vendor.c */
int incident_vendor_run(struct cli *c);
int incident_capabilities_run(struct cli *c);
int incident_impact_run(struct cli *c);

#endif
