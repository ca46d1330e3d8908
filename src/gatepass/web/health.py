"""Is the process alive, and can it serve."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gatepass.domain.errors import GatepassError
from gatepass.store import readiness
from gatepass.web.site import site

PATIENCE_S = 5.0


async def alive(request: Request) -> Response:
    """GET /healthz: this process answers"""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """GET /readyz: the database answers and its schema is the one that this code needs"""
    here = site(request)
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await here.store.read(readiness.revision)
    except (TimeoutError, GatepassError):
        return JSONResponse({"status": "unavailable", "database": "does not answer"}, 503)
    ok = found == here.migrated
    database = "ok" if ok else f"schema is at {found}, needed is {here.migrated}: run gatepass migrate"
    return JSONResponse({"status": "ok" if ok else "unavailable", "database": database}, 200 if ok else 503)
