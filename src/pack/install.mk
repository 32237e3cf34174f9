.PHONY: install
install: all
	install -D -m 755 $(B)/ringdown $(DESTDIR)$(PREFIX)/bin/ringdown
