#!/bin/bash
# Which Debian packages a task needs; without --install only names what is missing.
# usage: need.sh [--install] build|run|test ...
set -u
install=no
[ "${1:-}" = --install ] && { install=yes; shift; }

build="gcc:gcc pkg-config:pkg-config libuv:libuv1-dev libmicrohttpd:libmicrohttpd-dev libcurl:libcurl4-openssl-dev
 libcjson:libcjson-dev openssl:libssl-dev libpcre2-8:libpcre2-dev libpq:libpq-dev yaml-0.1:libyaml-dev
 ncursesw:libncurses-dev libcmark-gfm:libcmark-gfm-dev
 /usr/include/cmark-gfm-core-extensions.h:libcmark-gfm-extensions-dev"
run="/usr/lib/postgresql/15/bin/initdb:postgresql-15"
test="cmocka:libcmocka-dev vterm:libvterm-dev tmux:tmux python3:python3 git:git clang-tidy:clang-tidy clang:clang
 /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a:libclang-rt-14-dev g++:g++ ps:procps troff:groff-base /usr/lib/python3/dist-packages/yaml/__init__.py:python3-yaml cppcheck:cppcheck /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1:libfaketime node:nodejs npm:npm
 psql:postgresql-client-15 runuser:util-linux curl:curl openssl:openssl chromium:chromium prometheus:prometheus
 prometheus-alertmanager:prometheus-alertmanager"

have() {
	case $1 in
	/*) [ -e "$1" ] ;;
	gcc | pkg-config | tmux | python3 | git | clang-tidy | clang | cppcheck | node | npm | psql | runuser | curl | g++ | ps | troff | openssl-cli | chromium | prometheus | prometheus-alertmanager)
		command -v "$1" >/dev/null 2>&1 ;;
	*) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$1" ;;
	esac
}
missing=
for what in "$@"; do
	for pair in ${!what}; do
		have "${pair%%:*}" || missing="$missing ${pair#*:}"
	done
done
missing=$(echo $missing | tr ' ' '\n' | sort -u | tr '\n' ' ')
[ -z "${missing// /}" ] && exit 0

if [ $install = no ]; then
	echo "ringdown: missing Debian packages: $missing" >&2
	echo "          install them: apt-get install $missing   (or run: make demo)" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "ringdown: need root or sudo to install: $missing" >&2
		exit 1
	}
	sudo=sudo
fi
echo "ringdown: installing Debian packages: $missing"
log=$(mktemp)
if $sudo apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 </dev/null ||
	{ $sudo apt-get update -qq >"$log" 2>&1 &&
	  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 </dev/null; }; then
	rm -f "$log"
	exit 0
fi
tail -n 20 "$log" >&2
echo "ringdown: installing failed; the log is in $log" >&2
exit 1
