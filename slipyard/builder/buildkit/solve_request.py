"""An image build as BuildKit's SolveRequest. Pure."""

from slipyard.builder.buildkit.exporters import ImageStore, exporter_for, pushes
from slipyard.builder.buildkit.protocol.control_pb2 import SolveRequest
from slipyard.builder.buildkit.restrictions import CACHE_NAMESPACE_ARGUMENT
from slipyard.builder.buildkit.services.dockerfile_sync import DIRECTORY, FILE_NAME
from slipyard.builder.image_build import ImageBuild


def solve_request(build: ImageBuild, store: ImageStore, *, ref: str, session_id: str) -> SolveRequest:
    """The exporter is given twice: old daemons read only the deprecated fields, new ones prefer the others."""
    exporter = exporter_for(build, store)
    return SolveRequest(
        Ref=ref,
        Session=session_id,
        Frontend="dockerfile.v0",
        FrontendAttrs=frontend_attributes(build, session_id) | _attested(build, store),
        Exporters=[exporter],
        ExporterDeprecated=exporter.Type,
        ExporterAttrsDeprecated=exporter.Attrs,
    )


def frontend_attributes(build: ImageBuild, session_id: str) -> dict[str, str]:
    return {
        # The daemon pulls what this names through `Upload.Pull` of our session.
        "context": f"http://buildkit-session/{session_id}",
        **_dockerfile(build),
        **_options(build),
        **{f"label:{name}": value for name, value in build.labels.items()},
        **{f"build-arg:{name}": value for name, value in build.build_args.items()},
        f"build-arg:{CACHE_NAMESPACE_ARGUMENT}": build.cache_namespace,
        # A frontend that was itself started by `#syntax` gets this; to the built-in one it says that the directive is
        # done. So no build pulls a frontend, none runs one, and none needs a registry for it.
        "cmdline": "built-in",
    }


def _dockerfile(build: ImageBuild) -> dict[str, str]:
    if build.dockerfile.text is None:
        return {"filename": build.dockerfile.path}
    return {"filename": FILE_NAME, "dockerfilekey": DIRECTORY}


def _attested(build: ImageBuild, store: ImageStore) -> dict[str, str]:
    """The generator runs in the builder beside the build, and what it writes is pushed with the image."""
    asked = build.sbom_generator is not None and pushes(build, store)
    return {"attest:sbom": f"generator={build.sbom_generator}"} if asked else {}


def _options(build: ImageBuild) -> dict[str, str]:
    options = {"target": build.target, "platform": build.platform, "no-cache": "" if build.no_cache else None}
    return {name: value for name, value in options.items() if value is not None}
