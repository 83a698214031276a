# The kernel's flags for the memory control group, where the board's boot loader reads them.
set -eu
words='cgroup_enable=memory cgroup_memory=1'
keep() { [ -e "$1.pirack-before" ] || cp -p "$1" "$1.pirack-before"; }
# A boot partition cannot be renamed over while the power may go: the new file is whole before it takes the place.
replace() { sync; mv -f "$1.pirack-new" "$1"; sync; }
missing() { for word in $words; do grep -qw -- "$word" "$1" || printf ' %s' "$word"; done; }
for file in /boot/firmware/cmdline.txt /boot/cmdline.txt; do
    # Newer systems leave a note at the old place.
    [ -f "$file" ] && grep -q root= "$file" || continue
    more=$(missing "$file")
    [ -n "$more" ] || { echo "$file has the flags already: restart the board"; exit 0; }
    keep "$file"
    # One line, of which an earlier cgroup_disable=memory would win over ours.
    sed -e '1s/ *cgroup_disable=memory//g' -e "1s/[[:space:]]*\$/$more/" "$file" >"$file.pirack-new"
    replace "$file"
    echo "$file:$more; restart the board"
    exit 0
done
file=/boot/armbianEnv.txt
if [ -f "$file" ]; then
    more=$(missing "$file")
    [ -n "$more" ] || { echo "$file has the flags already: restart the board"; exit 0; }
    keep "$file"
    if grep -q '^extraargs=' "$file"; then
        sed -e "/^extraargs=/s/[[:space:]]*\$/$more/" "$file" >"$file.pirack-new"
    else
        { cat "$file"; echo "extraargs=${more# }"; } >"$file.pirack-new"
    fi
    replace "$file"
    echo "$file:$more; restart the board"
    exit 0
fi
echo "there is neither /boot/firmware/cmdline.txt nor /boot/cmdline.txt nor /boot/armbianEnv.txt: add $words where this boot loader reads its command line" >&2
exit 1
