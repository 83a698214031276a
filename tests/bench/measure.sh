# shellcheck shell=sh disable=SC2034 # sourced; what it sets is used there
# What every script here begins with; each sources it: . "$(dirname "$0")/measure.sh"
#
# From here on they stand in the repository's root and have `$scratch`, a folder of their own. What a
# script starts to measure it names in `pid`; on every way out that is ended and the folder taken away.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
pid=
finish() {
    status=$?
    trap - EXIT
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

now() { cut -d ' ' -f 1 /proc/uptime; }
since() { echo "$(now) $1" | awk '{ printf "%.2f", $1 - $2 }'; }
# utime + stime of what is measured, in ticks; the name in parentheses may hold anything, so count from its end.
ticks() { sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }'; }
# A field of its status that counts memory, VmRSS or VmHWM, in mebibytes.
memory() { awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }
# Whether it still runs; if not, says what it said, from FILE.
alive() {
    kill -0 "$pid" 2>/dev/null && return
    echo "$0: it ended before its time:" >&2
    cat "$1" >&2
    return 1
}
