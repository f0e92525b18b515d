"""Serves the shop's pages: the files of `shared/storefront`, the same ones that the services serve."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from shared.storefront import Storefront


def blueprint(storefront: Storefront) -> Blueprint:
    """Return the routes `/`, `/docs` and `/storefront/<name>`."""
    pages = Blueprint("storefront", __name__)

    @pages.get("/")
    def index() -> Response:
        return serve("index.html")

    @pages.get("/docs")
    def docs() -> Response:
        return serve("docs.html")

    @pages.get("/storefront/<name>")
    def serve(name: str) -> Response:
        page = storefront.page(name)
        if page is None:
            abort(404)
        response = Response(page.content, content_type=page.media_type, headers=storefront.headers)
        response.set_etag(page.etag.strip('"'))
        response.make_conditional(request)
        return response

    return pages
