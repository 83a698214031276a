# One line of /etc/hosts for a name, and that name on no other line.
#
#     sh hosts.sh ADDRESS NAME
set -eu
address=$1 name=$2
new=$(mktemp /etc/.hosts.XXXXXX)
trap 'rm -f "$new"' EXIT
awk -v address="$address" -v name="$name" '
    /^[[:space:]]*(#|$)/ { print; next }
    {
        line = $1; kept = 0
        for (word = 2; word <= NF; word++) {
            if ($word ~ /^#/) break
            if ($word != name) { line = line " " $word; kept++ }
        }
        if (kept == NF - 1) print; else if (kept) print line
    }
    END { print address " " name }' /etc/hosts >"$new"
# The line may have been there already, at its end or elsewhere.
if grep -qE "^$address[[:space:]]+$name$" /etc/hosts && [ "$(grep -cwF -- "$name" /etc/hosts)" = 1 ]; then exit 0; fi
[ -e /etc/hosts.pirack-before ] || cp -p /etc/hosts /etc/hosts.pirack-before
chmod 644 "$new"
mv -f "$new" /etc/hosts
trap - EXIT
echo "/etc/hosts: $name is $address"
