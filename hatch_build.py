"""What the package says of its repository's address, where it has one; hatchling calls this at each build."""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY = "LIMNER_REPOSITORY"
"""The environment variable that may hold its address, such as https://example.org/owner/limner."""


class Links(MetadataHookInterface):
    """Gives a package that is published the repository's address and a README whose links lead there."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme`` and ``urls``."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["urls"] = {}
        if address := os.environ.get(REPOSITORY, "").rstrip("/"):
            text = re.sub(r"(!\[[^]]*\])\((?!https?:|#)", rf"\1({address}/raw/main/", text)
            text = re.sub(r"(\[[^]]*\])\((?!https?:|#)", rf"\1({address}/blob/main/", text)
            metadata["urls"] = {
                "Source": address,
                "Documentation": f"{address}/tree/main/docs",
                "Changelog": f"{address}/blob/main/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
