#!/bin/sh
# Every check, stage by stage: what `make test` runs. `tests/run.sh long` adds what takes longer.
#
# A stage's output goes to target/logs/STAGE.log, and its end to the screen when it fails; the stages
# after it run all the same, so that one run tells everything. The last line counts tests; a stage that
# runs none counts as one. A test that leaves itself out (see src/skip.rs) is counted as skipped, and
# one that libtest ignores as well.
set -u
# What a test says is enough; a backtrace of each only buries it.
export RUST_BACKTRACE=0
cd "$(dirname "$0")/.." || exit 1
logs=target/logs
mkdir -p "$logs"
rm -f "$logs"/*.log
passed=0 failed=0 skipped=0
began=$(date +%s)

# stage NAME COMMAND...
stage() {
    name=$1
    log=$logs/$name.log
    shift
    start=$(date +%s)
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    took=$(($(date +%s) - start))
    count "$log" "$status"
    if [ "$status" -eq 0 ]; then
        printf '%-12s %5d s  ok\n' "$name" "$took"
    else
        printf '%-12s %5d s  FAILED, exit status %d; from %s:\n' "$name" "$took" "$status" "$log"
        excerpt "$log" | sed 's/^/    /'
    fi
    grep -h '^skipped: ' "$log" | sed 's/^/    /'
    return "$status"
}

# Each test's first complaint, or the end of what has no tests.
excerpt() {
    if grep -q '^test result: FAILED' "$1"; then
        # libtest tells a failure as a panic, libtest-mimic an error too, below its test's name. A chapter that
        # was not told says nothing.
        awk '/^thread .* panicked at/ { if (!seen[$2]++) { show = 8 } }
            /^---- .* ----$/ && !/ stdout ----$/ { head = $0; show = 0; next }
            /^failures:$/ { show = 0 }
            head != "" { if (!/^not told: / && !seen[head]++) { print head; show = 24 } head = "" }
            show > 0 { print substr($0, 1, 400); show-- }' "$1"
    else
        tail -n 60 "$1"
    fi
}

# Adds up what libtest and node's runner say of themselves, or counts the stage as one.
count() {
    results=$(awk '
        /^test result: / { runs++; for (i = 2; i <= NF; i++) {
            if ($i == "passed;") ok += $(i - 1); if ($i == "failed;") bad += $(i - 1)
            if ($i == "ignored;") out += $(i - 1) } }
        /^skipped: / { left++ }
        # node --test
        /^(#|ℹ) (pass|fail|skipped|todo) [0-9]+$/ { runs++
            if ($2 == "pass") ok += $3; else if ($2 == "fail") bad += $3; else out += $3 }
        END { if (runs) print ok - left, bad, out + left }' "$1")
    if [ -n "$results" ]; then
        # shellcheck disable=SC2086 # three numbers
        set -- $results "$2"
        passed=$((passed + $1)) skipped=$((skipped + $3))
        # A compiler's error fails the stage without a failed test.
        if [ "$2" -eq 0 ] && [ "$4" -ne 0 ]; then failed=$((failed + 1)); else failed=$((failed + $2)); fi
    elif [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

web() (
    cd manager/web && npm ci --no-audit --no-fund && npm run check && npm run build
)

# One build for all: with the same targets and so the same features as the tests that follow.
build() {
    cargo build --locked --workspace --all-targets
}

unit() {
    # shellcheck disable=SC2086 # one option, or none
    cargo test --locked --workspace --lib --bins --no-fail-fast -- $1 && cargo test --locked --workspace --doc
}

# One after another, each with the machine to itself: they run whole racks. A stage for each name, so that a run
# that is cut off tells how far it came.
scenarios() {
    listed=$logs/list.log
    cargo test --color never --locked --workspace --test '*' --no-run >"$listed" 2>&1
    names=$(sed -n 's|^ *Executable .*/\(.*\)-[0-9a-f]*)$|\1|p' "$listed" | sort -u)
    # They were built before; where there is none, cargo has said why.
    [ -n "$names" ] || stage scenarios sh -c 'cat "$0"; false' "$listed"
    for name in $names; do
        # shellcheck disable=SC2086 # one option, or none
        stage "$name" cargo test --locked --workspace --test "$name" --no-fail-fast -- $1
    done
}

# The agent's package, and the manager, where systemd is the first process.
systemd() {
    package=$(FAST=1 agent/packaging/deb.sh "$(dpkg --print-architecture)" target/debug/pirack-agent '' "$PWD/target/systemd") &&
        tests/systemd.sh "$package" target/debug/pirack
}

purposes='build test lab images package cross'
extra=''
if [ "${1:-}" = long ]; then
    purposes='build test lab images package cross-armv7 systemd'
    extra=--include-ignored
    # Twice as long to build, and 10,000 schedules in six minutes, not in most of an hour.
    export CARGO_PROFILE_DEV_OPT_LEVEL=1
fi

# shellcheck disable=SC2086 # several purposes
if stage setup tests/setup.sh $purposes; then
    stage web web
    stage format cargo fmt --check
    stage lints cargo clippy --locked --workspace --all-targets -- -D warnings
    stage build build
    stage unit unit "$extra"
    stage aarch64 tests/cross.sh aarch64
    [ -n "$extra" ] && stage armv7 tests/cross.sh armv7
    [ -n "$extra" ] && stage systemd systemd
    scenarios "$extra"
fi

printf 'all of it    %5d s  logs in %s\n' $(($(date +%s) - began)) "$logs"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
