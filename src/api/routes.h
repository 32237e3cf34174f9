/* Every resource file's table; one line each. */
ROUTES(stream_routes)
ROUTES(system_routes)
