"""Procedural images of cracks and apples with exact masks, for the demo and for tests."""

from cfinspect.engine.synth.apples import make_apple
from cfinspect.engine.synth.camera import SynthImage
from cfinspect.engine.synth.cracks import make_crack
from cfinspect.engine.synth.folder import Domain, write_folder

__all__ = ["Domain", "SynthImage", "make_apple", "make_crack", "write_folder"]
