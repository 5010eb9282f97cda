"""What one pass of cleaning looks at, asked for once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slipyard.clients.container_engine import StoredImage
from slipyard.deployer.docker.names import INSTALLATION
from slipyard.domain.errors import Unavailable
from slipyard.pipeline.context import Context


@dataclass
class Survey:
    """`exact`: sizes too, also where it costs the engine seconds to say them."""

    context: Context
    exact: bool = False
    _images: Sequence[StoredImage] | None = field(default=None, init=False)
    _bytes: Mapping[str, int] | None = field(default=None, init=False)

    async def images(self) -> Sequence[StoredImage]:
        """Of this installation, in the engine."""
        if self._images is None:
            self._images = await self.context.engine.stored_images({INSTALLATION: self.context.installation_id})
        return self._images

    async def bytes_of(self, image_id: str | None) -> int | None:
        if not self.exact or image_id is None:
            return None
        if self._bytes is None:
            self._bytes = await self._asked_for_bytes()
        return self._bytes.get(image_id)

    async def _asked_for_bytes(self) -> Mapping[str, int]:
        """Empty where the engine counts for somebody else already: what goes does not depend on its size."""
        try:
            return await self.context.engine.image_bytes()
        except Unavailable:
            return {}

    def again(self) -> "Survey":
        """For what is there now; sizes are those that were told before."""
        survey = Survey(self.context, exact=self.exact)
        survey._bytes = self._bytes
        return survey

    async def image_bytes(self) -> int:
        """Of all images of this installation; layers that others have too are not counted."""
        return sum([await self.bytes_of(image.image_id) or 0 for image in await self.images()])
