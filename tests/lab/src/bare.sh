# shellcheck shell=sh
# Takes the engine off a board that is being made, as if it had never been installed. How an engine is started stays,
# for the one that will be.
set -eu
options=$(cat /etc/default/docker)
DEBIAN_FRONTEND=noninteractive dpkg --purge docker.io containerd runc </dev/null
groupdel docker
rm -rf /etc/docker
echo "$options" >/etc/default/docker
