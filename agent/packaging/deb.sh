#!/bin/sh
# Packs a built agent as a Debian package, and prints where it is.
#
#     agent/packaging/deb.sh ARCH PROGRAM [VERSION [FOLDER]]     ARCH: amd64, arm64 or armhf
#
# Without a version it is the workspace's; the folder is target/debian. The program is taken as it is, but for symbols
# that only a debugger reads. With FAST=1 it is packed in a second instead of ten, half as large again: for tests.
set -eu
architecture=$1 program=$2 version=${3:-}
cd "$(dirname "$0")/../.."
folder=${4:-$PWD/target/debian}
# Whoever installs from there finds one package a processor.
[ -n "${4:-}" ] || rm -f "$folder"/pirack-agent_*_"$architecture".deb
# The version that setup.sh installs.
cargo_deb=${XDG_CACHE_HOME:-$HOME/.cache}/pirack/tools/cargo-deb-3.8.0/bin/cargo-deb
[ -x "$cargo_deb" ] || { echo 'deb: there is no cargo-deb here; tests/setup.sh package installs it' >&2; exit 1; }

case $architecture in
amd64) triple=x86_64-unknown-linux-gnu prefix=x86_64-linux-gnu- ;;
arm64) triple=aarch64-unknown-linux-gnu prefix=aarch64-linux-gnu- ;;
armhf) triple=armv7-unknown-linux-gnueabihf prefix=arm-linux-gnueabihf- ;;
*) echo "deb: no architecture is named \"$architecture\": amd64, arm64 or armhf" >&2; exit 2 ;;
esac
[ "$architecture" != "$(dpkg --print-architecture)" ] || prefix=''

# cargo-deb takes programs from where cargo leaves them: here that is a folder with nothing but this one.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/$triple/release" "$folder"
"${prefix}strip" -o "$scratch/$triple/release/pirack-agent" "$program"
# shellcheck disable=SC2086 # options, or none
CARGO_TARGET_DIR=$scratch "$cargo_deb" --quiet --locked --manifest-path agent/Cargo.toml --target "$triple" \
    --no-build --no-strip ${FAST:+--fast} ${version:+--deb-version "$version"} --output "$folder"
