"""The operator's routes, which every service has: does it live, is it ready, what has it counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from shared.platform.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from microservices.kit.runtime import ServiceRuntime

READY_WITHIN_S = 1.0

router = APIRouter()


@router.get("/healthz")
async def healthz() -> Response:
    """Tell that the process lives. It never asks the database: a restart would not heal that."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Tell whether this service's own database answers; neither peers nor the broker are asked."""
    return await readiness(request.app.state.runtime)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' form."""
    runtime: ServiceRuntime = request.app.state.runtime
    return Response(runtime.metrics.render(), media_type=CONTENT_TYPE)


async def readiness(*runtimes: ServiceRuntime) -> Response:
    """Return 200 if the databases of these services answer within a second, else 503."""
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            ready = all(await asyncio.gather(*(runtime.database.is_ready() for runtime in runtimes)))
    except TimeoutError:
        ready = False
    body = b'{"status":"ready"}' if ready else b'{"status":"not ready"}'
    return Response(body, 200 if ready else 503, media_type="application/json")
