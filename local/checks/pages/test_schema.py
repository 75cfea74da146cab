"""Tests docs/message.schema.json with the messages of events/, and with invalid messages: part of `make fmt`."""

import json
import unittest

from demo import ACCEPTED, HELD, ROUTED_ON
from make_events import MEDIA_AVAILABLE, Json, read, signed
from message_schema import violations
from oracle import event_id


def attributes(claims: Json) -> dict[str, str]:
    return {"event_id": event_id(claims), **{name: claims[name] for name in ROUTED_ON if name in claims}}


class MessageSchema(unittest.TestCase):
    def test_schema_accepts_the_message_of_each_event(self) -> None:
        for name in (HELD, *ACCEPTED):
            body = signed(read(name)).decode()
            self.assertEqual(violations(body, attributes(json.loads(body))), [], name)

    def test_schema_accepts_unknown_members_and_events(self) -> None:
        for body in (
            {**MEDIA_AVAILABLE, "title": {"new": 1}},
            {"event": "track_created", "track_id": 7},
            {"event": 1},
            {},
        ):
            self.assertEqual(violations(json.dumps(body), {"event_id": event_id(body)}), [], body)

    def test_schema_rejects_a_documented_event_with_a_missing_or_invalid_member(self) -> None:
        without = [
            {k: v for k, v in MEDIA_AVAILABLE.items() if k != name} for name in MEDIA_AVAILABLE if name != "event"
        ]
        wrong = {"event": "channel_idle", "media_id": "short", "site_id": 7, "event_time": "yesterday"}
        for body in (
            *without,
            *({**MEDIA_AVAILABLE, name: value} for name, value in wrong.items()),
            ["media_available"],
        ):
            self.assertNotEqual(violations(json.dumps(body), {"event_id": 64 * "0"}), [], body)

    def test_schema_rejects_missing_and_invalid_attributes(self) -> None:
        right, body = attributes(MEDIA_AVAILABLE), json.dumps(MEDIA_AVAILABLE)
        self.assertEqual(violations(body, right), [])
        for wrong in (
            {"event_id": right["event_id"].upper()},
            {"site_id": ""},
            {"event": 257 * "x"},
            {"media_id": "é"},
            {"title": "x"},
        ):
            self.assertNotEqual(violations(body, right | wrong), [], wrong)
        del right["event_id"]
        self.assertNotEqual(violations(body, right), [])


if __name__ == "__main__":
    unittest.main()
