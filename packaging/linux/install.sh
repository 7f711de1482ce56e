#!/bin/sh
# Install cfinspect for the user who runs this: no root, no network. Run it from the unpacked folder:
#   ./install.sh            copies the program to ~/.local/opt/cfinspect
#   ./install.sh --here     leaves the program where it lies (a shared or read-only folder)
# Adds a menu entry, the icon, "Open with" for models, and the command cfinspect. Run it again with a
# newer archive to update. Nothing that is not cfinspect's own is overwritten or deleted.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
data=${XDG_DATA_HOME:-$HOME/.local/share}
command=$HOME/.local/bin/cfinspect
place=$HOME/.local/opt/cfinspect
note=_internal/resources/build.json

fail() {
    echo "$*" >&2
    exit 2
}

# What stands in $1 beside our own files; nothing where it is a bundle and only that.
foreign() {
    [ -e "$1" ] || return 0
    [ -f "$1/$note" ] || { echo "$1" && return 0; }
    find "$1" -mindepth 1 -maxdepth 1 ! -name _internal ! -name licences ! -name LICENSE \
        ! -name MANIFEST.json ! -name SHA256SUMS ! -name cfinspect ! -name 'cfinspect.*' \
        ! -name cfinspect-mime.xml ! -name install.sh ! -name uninstall.sh
}

case "${1-}" in
'') ;;
--here) place=$here ;;
*) fail "usage: $0 [--here]" ;;
esac
[ -f "$here/$note" ] || fail "$here holds no cfinspect: run this from the unpacked folder."
if [ -e "$command" ] && [ ! -L "$command" ]; then
    fail "$command is another program: move it away first."
fi

if [ "$place" != "$here" ]; then
    case "$here/" in "$place"/*) fail "Unpack the archive outside of $place." ;; esac
    others=$(foreign "$place")
    [ -z "$others" ] || fail "Move these away first, they are not cfinspect's: $others"
    mkdir -p "$(dirname "$place")"
    # Beside the old one first: a full disk must not cost the version that works.
    for left in "$place.new" "$place.old"; do
        [ ! -e "$left" ] || { chmod -R u+w "$left" && rm -rf "$left"; }
    done
    cp -a "$here" "$place.new"
    chmod -R u+w "$place.new"
    [ ! -e "$place" ] || mv "$place" "$place.old"
    mv "$place.new" "$place"
    rm -rf "$place.old"
fi

mkdir -p "$(dirname "$command")" "$data/applications" "$data/icons/hicolor/scalable/apps" \
    "$data/mime/packages"
ln -sfn "$place/cfinspect" "$command"
# In a desktop entry a program with spaces is quoted, and \ " ` $ % mean something.
quoted=$(printf '%s' "$place/cfinspect" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g')
escaped=$(printf '"%s"' "$quoted" | sed 's/[&|\\]/\\&/g')
plain=$(printf '%s' "$place/cfinspect" | sed 's/[&|\\]/\\&/g')
sed -e "/^Exec=/s|@PROGRAM@|$escaped|" -e "s|@PROGRAM@|$plain|" \
    "$place/cfinspect.desktop" >"$data/applications/cfinspect.desktop"
cp -f "$place/cfinspect.svg" "$data/icons/hicolor/scalable/apps/cfinspect.svg"
cp -f "$place/cfinspect-mime.xml" "$data/mime/packages/cfinspect.xml"
chmod u+w "$data/icons/hicolor/scalable/apps/cfinspect.svg" "$data/mime/packages/cfinspect.xml"
update-mime-database "$data/mime" >/dev/null 2>&1 || true
update-desktop-database "$data/applications" >/dev/null 2>&1 || true

echo "Installed: $place"
echo "Start it from the menu, or with: $command"
