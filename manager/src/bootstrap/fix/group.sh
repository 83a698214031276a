# A user in the group docker; it holds from the next login on.
#
#     sh group.sh USER
set -eu
id -nG "$1" | grep -qw docker && exit 0
usermod -aG docker "$1"
echo "$1 is in the group docker"
