"""Bad sources, and rules that their pushes could never fulfil, are refused when they are told and not only when they are
used."""

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.git_ref import check_branch
from slipyard.domain.git_url import parse_git_url
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context


def check_config(context: Context, config: AppConfig) -> None:
    """`SourceRefused` or `ValidationFailed` with the field that is wrong."""
    check_source(context, config.source)
    if config.source.own_remote and config.triggers.after_check is not None:
        raise ValidationFailed(
            f"Nobody runs the check {config.triggers.after_check} on what is pushed to this app's own remote, so such a push"
            " would wait for ever. Set source.repo_url to the repository where it runs, or leave triggers.after_check empty.",
            details=[FieldProblem("triggers.after_check", "only for a repository elsewhere")],
        )


def check_source(context: Context, source: Source) -> None:
    """`SourceRefused` or `ValidationFailed` with the field that is wrong."""
    check_branch(source.branch)
    if source.type is SourceType.IMAGE:
        if not source.image:
            raise ValidationFailed(
                "An image app needs its image, for example nginx:alpine.", details=[FieldProblem("image", "required")]
            )
        parse_image_reference(source.image)
    elif source.repo_url:
        parse_git_url(source.repo_url, context.settings.allowed_networks)
