.PHONY: install
install: all
	install -D -m 755 $(B)/ringdown $(DESTDIR)$(PREFIX)/bin/ringdown
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(B)/ringdown help --man | gzip -9n > $(DESTDIR)$(PREFIX)/share/man/man1/ringdown.1.gz
	install -d $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/ringdown/runbooks
	$(B)/ringdown runbook schema --man | gzip -9n > $(DESTDIR)$(PREFIX)/share/man/man5/ringdown-runbook.5.gz
	$(B)/ringdown runbook schema > $(DESTDIR)$(PREFIX)/share/ringdown/runbook.schema.json
	install -m 644 runbooks/*.yaml $(DESTDIR)$(PREFIX)/share/ringdown/runbooks/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(B)/ringdown help --completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ringdown
	install -d $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	$(B)/ringdown help --completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_ringdown

.PHONY: deb
deb: all
	@src/pack/deb.sh
