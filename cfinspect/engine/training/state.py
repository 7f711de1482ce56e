"""All that a training needs to go on: networks, optimisers, counters; saved without pickles."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from cfinspect.engine.base.errors import CfinspectError, first_line
from cfinspect.engine.model.file import load_model
from cfinspect.engine.model.fitting import require_fitting
from cfinspect.engine.model.writing import write_tensors
from cfinspect.engine.networks.backbone import (
    Backbone,
    load_backbone,
    restored_backbone,
    shipped_backbone,
    stored_backbone,
)
from cfinspect.engine.networks.discriminators import NOTHING, WITH_WIDTH, load_pretrained
from cfinspect.engine.networks.multi_class import (
    LOGITS,
    backbone_of,
    make_networks,
    needs_backbone,
    of_defect_class,
    whole_networks,
)
from cfinspect.engine.networks.names import ASSISTED, DDPM, NAMED, PROJECTED
from cfinspect.engine.networks.projected import ProjectedDiscriminator, ProjectedGenerator
from cfinspect.engine.networks.running_mean import follow
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.run_folder import Counters

_FORMAT = "2"
_NET = "net."  # before the names of networks' tensors


class CheckpointError(CfinspectError):
    """A checkpoint that is damaged or belongs to other settings."""


@dataclass(frozen=True)
class Architecture:
    """How G and D are made, as it stands in metadata and checkpoints."""

    generator: NetworkSpec
    discriminator: NetworkSpec


def _architecture(config: TrainConfig) -> Architecture:
    sizes = {"width": config.width, "stem": config.generator_stem}
    generator = NetworkSpec(config.generator, {**sizes, "gate": config.gate})
    if config.method in {"classifier", "adversarial"}:
        generator = NetworkSpec("identity")
    elif config.method == "segmenter":
        generator = NetworkSpec("segmenter", {**sizes, "swin": config.generator == "swin_unet"})
    elif config.method == "diffusion":
        diffusion = NetworkSpec(DDPM, {**sizes, "steps": config.diffusion_steps})
        return Architecture(diffusion, NetworkSpec(NOTHING))
    elif config.generator == PROJECTED:
        generator = NetworkSpec(PROJECTED, {"width": config.width, "prior": config.prior})
    if config.discriminator == PROJECTED:
        looks = {"finest": config.finest_stage, "top_percent": config.top_percent}
        if config.names_classes:
            looks[NAMED] = len(config.defect_class_names)
        return Architecture(generator, NetworkSpec(PROJECTED, looks))
    sized = config.discriminator in WITH_WIDTH
    arguments = {"width": config.discriminator_width} if sized else {}
    if config.defect_classes and config.share_backbone:
        arguments["classes"] = LOGITS * len(config.defect_class_names)
    if config.assisted:
        arguments[ASSISTED] = 1
    return Architecture(generator, NetworkSpec(config.discriminator, arguments))


def _require_method(name: str, config: TrainConfig) -> None:
    """A model goes on as what it is: a classifier has no generator to go on with."""
    wanted = _architecture(config).generator.name
    special = {"identity", "segmenter", DDPM}
    if name != wanted and {name, wanted} & special:
        raise CfinspectError(
            f"{config.init_from} was not trained by --method {config.method}: give its own method, "
            "or train without --from"
        )


def _require_defect_classes(defect_classes: tuple[str, ...], config: TrainConfig) -> None:
    if defect_classes != config.defect_class_names:
        known = ",".join(defect_classes) or "none"
        raise CfinspectError(
            f"{config.init_from} knows other defect classes ({known}): give the same, in the same "
            "order, or train without --from"
        )


def learning(net: nn.Module) -> list[nn.Parameter]:
    """Its weights, without those that are only looked up (D's, by which G is held)."""
    return [weight for weight in net.parameters() if weight.requires_grad]


class TrainState:
    """Networks in training, their running means, the best ones so far, and the optimisers.

    ``nets``: "generator" and "discriminator", learning; "mean_*": running means of their weights,
    used for inspection; "best_*": the means when the criterion was best; "reference": D as it was
    at the end of the warm-up, an independent judge of flips.
    """

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        checkpoint: Path | None = None,
        *,
        scaled: bool = False,
    ) -> None:
        """Fresh networks, those of the model to fine-tune, or those of a ``checkpoint``.

        ``architecture``: name and arguments of G and D as they stand in metadata; ``seen``: what a
        model that is fine-tuned had seen before; ``drops_segmenter``: whether that one had a
        segmenter, which stays behind: a new G makes other masks. ``defect_class_count``: how many
        take turns; 0 for one G and D, also where these name several.
        """
        torch.manual_seed(config.seed)
        self.defect_class_count = len(config.defect_class_names)
        self.seen: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.drops_segmenter = False
        if checkpoint is not None:
            self._take(_architecture_in(checkpoint, self.defect_class_count))
            generator, discriminator = self._built(checkpoint)
        elif config.init_from is not None:
            model = load_model(Path(config.init_from))
            _require_method(model.metadata.generator.name, config)
            _require_defect_classes(tuple(model.metadata.defect_classes), config)
            self._take(Architecture(model.metadata.generator, model.metadata.discriminator))
            self.seen = model.seen
            self.drops_segmenter = model.segmenter is not None
            generator, discriminator = model.generator.train(), model.discriminator.train()
        else:
            self._take(_architecture(config))
            own = config.backbone_file
            generator, discriminator = self._built(backbone=own)
            if own is not None and not needs_backbone(self.architecture.discriminator):
                for network in whole_networks(discriminator):
                    load_pretrained(network, own)
        self.device = device
        self.nets: dict[str, nn.Module] = {}
        for name, net in (("generator", generator), ("discriminator", discriminator)):
            self.nets[name] = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for name in (
            "mean_generator",
            "mean_discriminator",
            "best_generator",
            "best_discriminator",
        ):
            self._copy(name, self.nets[name.split("_")[1]])
        self._copy("reference", self.nets["discriminator"])
        self.counters = Counters(rho=config.rho)
        # fp16 needs its losses scaled; elsewhere this object does nothing.
        self.scaler = torch.amp.GradScaler(device.type, enabled=scaled)
        rates = {"generator": config.lr_generator, "discriminator": config.lr_discriminator}
        # The reference systems' generator may have nothing to learn.
        self.optimisers = {
            part: self._adam(self.nets[part], rate)
            for part, rate in rates.items()
            if learning(self.nets[part])
        }
        # Each class has its turn every so many steps, and its means are to reach as far back.
        self._ema = config.ema ** (1 / max(1, self.defect_class_count))
        if checkpoint is not None:
            self._load(checkpoint)

    def _take(self, architecture: Architecture) -> None:
        self.architecture = architecture
        if NAMED in architecture.discriminator.kwargs:
            self.defect_class_count = 0

    def _built(
        self, checkpoint: Path | None = None, backbone: Path | None = None
    ) -> tuple[nn.Module, nn.Module]:
        parts = self.architecture.generator, self.architecture.discriminator
        found: Backbone | None = None
        if needs_backbone(self.architecture.discriminator):
            if checkpoint is not None:
                found = _backbone_in(checkpoint)
            else:
                found = load_backbone(backbone or shipped_backbone())
        return make_networks(*parts, self.defect_class_count, found)

    def _adam(self, net: nn.Module, rate: float) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            learning(net), lr=rate, betas=(0.5, 0.99), weight_decay=1e-4, fused=True
        )

    def _copy(self, name: str, net: nn.Module) -> None:
        self.nets[name] = copy.deepcopy(net).eval().requires_grad_(False)

    @property
    def generator_steps(self) -> int:
        """Steps in which a G has learned; of one defect class, where several take turns."""
        return self.counters.generator_steps // max(1, self.defect_class_count)

    def keep_reference(self) -> None:
        """Freeze D's running mean as the independent judge; called when the warm-up ends."""
        self._copy("reference", self.nets["mean_discriminator"])

    def keep_best(self) -> None:
        """Remember the running means as the best so far."""
        self._copy("best_generator", self.nets["mean_generator"])
        self._copy("best_discriminator", self.nets["mean_discriminator"])

    def return_to_best(self) -> None:
        """Go on from the best networks; the optimisers start anew."""
        for part in ("generator", "discriminator"):
            best = self.nets[f"best_{part}"].state_dict()
            for name in (part, f"mean_{part}"):
                self.nets[name].load_state_dict(best)
            if part in self.optimisers:
                self.optimisers[part].state.clear()

    def update_means(self, part: str, updates: int) -> None:
        """Move the running mean of ``part`` a step towards its weights; faster at the start."""
        follow(self.nets[f"mean_{part}"], self.nets[part], self._ema, updates)

    @torch.no_grad()
    def let_generator_follow(self) -> None:
        """A G that changes what D blames looks at D's running mean as it is now."""
        for index in range(max(1, self.defect_class_count)):
            mean = of_defect_class(self.nets["mean_discriminator"], index)
            for name in ("generator", "mean_generator"):
                generator = of_defect_class(self.nets[name], index)
                if isinstance(generator, ProjectedGenerator):
                    assert isinstance(mean, ProjectedDiscriminator)
                    generator.follow(mean)

    def save(self, path: Path) -> None:
        """Write everything to one .safetensors file, atomically; raises OSError."""
        tensors: dict[str, Tensor] = {}
        for name, net in self.nets.items():
            tensors |= {f"{_NET}{name}.{key}": value for key, value in net.state_dict().items()}
        backbone = backbone_of(self.nets["discriminator"])
        if backbone is not None:
            tensors |= stored_backbone(backbone)
        for name, optimiser in self.optimisers.items():
            for index, slots in optimiser.state_dict()["state"].items():
                tensors |= {f"adam.{name}.{index}.{key}": value for key, value in slots.items()}
        # Copies: the means share no memory with the live weights, but safetensors wants it proven.
        tensors = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
        tensors["seen"] = torch.from_numpy(self.seen.view(np.int64).copy())
        facts = {
            "counters": self.counters.to_stored(),
            "architecture": asdict(self.architecture),
            "scaler": self.scaler.state_dict(),
        }
        metadata = {"format": _FORMAT, "facts": json.dumps(facts)}
        write_tensors(path, tensors, metadata)

    def _load(self, path: Path) -> None:
        facts = _metadata(path)
        try:
            # Copies: the file must not stay mapped, or Windows will not let it be replaced.
            tensors = {name: value.clone() for name, value in load_file(path).items()}
            for name, net in self.nets.items():
                net.load_state_dict(_below(tensors, f"{_NET}{name}."))
            for name, optimiser in self.optimisers.items():
                self._load_adam(optimiser, _below(tensors, f"adam.{name}."))
            self.counters = Counters.from_stored(facts["counters"])
            if tensors["seen"].dtype != torch.int64 or tensors["seen"].ndim != 1:
                raise ValueError("it does not say which images were seen")
            self.seen = tensors["seen"].numpy().view(np.uint64)
            if facts["scaler"]:
                self.scaler.load_state_dict(facts["scaler"])
        except _UNUSABLE as error:
            raise _unusable(path, error) from error

    @staticmethod
    def _load_adam(optimiser: torch.optim.AdamW, tensors: dict[str, Tensor]) -> None:
        weights = [w for group in optimiser.param_groups for w in group["params"]]
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            index, slot = key.split(".")
            weight = weights[int(index)]
            if slot not in _ADAM or value.shape not in (weight.shape, torch.Size()):
                raise ValueError(f"the optimiser's {key} fits no weight")
            # The fused kernel walks moments and weights side by side through memory, so they
            # need the same layout; files hold plain NCHW.
            laid = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
            slots.setdefault(int(index), {})[slot] = laid.detach()
        if any(len(own) != len(_ADAM) for own in slots.values()):
            raise ValueError("a part of the optimiser is missing")
        state = optimiser.state_dict()
        optimiser.load_state_dict({"state": slots, "param_groups": state["param_groups"]})


_UNUSABLE = (
    SafetensorError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    OverflowError,
)
_ADAM = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight


def _unusable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"checkpoint {path} cannot be used ({first_line(error)}): train into a new folder"
    )


def _architecture_in(path: Path, defect_classes: int) -> Architecture:
    """How the networks of a checkpoint are made, if its tensors say the same."""
    try:
        parts = _metadata(path)["architecture"]
        found = Architecture(
            NetworkSpec(**parts["generator"]), NetworkSpec(**parts["discriminator"])
        )
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(_NET)]  # noqa: SIM118
            shapes = {
                name.removeprefix(_NET): tuple(file.get_slice(name).get_shape()) for name in names
            }
        require_fitting(found.generator, found.discriminator, defect_classes, shapes)
    except _UNUSABLE as error:
        raise _unusable(path, error) from error
    return found


def _backbone_in(path: Path) -> Backbone:
    try:
        return restored_backbone(load_file(path))
    except _UNUSABLE as error:
        raise _unusable(path, error) from error


def _metadata(path: Path) -> dict[str, Any]:
    """What a checkpoint says besides its tensors; CheckpointError when it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != _FORMAT:
            raise ValueError("it has another format")
        facts: dict[str, Any] = json.loads(metadata["facts"])
        return facts
    except _UNUSABLE as error:
        raise _unusable(path, error) from error


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
