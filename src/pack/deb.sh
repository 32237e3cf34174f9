#!/bin/bash
# Builds build/ringdown_VERSION_ARCH.deb with dpkg-deb from a staged installation.
set -eu
cd "$(dirname "$0")/../.."
version=$(build/ringdown version | awk '{print $2}')
arch=$(dpkg --print-architecture)
root=build/deb/root
rm -rf build/deb
make --no-print-directory install DESTDIR="$PWD/$root" PREFIX=/usr >/dev/null
install -D -m 644 src/pack/ringdown-engine.service "$root/lib/systemd/system/ringdown-engine.service"
install -d -m 755 "$root/DEBIAN" "$root/etc/ringdown"
depends=$(cd build/deb && mkdir -p debian && touch debian/control &&
	dpkg-shlibdeps -O --ignore-missing-info root/usr/bin/ringdown 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
rm -rf build/deb/debian
# loaded by name when first needed (core/*_lib.c), so nothing sees them in the program
depends="${depends:-libc6}, libmicrohttpd12, libcurl4, libpq5"
cat >"$root/DEBIAN/control" <<EOT
Package: ringdown
Version: $version
Architecture: $arch
Maintainer: ringdown authors <maintainers@ringdown.example>
Depends: $depends
Suggests: postgresql-15
Section: admin
Priority: optional
Description: failover engine and incident console for Twilio and ElevenLabs
 Watches the Twilio accounts behind a fleet of voice agents, fails over with a
 human in the loop, rolls back, and shows all of it in a terminal console.
EOT
dpkg-deb --root-owner-group --build "$root" "build/ringdown_${version}_$arch.deb"
