"""Serves the shop's pages: the files of `shared/storefront`, the same ones that the monolith serves.

They come from the catalog because a customer who can browse has a shop, whatever else is away.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from microservices.kit.web import header
from shared.storefront import Storefront


def router_of(storefront: Storefront) -> APIRouter:
    """Return the routes `/`, `/docs` and `/storefront/{name}`."""
    router = APIRouter()

    @router.get("/")
    async def index(request: Request) -> Response:
        return await serve(request, "index.html")

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return await serve(request, "docs.html")

    @router.get("/storefront/{name}")
    async def serve(request: Request, name: str) -> Response:
        page = storefront.page(name)
        if page is None:
            raise HTTPException(404)
        headers = {**storefront.headers, "ETag": page.etag}
        if page.etag in (header(request, "If-None-Match") or ""):
            return Response(status_code=304, headers=headers)
        return Response(page.content, headers=headers, media_type=page.media_type)

    return router
