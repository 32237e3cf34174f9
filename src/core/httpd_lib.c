/*
 * libmicrohttpd, loaded when the first server starts. The console never serves, and the
 * library's own set-up (it brings GnuTLS with it) would cost it a megabyte and a
 * millisecond before the first paint. The functions below stand where the library's
 * would; httpd*.c calls them by their usual names.
 *
 * Invariant: everything but MHD_start_daemon is called only while a daemon exists, so the
 * table is filled. Not loaded is the same as "no daemon".
 */
#include <dlfcn.h>
#include <microhttpd.h>
#include <stdarg.h>

#define SONAME "libmicrohttpd.so.12"

static struct {
	void *handle;
	__typeof__(&MHD_start_daemon_va) start_va;
	__typeof__(&MHD_stop_daemon) stop;
	__typeof__(&MHD_run) run;
	__typeof__(&MHD_add_connection) add_connection;
	__typeof__(&MHD_get_timeout) get_timeout;
	__typeof__(&MHD_get_daemon_info) daemon_info;
	__typeof__(&MHD_get_connection_info) connection_info;
	__typeof__(&MHD_lookup_connection_value) lookup;
	__typeof__(&MHD_suspend_connection) suspend;
	__typeof__(&MHD_resume_connection) resume;
	__typeof__(&MHD_queue_response) queue;
	__typeof__(&MHD_create_response_from_buffer) from_buffer;
	__typeof__(&MHD_create_response_from_callback) from_callback;
	__typeof__(&MHD_add_response_header) add_header;
	__typeof__(&MHD_destroy_response) destroy;
	__typeof__(&MHD_http_unescape) unescape;
} lib;

static int load(void)
{
	static const struct {
		const char *name;
		void *at;
	} names[] = {
		{ "MHD_start_daemon_va", &lib.start_va },
		{ "MHD_stop_daemon", &lib.stop },
		{ "MHD_run", &lib.run },
		{ "MHD_add_connection", &lib.add_connection },
		{ "MHD_get_timeout", &lib.get_timeout },
		{ "MHD_get_daemon_info", &lib.daemon_info },
		{ "MHD_get_connection_info", &lib.connection_info },
		{ "MHD_lookup_connection_value", &lib.lookup },
		{ "MHD_suspend_connection", &lib.suspend },
		{ "MHD_resume_connection", &lib.resume },
		{ "MHD_queue_response", &lib.queue },
		{ "MHD_create_response_from_buffer", &lib.from_buffer },
		{ "MHD_create_response_from_callback", &lib.from_callback },
		{ "MHD_add_response_header", &lib.add_header },
		{ "MHD_destroy_response", &lib.destroy },
		{ "MHD_http_unescape", &lib.unescape },
	};

	if (lib.handle)
		return 0;
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *f = dlsym(handle, names[i].name);
		if (!f) {
			dlclose(handle);
			return -1;
		}
		*(void **)names[i].at = f;
	}
	lib.handle = handle;
	return 0;
}

struct MHD_Daemon *MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback apc,
				    void *apc_cls, MHD_AccessHandlerCallback dh, void *dh_cls, ...)
{
	struct MHD_Daemon *d;
	va_list ap;

	if (load())
		return NULL;
	va_start(ap, dh_cls);
	d = lib.start_va(flags, port, apc, apc_cls, dh, dh_cls, ap);
	va_end(ap);
	return d;
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	lib.stop(daemon);
}

enum MHD_Result MHD_run(struct MHD_Daemon *daemon)
{
	return lib.run(daemon);
}

enum MHD_Result MHD_add_connection(struct MHD_Daemon *daemon, MHD_socket client_socket,
				   const struct sockaddr *addr, socklen_t addrlen)
{
	return lib.add_connection(daemon, client_socket, addr, addrlen);
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *timeout)
{
	return lib.get_timeout(daemon, timeout);
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon,
						enum MHD_DaemonInfoType type, ...)
{
	return lib.daemon_info(daemon, type);
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
							enum MHD_ConnectionInfoType type, ...)
{
	return lib.connection_info(connection, type);
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
					const char *key)
{
	return lib.lookup(connection, kind, key);
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
	lib.suspend(connection);
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
	lib.resume(connection);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
				   struct MHD_Response *response)
{
	return lib.queue(connection, status, response);
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	return lib.from_buffer(size, buffer, mode);
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block,
						       MHD_ContentReaderCallback crc, void *crc_cls,
						       MHD_ContentReaderFreeCallback crfc)
{
	return lib.from_callback(size, block, crc, crc_cls, crfc);
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header,
					const char *content)
{
	return lib.add_header(response, header, content);
}

void MHD_destroy_response(struct MHD_Response *response)
{
	lib.destroy(response);
}

size_t MHD_http_unescape(char *val)
{
	return lib.unescape(val);
}
