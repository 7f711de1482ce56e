#!/bin/sh
# Take cfinspect away again for the user who runs this. Images, projects, verdicts and settings stay;
# so does everything else that somebody has put into the program's folder, and what only has our name.
set -eu

[ -n "${HOME-}" ] || { echo "HOME names no folder: run this as the user of cfinspect." >&2 && exit 2; }
data=${XDG_DATA_HOME:-$HOME/.local/share}
command=$HOME/.local/bin/cfinspect
place=$HOME/.local/opt/cfinspect
note=_internal/resources/build.json

# Whether the link $1 leads to a program of a bundle, ours at $place or one that was left --here.
is_our_link() {
    target=$(readlink "$1")
    [ "$target" = "$place/cfinspect" ] && return 0
    target=$(readlink -f "$1") || return 1
    [ "${target##*/}" = cfinspect ] && [ -f "${target%/*}/$note" ]
}

if [ -L "$command" ] && is_our_link "$command"; then
    rm -f "$command"
elif [ -e "$command" ] || [ -L "$command" ]; then
    echo "$command is another program and stays." >&2
fi
for file in "$data/applications/cfinspect.desktop" \
    "$data/icons/hicolor/scalable/apps/cfinspect.svg" "$data/mime/packages/cfinspect.xml"; do
    if [ -L "$file" ]; then
        echo "$file is a link that is not cfinspect's, and stays." >&2
    else
        rm -f "$file"
    fi
done
update-mime-database "$data/mime" >/dev/null 2>&1 || true
update-desktop-database "$data/applications" >/dev/null 2>&1 || true
if [ -L "$place" ]; then
    echo "$place is a link that is not cfinspect's, and stays." >&2
elif [ -f "$place/$note" ]; then
    chmod -R u+w "$place"
    if [ -s "$place/SHA256SUMS" ]; then
        # The files of its list, links to libraries, and the folders that are empty then.
        (cd "$place" && sed 's|^[0-9a-f]* [ *]|./|' SHA256SUMS | grep -v '/\.\./' | tr '\n' '\0' |
            xargs -0 rm -f --)
        find "$place/_internal" -type l -exec rm -f {} +
        rm -f "$place/MANIFEST.json" "$place/SHA256SUMS"
        find "$place" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
    else
        rm -rf "$place/_internal" "$place/licences"
        rm -f "$place/LICENSE" "$place/MANIFEST.json" "$place/SHA256SUMS" "$place/cfinspect" \
            "$place/cfinspect.desktop" "$place/cfinspect.svg" "$place/cfinspect-mime.xml" \
            "$place/install.sh" "$place/uninstall.sh"
    fi
    rmdir "$place" 2>/dev/null || echo "$place holds other files; they stay." >&2
fi
echo "cfinspect is removed. Projects and settings are where they were."
