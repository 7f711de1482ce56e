"""Pictures for people: overlays, sample sheets, curves."""
