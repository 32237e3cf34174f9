/*
 * A bare libcurl loop over paged lists, for comparison: one handle, one connection, each
 * page kept until the next, its link found by a search of text, nothing else done with it.
 *
 * stdin: a line for each list, "BASE PATH MAX AUTH", MAX = pages at most (0 = all), AUTH =
 * user:password or a header with ':' after a '@'. stdout: requests, bytes, seconds.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct page { char *s; size_t len, cap; };

static size_t keep(char *p, size_t size, size_t n, void *ctx)
{
	struct page *b = ctx;

	n *= size;
	if (b->len + n + 1 > b->cap) {
		b->cap = (b->len + n + 1) * 2;
		b->s = realloc(b->s, b->cap);
		if (!b->s)
			abort();
	}
	memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = '\0';
	return n;
}

/* The text after "name":" or "name": " up to the quote; false: null or not there. */
static int link_of(const struct page *b, const char *name, char *out, size_t size)
{
	char key[64];
	const char *p;
	size_t n = 0;

	snprintf(key, sizeof(key), "\"%s\":", name);
	p = b->s ? strstr(b->s, key) : NULL;
	if (!p)
		return 0;
	p += strlen(key);
	while (*p == ' ')
		p++;
	if (*p++ != '"')
		return 0;
	for (; *p && *p != '"' && n + 1 < size; p++)
		if (*p != '\\')
			out[n++] = *p;
	out[n] = '\0';
	return n > 0;
}

static void walk(CURL *c, const char *base, const char *first, long max, const char *auth,
		 long *requests, double *bytes)
{
	struct curl_slist *headers = NULL;
	struct page b = { 0 };
	char url[4096], link[2048];

	snprintf(url, sizeof(url), "%s%s", base, first);
	if (auth[0] == '@')
		headers = curl_slist_append(NULL, auth + 1);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERPWD, headers ? NULL : auth);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &b);
	for (long n = 0; !max || n < max; n++) {
		long status = 0;

		b.len = 0;
		curl_easy_setopt(c, CURLOPT_URL, url);
		if (curl_easy_perform(c) != CURLE_OK ||
		    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
			status != 200) {
			fprintf(stderr, "%s: status %ld\n", url, status);
			exit(1);
		}
		++*requests;
		*bytes += (double)b.len;
		if (link_of(&b, "next_page_uri", link, sizeof(link)))
			snprintf(url, sizeof(url), "%s%s", base, link);
		else if (link_of(&b, "next_page_url", link, sizeof(link)) && strstr(link, "/v1/"))
			/* the simulator's links name the real host */
			snprintf(url, sizeof(url), "%s%s", base, strstr(link, "/v1/"));
		else if (strstr(b.s, "\"has_more\":true") &&
			 link_of(&b, "next_cursor", link, sizeof(link)))
			snprintf(url, sizeof(url), "%s%s&cursor=%s", base, first, link);
		else
			break;
	}
	free(b.s);
	curl_slist_free_all(headers);
}

int main(void)
{
	char base[512], first[1024], auth[512];
	struct timespec a, z;
	long requests = 0, max;
	double bytes = 0;
	CURL *c;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	c = curl_easy_init();
	clock_gettime(CLOCK_MONOTONIC, &a);
	while (scanf("%511s %1023s %ld %511[^\n]", base, first, &max, auth) == 4)
		walk(c, base, first, max, auth[0] == ' ' ? auth + 1 : auth, &requests, &bytes);
	clock_gettime(CLOCK_MONOTONIC, &z);
	curl_easy_cleanup(c);
	printf("%ld %.0f %.3f\n", requests, bytes,
	       (double)(z.tv_sec - a.tv_sec) + (double)(z.tv_nsec - a.tv_nsec) / 1e9);
	return 0;
}
