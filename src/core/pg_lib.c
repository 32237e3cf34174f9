/*
 * libpq, loaded when the first connection is made. A console that has an engine to ask never
 * needs it, nor the libraries that it brings along. The functions below stand where the
 * library's would; pg*.c call them by their usual names.
 *
 * Invariant: a library that cannot be loaded ends the program, as it would at its start.
 */
#include <libpq-fe.h>

#include "core/solib.h"

#define FUNCTIONS(F, V)                                                                            \
	F(int, PQbackendPID, (const PGconn *c), (c))                                               \
	V(PQclear, (PGresult * r), (r))                                                            \
	F(char *, PQcmdTuples, (PGresult * r), (r))                                                \
	F(PostgresPollingStatusType, PQconnectPoll, (PGconn * c), (c))                             \
	F(PGconn *, PQconnectStartParams,                                                          \
	  (const char *const *keys, const char *const *values, int expand),                        \
	  (keys, values, expand))                                                                  \
	V(PQconninfoFree, (PQconninfoOption * o), (o))                                             \
	F(PQconninfoOption *, PQconninfoParse, (const char *s, char **why), (s, why))              \
	F(int, PQconsumeInput, (PGconn * c), (c))                                                  \
	F(PGresult *, PQcopyResult, (const PGresult *r, int flags), (r, flags))                    \
	F(char *, PQerrorMessage, (const PGconn *c), (c))                                          \
	V(PQfinish, (PGconn * c), (c))                                                             \
	F(int, PQflush, (PGconn * c), (c))                                                         \
	F(char *, PQfname, (const PGresult *r, int n), (r, n))                                     \
	V(PQfreemem, (void *p), (p))                                                               \
	F(Oid, PQftype, (const PGresult *r, int n), (r, n))                                        \
	F(PGresult *, PQgetResult, (PGconn * c), (c))                                              \
	F(int, PQgetisnull, (const PGresult *r, int row, int n), (r, row, n))                      \
	F(int, PQgetlength, (const PGresult *r, int row, int n), (r, row, n))                      \
	F(char *, PQgetvalue, (const PGresult *r, int row, int n), (r, row, n))                    \
	F(int, PQisBusy, (PGconn * c), (c))                                                        \
	F(int, PQnfields, (const PGresult *r), (r))                                                \
	F(int, PQntuples, (const PGresult *r), (r))                                                \
	F(char *, PQresultErrorField, (const PGresult *r, int field), (r, field))                  \
	F(char *, PQresultErrorMessage, (const PGresult *r), (r))                                  \
	F(ExecStatusType, PQresultStatus, (const PGresult *r), (r))                                \
	F(int, PQsendPrepare,                                                                      \
	  (PGconn * c, const char *name, const char *sql, int n, const Oid *types),                \
	  (c, name, sql, n, types))                                                                \
	F(int, PQsendQuery, (PGconn * c, const char *sql), (c, sql))                               \
	F(int, PQsendQueryParams,                                                                  \
	  (PGconn * c, const char *sql, int n, const Oid *types, const char *const *values,        \
	   const int *lengths, const int *formats, int format),                                    \
	  (c, sql, n, types, values, lengths, formats, format))                                    \
	F(int, PQsendQueryPrepared,                                                                \
	  (PGconn * c, const char *name, int n, const char *const *values, const int *lengths,     \
	   const int *formats, int format),                                                        \
	  (c, name, n, values, lengths, formats, format))                                          \
	F(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn * c, PQnoticeReceiver fn, void *arg),     \
	  (c, fn, arg))                                                                            \
	F(int, PQsetSingleRowMode, (PGconn * c), (c))                                              \
	F(int, PQsetnonblocking, (PGconn * c, int on), (c, on))                                    \
	F(int, PQsetvalue, (PGresult * r, int row, int n, char *s, int len), (r, row, n, s, len))  \
	F(int, PQsocket, (const PGconn *c), (c))                                                   \
	F(ConnStatusType, PQstatus, (const PGconn *c), (c))                                        \
	F(PGTransactionStatusType, PQtransactionStatus, (const PGconn *c), (c))

enum { FUNCTIONS(F_INDEX, V_INDEX) I_N };

static const char *const names[] = { FUNCTIONS(F_NAME, V_NAME) };
SOLIB_FIND("libpq.so.5")

FUNCTIONS(F_BODY, V_BODY)
