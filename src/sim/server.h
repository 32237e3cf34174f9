/*
 * The simulator on the network: one HTTP port for everything, one SMTP port for
 * mail. Puts latency, lost replies and hanging requests around the answers.
 */
#ifndef RD_SIM_SERVER_H
#define RD_SIM_SERVER_H

#include "core/err.h"
#include "core/loop.h"
#include "sim/sim.h"

struct sim_server;
struct sim_server_options {
	const char *address;		/* NULL = 127.0.0.1 */
	int port, smtp_port;		/* 0 picks one */
	struct sim_shape shape;
	const char *record;		/* file that gets every exchange as a line, or NULL */
};
struct sim_server *sim_server_new(struct loop *l, const struct sim_server_options *o,
				  struct err *err);
void sim_server_free(struct sim_server *s);	/* NULL ok */
struct sim *sim_server_sim(struct sim_server *s);

/* smtp.c */
struct sim_smtp;
struct sim_smtp *sim_smtp_new(struct sim *s, const char *address, int port, struct err *err);
int sim_smtp_port(const struct sim_smtp *m);
void sim_smtp_free(struct sim_smtp *m);		/* NULL ok */

#endif
