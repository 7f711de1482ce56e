#!/bin/sh
# Take cfinspect away again for the user who runs this. Images, projects, verdicts and settings stay.
set -eu

data=${XDG_DATA_HOME:-$HOME/.local/share}
place=$HOME/.local/opt/cfinspect

rm -f "$HOME/.local/bin/cfinspect" "$data/applications/cfinspect.desktop" \
    "$data/icons/hicolor/scalable/apps/cfinspect.svg" "$data/mime/packages/cfinspect.xml"
update-mime-database "$data/mime" 2>/dev/null || true
update-desktop-database "$data/applications" 2>/dev/null || true
if [ -f "$place/MANIFEST.json" ]; then
    rm -rf "$place"
fi
echo "cfinspect is removed. Projects and settings are where they were."
