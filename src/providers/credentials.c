/*
 * With whose credentials a call is made. The choice is made here only: MAIN is the
 * API key when there is one (rotating the token does not break it), SECOND is what
 * else opens the same account, PARENT is the owner's view.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "model/account.h"
#include "providers/provider.h"

void credentials_copy(struct credentials *to, const struct credentials *from)
{
	*to = *from;
	to->token = secret_ref(from->token);
	to->api_secret = secret_ref(from->api_secret);
	to->second_secret = secret_ref(from->second_secret);
	to->parent_secret = secret_ref(from->parent_secret);
}

void credentials_fini(struct credentials *c)
{
	secret_free(c->token);
	secret_free(c->api_secret);
	secret_free(c->second_secret);
	secret_free(c->parent_secret);
	memset(c, 0, sizeof(*c));
}

static bool give(const char *user, struct secret *s, const char **ret_user,
		 struct secret **ret_secret)
{
	if (!s || str_empty(user))
		return false;
	*ret_user = user;
	*ret_secret = s;
	return true;
}

static bool has_key(const struct credentials *c)
{
	return c->api_key[0] && c->api_secret;
}

bool credentials_pick(const struct credentials *c, enum credential_use use, const char **ret_user,
		      struct secret **ret_secret)
{
	switch (use) {
	case CRED_MAIN:
		if (has_key(c))
			return give(c->api_key, c->api_secret, ret_user, ret_secret);
		return give(c->account_sid, c->token, ret_user, ret_secret);
	case CRED_SECOND:
		if (c->second_secret)
			return give(c->second_key[0] ? c->second_key : c->account_sid,
				    c->second_secret, ret_user, ret_secret);
		return has_key(c) && give(c->account_sid, c->token, ret_user, ret_secret);
	case CRED_PARENT:
		return c->parent_sid[0] &&
		       give(c->parent_key[0] ? c->parent_key : c->parent_sid, c->parent_secret,
			    ret_user, ret_secret);
	}
	return false;
}

bool credentials_have(const struct credentials *c, enum credential_use use)
{
	struct secret *s;
	const char *user;

	return credentials_pick(c, use, &user, &s);
}

bool credentials_is_key(const struct credentials *c, enum credential_use use)
{
	struct secret *s;
	const char *user;

	return credentials_pick(c, use, &user, &s) && str_has_prefix(user, "SK");
}

static const struct { const char *region, *edge; } regions[] = {
	{ "us1", "ashburn" },	{ "us2", "umatilla" }, { "ie1", "dublin" },
	{ "de1", "frankfurt" }, { "au1", "sydney" },   { "jp1", "tokyo" },
	{ "jp2", "osaka" },	{ "sg1", "singapore" }, { "br1", "sao-paulo" },
};

const char *region_edge(const char *region)
{
	for (size_t i = 0; i < COUNT_OF(regions); i++)
		if (!strcmp(regions[i].region, region))
			return regions[i].edge;
	return NULL;
}

int region_check(const char *region, struct err *err)
{
	const char *names[COUNT_OF(regions)], *near;
	struct str known = STR_INIT(200);

	if (str_empty(region) || region_edge(region))
		return 0;
	for (size_t i = 0; i < COUNT_OF(regions); i++) {
		names[i] = regions[i].region;
		str_addf(&known, " %s", names[i]);
	}
	near = str_nearest(region, names, COUNT_OF(regions));
	err_field(err, ERR_INVALID, "region", "there is no Twilio region '%.16s'%s%s%s; known:%s",
		  region, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "",
		  str_get(&known));
	str_fini(&known);
	return ERR_INVALID;
}

static void copy_text(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from ? from : "");
}

void credentials_from_keys(const struct account_keys *k, struct credentials *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->provider = str_eq(k->provider, "telnyx") ? PROVIDER_TELNYX : PROVIDER_TWILIO;
	copy_text(ret->account_sid, sizeof(ret->account_sid), k->account_sid);
	ret->token = secret_ref(k->token);
	copy_text(ret->api_key, sizeof(ret->api_key), k->api_key);
	ret->api_secret = secret_ref(k->api_secret);
	copy_text(ret->second_key, sizeof(ret->second_key), k->second_key);
	ret->second_secret = secret_ref(k->second_secret);
	copy_text(ret->parent_sid, sizeof(ret->parent_sid), k->parent_sid);
	copy_text(ret->parent_key, sizeof(ret->parent_key), k->parent_key);
	ret->parent_secret = secret_ref(k->parent_secret);
	copy_text(ret->region, sizeof(ret->region), k->region);
	copy_text(ret->edge, sizeof(ret->edge), k->edge);
}
