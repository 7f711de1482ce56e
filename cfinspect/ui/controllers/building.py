"""All controllers of the window, and who needs whom."""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.ui.controllers.distillation import DistillationController
from cfinspect.ui.controllers.exchange import ExchangeController
from cfinspect.ui.controllers.explanations import ExplanationController
from cfinspect.ui.controllers.folders import FolderController
from cfinspect.ui.controllers.help import HelpController
from cfinspect.ui.controllers.inspections import InspectionController
from cfinspect.ui.controllers.jobs import JobController
from cfinspect.ui.controllers.models import ModelController
from cfinspect.ui.controllers.preferences import PreferenceController
from cfinspect.ui.controllers.projects import ProjectController
from cfinspect.ui.controllers.review import ReviewController
from cfinspect.ui.controllers.training import TrainingController
from cfinspect.ui.frame.context import Context


@dataclass(frozen=True)
class Controllers:
    """What the window can do, by subject."""

    projects: ProjectController
    folders: FolderController
    models: ModelController
    inspections: InspectionController
    distillation: DistillationController
    explanations: ExplanationController
    training: TrainingController
    exchange: ExchangeController
    review: ReviewController
    jobs: JobController
    preferences: PreferenceController
    help: HelpController


def build_controllers(context: Context) -> Controllers:
    """Make them, those first that others need."""
    projects = ProjectController(context)
    models = ModelController(context)
    jobs = JobController(context)
    training = TrainingController(context)
    inspections = InspectionController(context, models, training)
    return Controllers(
        projects=projects,
        folders=FolderController(context, projects, models),
        models=models,
        inspections=inspections,
        distillation=DistillationController(context, inspections),
        explanations=ExplanationController(context),
        training=training,
        exchange=ExchangeController(context),
        review=ReviewController(context),
        jobs=jobs,
        preferences=PreferenceController(context, jobs),
        help=HelpController(context, jobs),
    )
