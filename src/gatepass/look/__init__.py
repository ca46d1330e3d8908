"""How every page looks: one style sheet, one script, shared by the product and by the sandbox."""

import gzip
import os
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
MAX_AGE_S = 300
"""After that a browser asks whether its copy is still the one."""
_TEXTS = frozenset({".css", ".js", ".svg"})


class Look(StaticFiles):
    """The files of all pages; texts are sent compressed. Nothing in them is secret, so their size may tell what it likes."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, small where the browser takes that."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
        answer.headers["Vary"] = "Accept-Encoding"
        zips = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if not isinstance(answer, FileResponse) or not zips or Path(full_path).suffix not in _TEXTS:
            return answer
        kept = {name: answer.headers[name] for name in ("etag", "last-modified", "cache-control", "vary")}
        body = _zipped(str(full_path), stat_result.st_mtime_ns)
        return Response(body, status_code, kept | {"Content-Encoding": "gzip"}, answer.media_type)


@lru_cache(maxsize=50)
def _zipped(path: str, _changed_ns: int) -> bytes:
    return gzip.compress(Path(path).read_bytes(), mtime=0)
