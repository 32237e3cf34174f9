# Read first by every stand-in: where its state is, and a line in the log of what was called.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
state=$root/state
me=$(basename -- "$0")
now() { date -u '+%Y-%m-%dT%H:%M:%SZ'; }
note() { printf '%s %s %s\n' "$(now)" "$me" "$*" >> "$state/calls.log"; }
die() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }
