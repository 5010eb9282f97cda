"""Git credentials, without their secrets."""

from slipyard.domain.schemas.credential_output import GitCredentialDetail, GitCredentialView
from slipyard.store.tables import GitCredentialRow


def credential_view(row: GitCredentialRow) -> GitCredentialView:
    return GitCredentialView(**row.model_dump(include=set(GitCredentialView.model_fields)))


def credential_detail(row: GitCredentialRow, apps: list[str]) -> GitCredentialDetail:
    return GitCredentialDetail(**credential_view(row).model_dump(), apps=apps)
