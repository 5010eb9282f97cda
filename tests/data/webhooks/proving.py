"""The headers that prove a message, made by an implementation that shares nothing with the product's."""

import base64
import hashlib
import hmac
import secrets

SIGNATURES = {
    "github": ("x-hub-signature-256", "sha256="),
    "gitea": ("x-gitea-signature", ""),
    "forgejo": ("x-forgejo-signature", ""),
    "bitbucket": ("x-hub-signature", "sha256="),
    "bitbucket-server": ("x-hub-signature", "sha256="),
}


def proving(provider: str, secret: str, body: bytes, scheme: str = "", header: str = "") -> dict[str, str]:
    """As the provider would send it; for Docker Hub nothing, because its address is the proof."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if provider in SIGNATURES:
        name, prefix = SIGNATURES[provider]
        return {name: f"{prefix}{signature}"}
    if provider == "gitlab":
        return {"x-gitlab-token": secret} if scheme != "signature" else _standard(secret, body)
    if provider == "azure-devops":
        return {"authorization": f"Basic {base64.b64encode(f'azure:{secret}'.encode()).decode()}"}
    if provider == "registry":
        return {"authorization": f"Bearer {secret}"}
    if provider == "generic":
        name = header or f"x-slipyard-{scheme or 'signature'}"
        return {name.lower(): secret if scheme == "token" else signature}
    return {}


def _standard(secret: str, body: bytes) -> dict[str, str]:
    name, moment = f"msg_{secrets.token_hex(8)}", "1780000000"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": signature}
