#!/bin/sh
# Builds the agent for the boards with Debian's toolchains: no container engine, no `cross`.
#
#     tests/cross.sh aarch64|armv7 [PROFILE]      PROFILE: cross (for tests), or release
#
# Debian's rustc goes first on PATH, since a standard library of another version cannot be used, and
# everything it makes stays in target/cross, so that it and rustup's compiler do not undo each other's work.
set -eu
cd "$(dirname "$0")/.."
profile=${2:-cross}
options=''

case ${1:-} in
aarch64) target=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu ;;
armv7)
    target=armv7-unknown-linux-gnueabihf gnu=arm-linux-gnueabihf
    # No package of this standard library can be relied on: it is built from Debian's source of it.
    options='-Zbuild-std=std,panic_abort'
    export RUSTC_BOOTSTRAP=1
    ;;
*) echo 'cross: say for which processor: aarch64 or armv7' >&2; exit 2 ;;
esac

# librdkafka includes curl's header and uses none of it; an empty one serves every processor.
headers=$PWD/target/cross/include
mkdir -p "$headers/curl"
: > "$headers/curl/curl.h"

# What cargo and the cc crate ask for: aarch64_unknown_linux_gnu, and the same in capitals.
name=$(echo "$target" | tr - _)
capitals=$(echo "$name" | tr '[:lower:]' '[:upper:]')
export "CARGO_TARGET_${capitals}_LINKER=$gnu-gcc"
export "CC_$name=$gnu-gcc" "CXX_$name=$gnu-g++" "AR_$name=$gnu-ar" "RANLIB_$name=$gnu-ranlib"
export "CFLAGS_$name=-I$headers" "CXXFLAGS_$name=-I$headers"

# shellcheck disable=SC2086 # several options, or none
PATH=/usr/bin:$PATH cargo build --locked $options --target "$target" --target-dir target/cross \
    --profile "$profile" -p pirack-agent
