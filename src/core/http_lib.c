/*
 * libcurl, loaded when the first transfer is made. It brings some thirty libraries with it,
 * whose loading takes longer than all else before the console's first paint. The functions
 * below stand where the library's would; http*.c and mail.c call them by their usual
 * names.
 *
 * Invariant: a library that cannot be loaded ends the program, as it would at its start.
 */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdarg.h>

#include "core/solib.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define FUNCTIONS(F, V)                                                                            \
	F(CURLcode, curl_global_init, (long flags), (flags))                                       \
	F(CURL *, curl_easy_init, (void), ())                                                      \
	V(curl_easy_cleanup, (CURL * e), (e))                                                      \
	F(CURLcode, curl_easy_recv, (CURL * e, void *p, size_t n, size_t *got), (e, p, n, got))    \
	F(CURLcode, curl_easy_send, (CURL * e, const void *p, size_t n, size_t *sent),             \
	  (e, p, n, sent))                                                                         \
	F(const char *, curl_easy_strerror, (CURLcode c), (c))                                     \
	V(curl_free, (void *p), (p))                                                               \
	F(CURLM *, curl_multi_init, (void), ())                                                    \
	F(CURLMcode, curl_multi_cleanup, (CURLM * m), (m))                                         \
	F(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *e), (m, e))                          \
	F(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *e), (m, e))                       \
	F(CURLMcode, curl_multi_assign, (CURLM * m, curl_socket_t s, void *p), (m, s, p))          \
	F(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), (m, left))                      \
	F(CURLMcode, curl_multi_socket_action, (CURLM * m, curl_socket_t s, int ev, int *n),       \
	  (m, s, ev, n))                                                                           \
	F(struct curl_slist *, curl_slist_append, (struct curl_slist * l, const char *s), (l, s))  \
	V(curl_slist_free_all, (struct curl_slist * l), (l))                                       \
	F(CURLU *, curl_url, (void), ())                                                           \
	V(curl_url_cleanup, (CURLU * u), (u))                                                      \
	F(CURLUcode, curl_url_get, (CURLU * u, CURLUPart w, char **p, unsigned f),                 \
	  (u, w, p, f))                                                                            \
	F(CURLUcode, curl_url_set, (CURLU * u, CURLUPart w, const char *p, unsigned f),            \
	  (u, w, p, f))

enum { FUNCTIONS(F_INDEX, V_INDEX) I_setopt, I_getinfo, I_multi_setopt, I_N };

static const char *const names[] = {
	FUNCTIONS(F_NAME, V_NAME) "curl_easy_setopt", "curl_easy_getinfo", "curl_multi_setopt",
};
SOLIB_FIND("libcurl.so.4")

FUNCTIONS(F_BODY, V_BODY)

/* What follows is one long, pointer or curl_off_t, all of which are passed alike. */
CURLcode curl_easy_setopt(CURL *e, CURLoption o, ...)
{
	va_list ap;

	va_start(ap, o);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return ((CURLcode(*)(CURL *, CURLoption, ...))find(I_setopt))(e, o, arg);
}

CURLcode curl_easy_getinfo(CURL *e, CURLINFO i, ...)
{
	va_list ap;

	va_start(ap, i);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return ((CURLcode(*)(CURL *, CURLINFO, ...))find(I_getinfo))(e, i, arg);
}

CURLMcode curl_multi_setopt(CURLM *m, CURLMoption o, ...)
{
	va_list ap;

	va_start(ap, o);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	return ((CURLMcode(*)(CURLM *, CURLMoption, ...))find(I_multi_setopt))(m, o, arg);
}
