"""One image on screen: layers, comparing, and the tools that correct masks."""
