"""Emulates JW's Management API for the proofs: webhooks, and the media of a site. Other modules import this file."""

import json
import secrets
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


def webhook(url: str, webhook_id: str, site_id: str) -> Json:
    metadata = {"name": "media", "webhook_url": url, "events": ["media_available"], "site_ids": [site_id]}
    return {"id": webhook_id, "type": "webhook", "created": "2023-01-01T00:00:00+00:00", "metadata": metadata}


class JwApi:
    """Runs the API of one account until the `with` block ends. Every medium is ready and was created an hour ago."""

    def __init__(self, webhooks: list[Json], media_ids: dict[str, list[str]]) -> None:
        created = (datetime.now(timezone.utc) - timedelta(hours=1)).isoformat()
        media = {
            site_id: [
                {"id": media_id, "type": "media", "created": created, "last_modified": created, "status": "ready",
                 "metadata": {"title": f"the medium {media_id}", "publish_start_date": created}}
                for media_id in ids
            ]
            for site_id, ids in media_ids.items()
        }  # fmt: skip
        self.webhooks = webhooks
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(webhooks, media))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"JW_API_URL": f"http://127.0.0.1:{self._server.server_port}", "JW_API_SECRET": "opens-nothing"}

    def __enter__(self) -> "JwApi":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def handler(webhooks: list[Json], media: dict[str, list[Json]]) -> type[BaseHTTPRequestHandler]:
    lists = {"/v2/webhooks/": ("webhooks", webhooks)}
    lists |= {f"/v2/sites/{site_id}/media/": ("media", of_site) for site_id, of_site in media.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server looks for
            url = urlsplit(self.path)
            if found := self._webhook():
                return self._answer(200, found)
            member, resources = lists.get(url.path, ("", []))
            page = int(parse_qs(url.query).get("page", ["1"])[0])
            listed = resources if page == 1 else []
            page_of_it = {"page": page, "page_length": 100, "total": len(resources), member: listed}
            self._answer(200 if member else 404, page_of_it)

        def do_POST(self) -> None:
            created = {"id": f"new{len(webhooks):05}", "type": "webhook", "created": datetime.now(timezone.utc).isoformat()}
            webhooks.append({**created, **self._body()})
            # JW shows the secret only in this answer
            self._answer(201, {**webhooks[-1], "secret": secrets.token_urlsafe(48)})

        def do_PATCH(self) -> None:
            found = self._webhook() or {}
            found.update(self._body())
            self._answer(200 if "id" in found else 404, found)

        def _webhook(self) -> Json | None:
            return next((one for one in webhooks if urlsplit(self.path).path == f"/v2/webhooks/{one['id']}/"), None)

        def _body(self) -> Json:
            body: Json = json.loads(self.rfile.read(int(self.headers["content-length"])))
            return body

        def _answer(self, status: int, value: Json) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Prints nothing for a request."""

    return Handler
