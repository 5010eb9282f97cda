"""The last part of a hook's address: its id, and where the provider can prove nothing, a dot and the secret."""


def split_address(part: str) -> tuple[str, str]:
    hook_id, _, secret = part.partition(".")
    return hook_id, secret


def joined_address(hook_id: str, secret: str) -> str:
    return f"{hook_id}.{secret}"
