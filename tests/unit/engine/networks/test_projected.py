"""D and G on the pretrained backbone: what they say, and what G may change."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from cfinspect.engine.networks.backbone import Backbone, load_backbone, shipped_backbone
from cfinspect.engine.networks.projected import ProjectedDiscriminator, ProjectedGenerator

IMAGES = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(shipped_backbone())


@pytest.mark.parametrize(
    "settings", [{"finest": 0}, {"finest": 6}, {"top_percent": 0}, {"top_percent": 101}]
)
def test_a_d_that_cannot_be_is_refused(backbone: Backbone, settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no D has"):
        ProjectedDiscriminator(backbone, **settings)


@pytest.mark.parametrize(("finest", "side"), [(1, 32), (2, 16), (3, 8)])
def test_evidence_has_the_side_of_the_finest_stage(
    backbone: Backbone, finest: int, side: int
) -> None:
    judged = ProjectedDiscriminator(backbone, finest).judge(IMAGES)
    assert judged.logits.shape == (4, 3)
    assert judged.evidence.shape == judged.fake.shape == (4, side, side)


def test_the_strongest_places_speak_for_the_image(backbone: Backbone) -> None:
    discriminator = ProjectedDiscriminator(backbone, top_percent=10).eval()
    before = discriminator.judge(IMAGES)
    flat = before.evidence.flatten(1).sort(dim=1, descending=True).values
    torch.testing.assert_close(before.strongest, flat[:, :102].mean(dim=1))
    with torch.no_grad():
        discriminator.heads.evidence.bias[0] += 1.0  # type: ignore[index]
    moved = discriminator(IMAGES) - before.logits
    torch.testing.assert_close(moved, torch.tensor([0.0, 1.0, 0.0]).expand(4, 3), atol=1e-4, rtol=0)


def test_g_changes_only_what_d_blames(backbone: Backbone) -> None:
    discriminator = ProjectedDiscriminator(backbone).eval()
    with torch.no_grad():
        discriminator.heads.evidence.weight.zero_()
        bias = discriminator.heads.evidence.bias
        assert bias is not None
        nn.init.constant_(bias, -20.0)
    free = ProjectedGenerator(backbone, discriminator.heads, prior=False).eval()
    held = ProjectedGenerator(backbone, discriminator.heads).eval()
    held.load_state_dict(free.state_dict())
    stages = backbone(IMAGES)
    damaged = torch.tensor([True, True, False, False])
    with torch.no_grad():
        most, least = (net.decode(IMAGES, stages, damaged).gate for net in (free, held))
    torch.testing.assert_close(least[:2], most[:2] * 0.02)
    torch.testing.assert_close(least[2:], most[2:])


def test_d_s_own_word_counts_where_no_label_is_known(backbone: Backbone) -> None:
    generator = ProjectedGenerator(backbone, ProjectedDiscriminator(backbone).heads).eval()
    said = generator.blame(backbone(IMAGES)).logits
    by_label = generator.decode(IMAGES, backbone(IMAGES), said[:, 1] > said[:, 0])
    torch.testing.assert_close(generator(IMAGES).image, by_label.image)


def test_g_starts_near_identity_and_follows_d(backbone: Backbone) -> None:
    discriminator = ProjectedDiscriminator(backbone)
    generator = ProjectedGenerator(backbone, discriminator.heads).train()
    assert float((generator.eval()(IMAGES).image - IMAGES).abs().mean().detach()) < 0.02
    assert not any(w.requires_grad for w in generator.blame.parameters())
    other = ProjectedDiscriminator(backbone)
    generator.follow(other)
    theirs = other.heads.state_dict()
    assert all(torch.equal(own, theirs[name]) for name, own in generator.blame.state_dict().items())
    assert copy.deepcopy(generator).backbone is generator.backbone


def test_attended_features_are_those_where_the_evidence_is(backbone: Backbone) -> None:
    heads = ProjectedDiscriminator(backbone, refit=1).eval().heads
    stages = backbone(IMAGES)
    evidence = torch.zeros(4, 32, 32)
    flat = heads.attended(stages, evidence)
    evidence[:, :16, :16] = 50.0  # the first of the four places of stage 6
    corner = heads.attended(stages, evidence)
    assert flat.shape == corner.shape == (4, 304)
    coarsest = torch.nn.functional.group_norm(stages[5], 1)
    torch.testing.assert_close(flat[:, 112:], coarsest.mean(dim=(2, 3)), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(corner[:, 112:], coarsest[:, :, 0, 0], atol=1e-4, rtol=1e-3)


def test_a_refit_moves_the_logit_of_damaged_alone(backbone: Backbone) -> None:
    discriminator = ProjectedDiscriminator(backbone, refit=1).eval()
    heads = discriminator.heads
    assert heads.refit is not None
    with torch.no_grad():
        heads.refit.weight.zero_()
        before = discriminator.judge(IMAGES)
        heads.refit.weight.fill_(0.01)
        heads.lean(0.5)
        after = discriminator(IMAGES)
        told = 0.01 * heads.attended(backbone(IMAGES), before.evidence).sum(dim=1) + 0.5
    wanted = before.logits + torch.stack([0 * told, told, 0 * told], dim=1)
    torch.testing.assert_close(after, wanted, atol=1e-4, rtol=1e-4)
