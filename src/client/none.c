/*
 * What the console has before there is a connection to any engine: nothing known,
 * nothing reached, and it says so. Weak: the real client takes every name over.
 */
#include "client/client.h"

#include "core/mem.h"

#define WEAK __attribute__((weak))

struct client {
	struct loop *loop;
	struct state state;
};

WEAK struct client *client_new(struct loop *l, const struct client_options *o,
			       void (*changed)(void *ctx), void *ctx)
{
	struct client *c = xcalloc(1, sizeof(*c));

	(void)o;
	(void)changed;
	(void)ctx;
	c->loop = l;
	state_init(&c->state);
	return c;
}

WEAK void client_start(struct client *c)
{
	(void)c;
}

WEAK void client_free(struct client *c)
{
	state_fini(&c->state);
	free_p(&c);
}

WEAK const struct state *client_state(const struct client *c)
{
	return &c->state;
}

WEAK enum client_link client_link(const struct client *c)
{
	(void)c;
	return LINK_NONE;
}

WEAK const char *client_where(const struct client *c)
{
	(void)c;
	return "nothing";
}

WEAK const char *client_trouble(const struct client *c)
{
	(void)c;
	return "not connected to an engine";
}

WEAK int64_t client_api_age_ms(const struct client *c)
{
	(void)c;
	return -1;
}

WEAK int64_t client_db_age_ms(const struct client *c)
{
	(void)c;
	return -1;
}

WEAK bool client_stale(const struct client *c)
{
	(void)c;
	return true;
}

WEAK int64_t client_server_now_ms(const struct client *c)
{
	return loop_wall_ms(c->loop);
}

WEAK const char *client_user(const struct client *c)
{
	(void)c;
	return "";
}

WEAK enum person_role client_role(const struct client *c)
{
	(void)c;
	return PR_NONE;
}

WEAK struct client_request *client_get(struct client *c, const char *path, client_done done, void *ctx)
{
	(void)c;
	(void)path;
	(void)done;
	(void)ctx;
	return NULL;
}

WEAK struct client_request *client_send(struct client *c, const char *method, const char *path,
					const char *body, client_done done, void *ctx)
{
	(void)c;
	(void)method;
	(void)path;
	(void)body;
	(void)done;
	(void)ctx;
	return NULL;
}

WEAK void client_cancel(struct client_request *r)
{
	(void)r;
}

WEAK void client_presence(struct client *c, const char *looking_at, bool dialog)
{
	(void)c;
	(void)looking_at;
	(void)dialog;
}
