"""JW's Management API, as far as `jwhook missed` and `update` ask for it: one webhook, and the media of its site."""

import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


class JwApi:
    """The API, until the `with` block ends. The media were created an hour ago, and are ready."""

    def __init__(self, webhook_url: str, webhook_id: str, site_id: str, media_ids: list[str]) -> None:
        created = (datetime.now(timezone.utc) - timedelta(hours=1)).isoformat()
        metadata = {"name": "media", "webhook_url": webhook_url, "events": ["media_available"], "site_ids": [site_id]}
        self.webhook: Json = {"id": webhook_id, "type": "webhook", "created": "2023-01-01T00:00:00+00:00", "metadata": metadata}
        media = [
            {"id": media_id, "type": "media", "created": created, "last_modified": created, "status": "ready",
             "metadata": {"title": f"the medium {media_id}", "publish_start_date": created}}
            for media_id in media_ids
        ]  # fmt: skip
        lists = {"/v2/webhooks/": ("webhooks", [self.webhook]), f"/v2/sites/{site_id}/media/": ("media", media)}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(lists, self.webhook))
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


def handler(lists: dict[str, tuple[str, list[Json]]], webhook: Json) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server looks for
            url = urlsplit(self.path)
            if url.path == f"/v2/webhooks/{webhook['id']}/":
                return self._answer(200, webhook)
            member, resources = lists.get(url.path, ("", []))
            page = int(parse_qs(url.query).get("page", ["1"])[0])
            listed = resources if page == 1 else []
            page_of_it = {"page": page, "page_length": 100, "total": len(resources), member: listed}
            self._answer(200 if member else 404, page_of_it)

        def do_PATCH(self) -> None:
            webhook.update(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(200, webhook)

        def _answer(self, status: int, value: Json) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing of each request."""

    return Handler
