# Has a running engine read /etc/docker/daemon.json again; its containers run on.
set -eu
[ -S /var/run/docker.sock ] || exit 0
if [ -d /run/systemd/system ]; then systemctl reload docker; else kill -HUP "$(cat /var/run/docker.pid)"; fi
echo 'the engine has read daemon.json again'
