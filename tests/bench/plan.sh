#!/bin/sh
# How long a plan takes for the largest rack that anybody should have: 100 boards and 300 services that do not exist, the
# median of 21. From bare boards, and of a heap change with the joins beside it.
#
# Prints key=value lines; the figure to reach is at most 50 ms for each.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"

cargo test --release --locked -p pirack --lib operation::tests::figures -- --ignored --nocapture >"$scratch/said" || {
    cat "$scratch/said" >&2
    exit 1
}
# "bare boards: 1234 steps, median of 21: 14.0 ms"
figure() { sed -n "s/^.*$1: [0-9]* steps, median of 21: \([0-9.]*\) ms$/$2=\1/p" "$scratch/said"; }
figure 'bare boards' plan_bare_milliseconds
figure 'a heap change' plan_change_milliseconds
