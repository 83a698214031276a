#!/bin/sh
# Installs what this machine lacks for the purposes named: build, test, lab, cross, cross-armv7, bench, images, package, systemd.
#
#     tests/setup.sh build test
#
# Whatever is there already, by whichever way it came, is left alone: a line below is skipped when its
# last word, a command or a path, is found. So a second run costs nothing and needs neither root nor
# a network. Only Debian's own packages are used, and cargo-deb, which is built once for all checkouts; the
# names are Debian 12's.
set -eu
cd "$(dirname "$0")/.."

missing=''
reasons=''
unmet=''

# need PURPOSE PACKAGE FOUND-BY: PACKAGE is wanted for PURPOSE unless FOUND-BY is here. FOUND-BY is a
# command, a path (with wildcards) or `-`, which asks dpkg.
need() {
    case $3 in
    -) present=$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null || true)
        [ "$present" = installed ] && return 0 ;;
    /*) for path in $3; do [ -e "$path" ] && return 0; done ;;
    *) command -v "$3" >/dev/null 2>&1 && return 0 ;;
    esac
    # Not what the search above came to: a purpose that ends with this would end the script.
    case " $missing " in *" $2 "*) return 0 ;; esac
    missing="$missing $2"
    reasons="$reasons
  $2 ($1)"
}

# The compilers, and what the web bundle is made with. librdkafka is built from source: CMake, and
# curl's headers, which it includes whether or not it uses curl.
purpose_build() {
    need 'links every Rust program' gcc cc
    need 'builds librdkafka' g++ c++
    need 'builds librdkafka' make make
    need 'builds librdkafka' cmake cmake
    need 'headers that librdkafka includes' libcurl4-openssl-dev '/usr/include/*/curl/curl.h'
    need 'bundles the dashboard' nodejs node
    need 'fetches what the dashboard is made of' npm npm
}

# Programs that look at a running rack from outside.
purpose_test() {
    need 'a real browser for the dashboard' chromium chromium
    need 'drives that browser' chromium-driver chromedriver
    need "the manager's way to boards" openssh-client ssh
    need 'letters in the screenshots' fonts-dejavu-core '/usr/share/fonts/truetype/*/*Sans*.ttf'
    need "reads the rack's topics from outside" kcat kcat
    need "reads the rack's history from outside" sqlite3 sqlite3
}

# What boards on this machine are made with (docs/lab.md). What runs on them is installed on them.
purpose_lab() {
    need "makes the boards' root tree" debootstrap /usr/sbin/debootstrap
    need "holds that tree's packages to Debian's signatures" debian-archive-keyring '/usr/share/keyrings/debian-archive-keyring*'
    need "the lab's network" iproute2 ip
    need "the lab's way out, without a change of this machine's network" slirp4netns slirp4netns
    need "the boards' namespaces" util-linux nsenter
    need "the boards' data disks" mount losetup
    need "the boards' doors" openssh-client ssh
    need "certificates for the boards' TLS doors" openssl openssl
}

# Debian's own Rust, which has standard libraries for other processors, beside rustup's.
purpose_cross() {
    foreign arm64
    need 'compiles for the boards' rustc-web /usr/bin/rustc
    need 'compiles for the boards' cargo-web /usr/bin/cargo
    need "Rust's standard library for aarch64" libstd-rust-web-dev:arm64 -
    need 'links for aarch64' gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
    need 'builds librdkafka for aarch64' g++-aarch64-linux-gnu aarch64-linux-gnu-g++
    need 'the C library that aarch64 programs run with' libc6:arm64 -
    need 'runs programs of other processors' qemu-user-static qemu-aarch64-static
}

# armv7's standard library is built from source: Debian's armhf index cannot be relied on.
purpose_cross_armv7() {
    purpose_cross
    need 'source of the standard library' rust-web-src -
    need 'links for armv7' gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc
    need 'builds librdkafka for armv7' g++-arm-linux-gnueabihf arm-linux-gnueabihf-g++
}

# What the figures are held against, and what looks at them from outside. The peers are unpacked under target/,
# not installed: installed, they would start services. What collectd's plugin links with comes with kcat.
purpose_bench() {
    need 'asks the dashboard and the exporter' curl curl
    need "asks the broker for its topics' ends" kcat kcat
    need "reads a process's own clock" perl '/usr/lib/*/perl/*/Time/HiRes.pm'
    peer prometheus-node-exporter usr/bin/prometheus-node-exporter
    peer collectd-core usr/sbin/collectd
}

# peer PACKAGE PROGRAM: unless it is installed, or unpacked already.
peer() {
    command -v "${2##*/}" >/dev/null 2>&1 && return
    [ -x "target/bench/$2" ] && return
    unpack="$unpack $1"
}

# What images are made of. Java only runs Maven: the images' own Java is made inside them.
purpose_images() {
    need 'fetches the jars of Kafka and Cassandra' maven mvn
    need 'runs Maven' openjdk-17-jre-headless java
    need 'makes the Debian that images begin with' debootstrap /usr/sbin/debootstrap
}

# What packs the agent. cargo-deb is no part of Debian: it lies in the cache that all checkouts share.
cargo_deb=3.8.0
purpose_package() {
    need 'takes symbols out of programs' binutils strip
    [ -x "$tools/cargo-deb-$cargo_deb/bin/cargo-deb" ] || built="cargo-deb-$cargo_deb"
}
tools=${XDG_CACHE_HOME:-$HOME/.cache}/pirack/tools

# A system whose first process is systemd, for the agent's package.
purpose_systemd() {
    need 'makes its tree' debootstrap /usr/sbin/debootstrap
    need 'is its boundary' systemd-container systemd-nspawn
}

foreign() {
    dpkg --print-foreign-architectures 2>/dev/null | grep -qx "$1" || architecture=$1
}

# The formatter and the linter, where rustup keeps the compiler and left them out.
rust_components() {
    for pair in rustfmt:fmt clippy:clippy; do
        cargo "${pair#*:}" --version >/dev/null 2>&1 && continue
        if command -v rustup >/dev/null 2>&1; then
            rustup component add "${pair%:*}"
        else
            unmet="$unmet ${pair%:*}"
        fi
    done
}

architecture=''
unpack=''
built=''
for purpose in "$@"; do
    case $purpose in
    build) purpose_build ;;
    test) purpose_test; rust_components ;;
    lab) purpose_lab ;;
    cross) purpose_cross ;;
    cross-armv7) purpose_cross_armv7 ;;
    bench) purpose_bench ;;
    images) purpose_images ;;
    package) purpose_package ;;
    systemd) purpose_systemd ;;
    *) echo "setup: no purpose is named \"$purpose\": build, test, lab, cross, cross-armv7, bench, images, package, systemd" >&2; exit 2 ;;
    esac
done

if ! command -v cargo >/dev/null 2>&1; then
    echo 'setup: there is no cargo here. Install Rust 1.95 or newer with rustup: https://rustup.rs' >&2
    exit 1
fi
if [ -n "$unmet" ]; then
    echo "setup: cargo lacks:$unmet, and there is no rustup to add them" >&2
    exit 1
fi
if [ -n "$built" ]; then
    echo "setup: building $built, once, into $tools"
    # Of the lock file that its makers released it with. Made beside its place: half of it is never taken for it.
    rm -rf "$tools/$built.part"
    cargo install --quiet --locked --version "$cargo_deb" --root "$tools/$built.part" cargo-deb </dev/null
    mv "$tools/$built.part" "$tools/$built"
fi
[ -z "$missing$unpack" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    printf 'setup: this is no Debian. Install what is behind these Debian packages, then try again:%s\n' \
        "$reasons" >&2
    exit 1
fi
as_root=''
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
    command -v sudo >/dev/null 2>&1 || { echo "setup: run as root, or install sudo. Lacking:$reasons" >&2; exit 1; }
fi
export DEBIAN_FRONTEND=noninteractive
[ -n "$missing" ] && printf 'setup: installing, of Debian:%s\n' "$reasons"
[ -n "$architecture" ] && $as_root dpkg --add-architecture "$architecture"
$as_root apt-get update -q
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word a package
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing </dev/null
fi
if [ -n "$unpack" ]; then
    mkdir -p target/bench
    for package in $unpack; do
        (cd target/bench && apt-get download -q "$package" && dpkg-deb -x "$package"_*.deb .)
    done
fi
