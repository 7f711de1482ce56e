#!/bin/sh
# Install cfinspect for the user who runs this: no root, no network. Run it from the unpacked folder:
#   ./install.sh            copies the program to ~/.local/opt/cfinspect
#   ./install.sh --here     leaves the program where it lies (a shared or read-only folder)
# Adds a menu entry, the icon, "Open with" for models, and the command cfinspect. Run it again with a
# newer archive to update. Nothing that is not cfinspect's own is overwritten or deleted: where a link
# or file of somebody else stands in the way, it is named, and nothing is changed.
set -eu

fail() {
    echo "$*" >&2
    exit 2
}

[ -n "${HOME-}" ] || fail "HOME names no folder: run this as the user who will use cfinspect."
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
data=${XDG_DATA_HOME:-$HOME/.local/share}
command=$HOME/.local/bin/cfinspect
place=$HOME/.local/opt/cfinspect
note=_internal/resources/build.json
unfinished=.unfinished-installation
entry=$data/applications/cfinspect.desktop
icon=$data/icons/hicolor/scalable/apps/cfinspect.svg
mime=$data/mime/packages/cfinspect.xml

there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# What stands in $1 beside our own files; nothing where it is a bundle and only that.
foreign() {
    there "$1" || return 0
    if [ -L "$1" ] || [ ! -f "$1/$note" ]; then
        echo "$1"
    elif [ -s "$1/SHA256SUMS" ]; then
        # Every file that is not in its list; links in _internal are libraries' second names.
        (cd "$1" && {
            sed 's|^[0-9a-f]* [ *]|./|' SHA256SUMS
            printf '%s\n' ./SHA256SUMS ./MANIFEST.json /
            find . ! -type d ! \( -type l -path './_internal/*' \)
        } | awk 'ours { if (!($0 in own)) print; next } $0 == "/" { ours = 1; next } { own[$0] }')
    else
        find "$1" -mindepth 1 -maxdepth 1 ! -name _internal ! -name licences ! -name LICENSE \
            ! -name MANIFEST.json ! -name SHA256SUMS ! -name cfinspect ! -name cfinspect.desktop \
            ! -name cfinspect.svg ! -name cfinspect-mime.xml ! -name install.sh \
            ! -name uninstall.sh
    fi
}

# Whether the link $1 leads to a program of a bundle, ours at $place or one that was left --here.
is_our_link() {
    target=$(readlink "$1")
    [ "$target" = "$place/cfinspect" ] && return 0
    target=$(readlink -f "$1") || return 1
    [ "${target##*/}" = cfinspect ] && [ -f "${target%/*}/$note" ]
}

case "${1-}" in
'') ;;
--here) place=$here ;;
*) fail "usage: $0 [--here]" ;;
esac
[ -f "$here/$note" ] || fail "$here holds no cfinspect: run this from the unpacked folder."
if [ -L "$command" ]; then
    is_our_link "$command" ||
        fail "$command is a link to another program ($(readlink "$command")): move it away first."
elif [ -e "$command" ]; then
    fail "$command is another program: move it away first."
fi
for file in "$entry" "$icon" "$mime"; do
    [ ! -L "$file" ] || fail "$file is a link that is not cfinspect's: move it away first."
done

if [ "$place" != "$here" ]; then
    case "$here/" in "$place"/*) fail "Unpack the archive outside of $place." ;; esac
    others=$(foreign "$place")
    [ -z "$others" ] || fail "Move these away first, they are not cfinspect's: $others"
    # What an installation that was ended half-way left; else it is somebody's.
    if there "$place.new"; then
        [ ! -L "$place.new" ] && [ -f "$place.new/$unfinished" ] ||
            fail "Move this away first, it is not cfinspect's: $place.new"
        chmod -R u+w "$place.new" && rm -rf "$place.new"
    fi
    if there "$place.old"; then
        others=$(foreign "$place.old")
        [ -z "$others" ] || fail "Move these away first, they are not cfinspect's: $others"
        chmod -R u+w "$place.old" && rm -rf "$place.old"
    fi
    # Beside the old one first: a full disk must not cost the version that works.
    mkdir -p "$(dirname "$place")" && mkdir "$place.new"
    : >"$place.new/$unfinished"
    if ! cp -a "$here/." "$place.new/"; then
        chmod -R u+w "$place.new" && rm -rf "$place.new"
        fail "cfinspect could not be copied; what was installed before stays as it was."
    fi
    chmod -R u+w "$place.new"
    rm "$place.new/$unfinished"
    [ ! -e "$place" ] || mv "$place" "$place.old"
    mv "$place.new" "$place"
    [ ! -e "$place.old" ] || { chmod -R u+w "$place.old" && rm -rf "$place.old"; }
fi

mkdir -p "$(dirname "$command")" "$(dirname "$entry")" "$(dirname "$icon")" "$(dirname "$mime")"
ln -sfn "$place/cfinspect" "$command"
# In a desktop entry a program with spaces is quoted, and \ " ` $ % mean something.
quoted=$(printf '%s' "$place/cfinspect" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g')
escaped=$(printf '"%s"' "$quoted" | sed 's/[&|\\]/\\&/g')
plain=$(printf '%s' "$place/cfinspect" | sed 's/[&|\\]/\\&/g')
sed -e "/^Exec=/s|@PROGRAM@|$escaped|" -e "s|@PROGRAM@|$plain|" \
    "$place/cfinspect.desktop" >"$entry"
cp -f "$place/cfinspect.svg" "$icon"
cp -f "$place/cfinspect-mime.xml" "$mime"
chmod u+w "$icon" "$mime"
update-mime-database "$data/mime" >/dev/null 2>&1 || true
update-desktop-database "$data/applications" >/dev/null 2>&1 || true

echo "Installed: $place"
echo "Start it from the menu, or with: $command"
