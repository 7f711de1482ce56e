"""The window: it shows and asks; all work is done by the layers below, in workers."""
