"""All controllers of the window, and who needs whom."""

from __future__ import annotations

from dataclasses import dataclass

from cfinspect.ui.shell.context import Context
from cfinspect.ui.shell.exchange_controller import ExchangeController
from cfinspect.ui.shell.explanation_controller import ExplanationController
from cfinspect.ui.shell.folder_controller import FolderController
from cfinspect.ui.shell.help_controller import HelpController
from cfinspect.ui.shell.inspection_controller import InspectionController
from cfinspect.ui.shell.job_controller import JobController
from cfinspect.ui.shell.model_controller import ModelController
from cfinspect.ui.shell.preference_controller import PreferenceController
from cfinspect.ui.shell.project_controller import ProjectController
from cfinspect.ui.shell.review_controller import ReviewController
from cfinspect.ui.shell.training_controller import TrainingController


@dataclass(frozen=True)
class Controllers:
    """What the window can do, by subject."""

    projects: ProjectController
    folders: FolderController
    models: ModelController
    inspections: InspectionController
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
    return Controllers(
        projects=projects,
        folders=FolderController(context, projects, models),
        models=models,
        inspections=InspectionController(context, models, training),
        explanations=ExplanationController(context),
        training=training,
        exchange=ExchangeController(context),
        review=ReviewController(context),
        jobs=jobs,
        preferences=PreferenceController(context, jobs),
        help=HelpController(context, jobs),
    )
