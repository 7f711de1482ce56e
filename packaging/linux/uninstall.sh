#!/bin/sh
# Take cfinspect away again for the user who runs this. Images, projects, verdicts and settings stay;
# so does everything else that somebody has put into the program's folder.
set -eu

data=${XDG_DATA_HOME:-$HOME/.local/share}
command=$HOME/.local/bin/cfinspect
place=$HOME/.local/opt/cfinspect

if [ -L "$command" ]; then
    rm -f "$command"
elif [ -e "$command" ]; then
    echo "$command is another program and stays." >&2
fi
rm -f "$data/applications/cfinspect.desktop" "$data/icons/hicolor/scalable/apps/cfinspect.svg" \
    "$data/mime/packages/cfinspect.xml"
update-mime-database "$data/mime" >/dev/null 2>&1 || true
update-desktop-database "$data/applications" >/dev/null 2>&1 || true
if [ -f "$place/_internal/resources/build.json" ]; then
    chmod -R u+w "$place"
    rm -rf "$place/_internal" "$place/licences"
    rm -f "$place/LICENSE" "$place/MANIFEST.json" "$place/SHA256SUMS" "$place/cfinspect" \
        "$place/cfinspect.desktop" "$place/cfinspect.svg" "$place/cfinspect-mime.xml" \
        "$place/install.sh" "$place/uninstall.sh"
    rmdir "$place" 2>/dev/null || echo "$place holds other files; they stay." >&2
fi
echo "cfinspect is removed. Projects and settings are where they were."
