"""The check that local/emulators/aws.py's changes fit ministack: part of `make fmt`, so that an update of the pin fails early."""

import importlib.metadata
import unittest
from unittest import mock

from emulators import aws, aws_changes
from stack import ROOT


class TheChanges(unittest.TestCase):
    def test_fit_the_pinned_and_installed_version(self) -> None:
        self.assertIn(f'"ministack=={aws.FITS}"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        self.assertIsNone(aws.misfit(importlib.metadata.version("ministack")))
        self.assertLessEqual(set(aws.CHANGES), set(dir(aws_changes)))

    def test_are_refused_for_another_version_with_what_to_do(self) -> None:
        with mock.patch("importlib.metadata.version", return_value="1.6.0"), self.assertRaises(SystemExit) as exited:
            aws.main()
        message = str(exited.exception)
        self.assertIn(f"error: ministack 1.6.0 is installed, but local/emulators/aws.py changes private members of {aws.FITS}", message)
        self.assertIn("Run `make venv`", message)

    def test_are_refused_if_a_member_is_gone_with_its_name_and_what_to_do(self) -> None:
        handlers = {"AWS::ApiGatewayV2::Api": {}}
        with mock.patch(aws.HANDLERS.replace(":", "."), handlers):
            message = aws.misfit(aws.FITS) or ""
        self.assertIn("has no ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::CloudWatch::Alarm]", message)
        self.assertIn("accept_alarms_on_expressions in local/emulators/aws_changes.py needs. Change or delete that function", message)

    def test_of_a_member_or_module_that_is_not_there_are_noticed(self) -> None:
        for member in ("ministack.gone:x", "ministack.app:_gone", f"{aws.HANDLERS}[AWS::Gone]"):
            self.assertFalse(aws.exists(member), member)


if __name__ == "__main__":
    unittest.main()
