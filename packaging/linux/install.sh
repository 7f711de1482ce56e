#!/bin/sh
# Install cfinspect for the user who runs this: no root, no network. Run it from the unpacked folder:
#   ./install.sh            copies the program to ~/.local/opt/cfinspect
#   ./install.sh --here     leaves the program where it lies (a shared or read-only folder)
# Adds a menu entry, the icon, "Open with" for models and folders, and the command cfinspect.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
commands=$HOME/.local/bin
place=$HOME/.local/opt/cfinspect

case "${1-}" in
'') ;;
--here) place=$here ;;
*)
    echo "usage: $0 [--here]" >&2
    exit 2
    ;;
esac

if [ "$place" != "$here" ]; then
    if [ -e "$place" ] && [ ! -f "$place/MANIFEST.json" ]; then
        echo "$place holds something that is not cfinspect: move it away first." >&2
        exit 2
    fi
    mkdir -p "$(dirname "$place")"
    # Beside the old one first: a full disk must not cost the version that works.
    rm -rf "$place.new"
    cp -a "$here" "$place.new"
    chmod -R u+w "$place.new"
    rm -rf "$place.old"
    [ ! -e "$place" ] || mv "$place" "$place.old"
    mv "$place.new" "$place"
    rm -rf "$place.old"
fi

mkdir -p "$commands" "$data/applications" "$data/icons/hicolor/scalable/apps" "$data/mime/packages"
ln -sfn "$place/cfinspect" "$commands/cfinspect"
# In a desktop entry a program with spaces is quoted, and \ " ` $ % mean something.
quoted=$(printf '%s' "$place/cfinspect" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g')
escaped=$(printf '"%s"' "$quoted" | sed 's/[&|\\]/\\&/g')
plain=$(printf '%s' "$place/cfinspect" | sed 's/[&|\\]/\\&/g')
sed -e "/^Exec=/s|@PROGRAM@|$escaped|" -e "s|@PROGRAM@|$plain|" \
    "$here/cfinspect.desktop" >"$data/applications/cfinspect.desktop"
cp -f "$here/cfinspect.svg" "$data/icons/hicolor/scalable/apps/cfinspect.svg"
cp -f "$here/cfinspect-mime.xml" "$data/mime/packages/cfinspect.xml"
chmod u+w "$data/icons/hicolor/scalable/apps/cfinspect.svg" "$data/mime/packages/cfinspect.xml"
update-mime-database "$data/mime" 2>/dev/null || true
update-desktop-database "$data/applications" 2>/dev/null || true

echo "Installed: $place"
echo "Start it from the menu, or with: $commands/cfinspect"
