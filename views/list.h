/* Every view, in the order of Tab completion and help: one line each. */
VIEW(overview)
VIEW(events)
VIEW(accounts)
VIEW(agents)
VIEW(sms)
VIEW(engine)
VIEW(log)
