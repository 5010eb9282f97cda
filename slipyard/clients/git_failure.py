"""What a failed fetch means, told from git's untranslated words: the user's fault, or a host that is away."""

from slipyard.clients.git_process import GitAnswer
from slipyard.clients.git_remote import GitRemote
from slipyard.domain.errors import RefNotFound, SlipyardError, SourceRefused, Unavailable

_ABSENT_REF = ("couldn't find remote ref", "not our ref", "unadvertised object", "no such remote ref")
_REDIRECT = ("returned error: 30", "unable to update url base from redirection")
_HOST_KEY = ("host key verification failed", "remote host identification has changed")
_NO_ACCESS = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied",
    "access denied",
    "repository not found",
    "not found",
    "does not appear to be a git repository",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "unable to get password",
    "invalid credentials",
)
_CERTIFICATE = ("ssl certificate", "certificate verif", "server certificate")
_TOO_LARGE = ("file too large", "file size limit exceeded", "signal 25")
_MAXIMUM_QUOTE = 300


def failure_of(remote: GitRemote, wanted: str, answer: GitAnswer) -> SlipyardError:
    """`wanted` is the branch or commit as people call it."""
    if any(words in answer.error.lower() for words in _ABSENT_REF):
        return RefNotFound(f"{remote.url} has no {wanted}. Check the name, or push it there first.")
    refusal = _refusal(remote, answer)
    if refusal:
        return SourceRefused(refusal)
    return Unavailable(f"{remote.url} could not be fetched now: {_last_words(answer)}")


def _refusal(remote: GitRemote, answer: GitAnswer) -> str | None:
    said, url = answer.error.lower(), remote.url
    meanings = {
        _HOST_KEY: f"The ssh key of {url.host} is not the one that is known. If the host changed its key on purpose, "
        "give the git credential its new line: `slipyard credentials renew NAME --known-hosts FILE`, from ssh-keyscan.",
        _REDIRECT: f"{url} redirects elsewhere, which is not followed. Use the final URL (often with .git at its end).",
        _CERTIFICATE: f"The TLS certificate of {url.host} is not trusted here: {_last_words(answer)}",
        _NO_ACCESS: f"{url} is not there, or may not be read{_with_what(remote)}. Check the URL and the git credential.",
        _TOO_LARGE: f"{url} is larger than this installation takes.",
    }
    return next((meaning for words, meaning in meanings.items() if any(word in said for word in words)), None)


def _with_what(remote: GitRemote) -> str:
    return " without a credential" if remote.credential is None else " with the stored credential"


def _last_words(answer: GitAnswer) -> str:
    lines = [line for line in answer.error.splitlines() if line.lower().startswith(("fatal:", "error:", "ssh:"))]
    return (lines or answer.error.splitlines() or [f"git ended with status {answer.status}"])[0][:_MAXIMUM_QUOTE]
