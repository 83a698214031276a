# shellcheck shell=sh disable=SC2034 # sourced; what it sets is used there
# What every script here begins with; each sources it: . "$(dirname "$0")/measure.sh"
#
# From here on they stand in the repository's root and have `$scratch`, a folder of their own. What a
# script starts to measure it names in `pid`, what else it starts in `servers`; on every way out those are
# ended and the folder is taken away.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
pid=
servers=
finish() {
    status=$?
    trap - EXIT
    for running in $pid $servers; do
        kill "$running" 2>/dev/null || true
    done
    for running in $pid $servers; do
        wait "$running" 2>/dev/null || true
    done
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
# cpu_microseconds PID: user and system time from the process's own clock (clock_getcpuclockid(3)): finer than
# a tick of 10 ms, and with the threads that have ended.
cpu_microseconds() {
    perl -MTime::HiRes=clock_gettime -e 'my $clock = do { use integer; (-$ARGV[0] - 1) * 8 + 2 };
        printf "%.0f\n", clock_gettime($clock) * 1e6' "$1"
}
# A field of its status that counts memory, VmRSS or VmHWM, in mebibytes.
memory() { awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }
# Whether it still runs; if not, says what it said, from FILE.
alive() {
    kill -0 "$pid" 2>/dev/null && return
    echo "$0: it ended before its time:" >&2
    cat "$1" >&2
    return 1
}
