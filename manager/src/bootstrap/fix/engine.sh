# Docker's engine, of the board's own packages, running now and after every restart.
set -eu
if ! command -v dockerd >/dev/null; then
    {
        apt-get update -q -o DPkg::Lock::Timeout=120
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
            -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold docker.io
    } >&2 </dev/null
    echo "installed docker.io $(dpkg-query -W -f '${Version}' docker.io)"
fi
if [ ! -S /var/run/docker.sock ]; then
    if [ -d /run/systemd/system ]; then systemctl enable --now docker; else service docker start; fi >&2
fi
waited=0
while [ ! -S /var/run/docker.sock ]; do
    waited=$((waited + 1))
    [ "$waited" -lt 120 ] || { echo 'there is no /var/run/docker.sock after a minute: see journalctl -u docker' >&2; exit 1; }
    sleep 0.5
done
echo 'the engine runs'
