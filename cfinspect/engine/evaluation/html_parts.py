"""The parts of the report beyond the plain figures, each as HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any


def _baselines(found: Mapping[str, Any]) -> str:
    rows = [
        (name, *(number(one[key]) for key in ("iou", "oracle_iou", "pixel_ap", "seconds")))
        for name, one in found.items()
    ]
    heading = ("explainer", "IoU", "IoU at the best threshold", "pixel AP", "seconds an image")
    return table_of(heading, rows)


def _kinds(told: Mapping[str, Any]) -> str:
    names = [name or "undamaged" for name in told["names"]]
    rows = [
        (name, *map(str, counts)) for name, counts in zip(names, told["confusion"], strict=True)
    ]
    said = (
        f"<p>Right class: {told['accuracy']:.1%} of all images; right kind: "
        f"{number(told['right_kind'])} of the damage found.</p>"
    )
    return said + table_of(("true class", *(f"answer {name}" for name in names)), rows)


def _realism(found: Mapping[str, Any]) -> str:
    rows = [
        (
            "damaged to undamaged" if name == "damaged" else "undamaged to damaged",
            str(one["n"]),
            f"{number(one['flips'])} ({ends_of(one['flips_ci95'])})",
            f"{number(one['judge_flips'])} ({ends_of(one['judge_flips_ci95'])})",
            *(number(one[key]) for key in ("change", "area", "cycle")),
            *(
                number(one[key])
                for key in ("fid", "fid_before", "fid_floor", "fid_n", "kid", "kid_before")
            ),
        )
        for name, one in found["directions"].items()
    ]
    named = ("direction", "images", "D flips", "judge flips", "change", "area", "cycle error")
    heading = (*named, "FID", "before", "of real ones", "of", "KID", "before")
    judge, encoder = found["judge"], found["encoder"]
    said = (
        f"<p>Judge: {escape(judge['name'])}, right on {judge['accuracy']:.1%} of these images. "
        f"Encoder of FID and KID: {escape(encoder['name'])}, {encoder['features']} features. "
        "Before: the images as they were; of real ones: other real images of the class they should "
        "belong to, which is what a perfect generator would reach. FIDs of as many images each as "
        "the column says; they compare with nothing of another encoder or number.</p>"
    )
    return said + table_of(heading, rows)


def _doubts(found: Mapping[str, Any]) -> str:
    parts = []
    for look, one in found["looks"].items():
        rows = [
            (name, number(d["auroc"]), ends_of(d["auroc_ci95"]), number(d["caught"]))
            for name, d in one["doubts"].items()
        ]
        title = f"<p>Images {escape(look)}: {one['errors']} errors in {one['n']}.</p>"
        parts.append(title + table_of(("measure", "AUROC", "95 %", "caught in 10 %"), rows))
    sets = [
        (
            f"{one['alpha']:.0%}",
            "other photos" if one["by_group"] else "other images of the same photos",
            number(one["miss_rate"]),
            ends_of(one["miss_rate_middle95"]),
            number(one["false_alarm_rate"]),
            f"{one['reviewed']:.0%}",
            "" if one["guarantee"] else "no guarantee: too few images",
        )
        for one in found["conformal"]
    ]
    heading = ("promised", "on", "missed", "95 % of 200 halves", "false alarms", "to review", "")
    return "".join(parts) + "<p>Class-conditional conformal sets:</p>" + table_of(heading, sets)


def _attacked(found: Mapping[str, Any]) -> str:
    columns = ("eps", "accuracy", "f1", "f1_ci95", "accepted_f1", "accepted_n")
    rows = [
        (f"{eps:g}/255", number(accuracy), number(f1), ends_of(ends), number(kept), str(n))
        for eps, accuracy, f1, ends, kept, n in zip(*(found[c] for c in columns), strict=True)
    ]
    heading = ("eps", "accuracy", "F1", "95 %", "F1 of the accepted", "accepted")
    said = (
        f"<p>{found['n']} images, PGD-{found['pgd_steps']} with {found['restarts']} restarts on "
        f"two losses, Square with {found['square_queries']} queries, seed {found['seed']}.</p>"
    )
    alarms = "".join(
        f'<p class="alarm">{one["value"]:.0%} of the images {escape(one["means"])}: the attacks '
        "are too weak for this model, and its figures too good.</p>"
        for one in found["alarms"].values()
        if one["fired"]
    )
    return said + alarms + table_of(heading, rows)


def _explained(found: Mapping[str, Any]) -> str:
    keys = (
        "flips_damaged",
        "flips_undamaged",
        "cout_damaged",
        "cout_undamaged",
        "s3",
        "fid",
        "fid_n",
        "fid_floor",
        "fid_floor_n",
        "sfid",
        "sfid_n",
        "change",
        "area",
        "diversity",
        "iou",
        "oracle_iou",
        "pixel_ap",
        "evaluations",
        "seconds",
    )
    rows = [
        (
            name,
            f"{number(one.get('flips'))} ({ends_of(one.get('flips_ci95'))})",
            f"{number(one.get('cout'))} ({ends_of(one.get('cout_ci95'))})",
            *(number(one.get(key)) for key in keys),
        )
        for name, one in found["explainers"].items()
    ]
    heading = (
        "explainer",
        "flips",
        "COUT",
        "damaged flip",
        "undamaged",
        "COUT damaged",
        "undamaged",
        "S3",
        "FID",
        "of",
        "FID of real ones",
        "of",
        "sFID",
        "of",
        "change",
        "area",
        "diversity",
        "IoU",
        "at the best threshold",
        "pixel AP",
        "passes an image",
        "seconds",
    )
    left_out = "; ".join(f"{name} {why}" for name, why in found["left_out"].items())
    kept = found.get("filter_keeps")
    filtered = "" if kept is None else f" The diffusion filter alone keeps {kept:.1%} of verdicts."
    said = (
        f"<p>{found['n']} images that the classifier has right, {found['n_damaged']} of them "
        f"damaged.{escape(filtered)} All but flips, "
        "COUT and the masks' figures are of those that flip. Encoder of FID: "
        f"{escape(found['encoder']['name'])}, {found['encoder']['features']} features; of S3 and "
        f"diversity: {escape(found['encoder']['similarity'])}; S3 of any two of the images: "
        f"{number(found['encoder']['any_two'])}. Of real ones: other real images of "
        "the same classes, which is what a perfect explainer would reach. Passes: of a network, "
        "forwards only, one for all views of an image. Left out: "
        f"{escape(left_out)}.</p>"
    )
    # A row for each figure: so many columns would leave the page, and the paper.
    top, *turned = zip(heading, *rows, strict=True)
    return said + table_of(top, turned)


def table_of(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table; everything is escaped."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>\n"

    top = cells("th", heading) if any(heading) else ""
    return f"<table>\n{top}{''.join(cells('td', row) for row in rows)}</table>"


def number(value: object) -> str:
    """Four digits; a dash for what is not known."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def ends_of(ends: Sequence[float] | None) -> str:
    """An interval."""
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "-"


PARTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "kinds": ("Which kind of damage", _kinds),
    "baselines": ("Where the damage is, by explainer", _baselines),
    "explainers": ("What would change its mind, by explainer", _explained),
    "realism": ("Whether counterfactuals look real", _realism),
    "uncertainty": ("Which doubt finds the errors", _doubts),
    "robustness": ("Under attack", _attacked),
}
