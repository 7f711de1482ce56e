"""The window itself: start, parts, actions, menus."""
