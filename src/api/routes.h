/* Every resource file's table; one line each. */
ROUTES(failover_routes)
ROUTES(accounts_routes)
ROUTES(numbers_routes)
ROUTES(lists_routes)
ROUTES(control_routes)
ROUTES(stream_routes)
ROUTES(system_routes)
ROUTES(sms_routes)
