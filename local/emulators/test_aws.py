"""Tests that the changes of local/emulators/aws.py fit the pinned version of ministack: part of `make fmt`."""

import subprocess
import sys
import unittest
from unittest import mock

from emulators import aws
from stack import ROOT


class Changes(unittest.TestCase):
    def test_changes_fit_the_pinned_and_installed_version(self) -> None:
        self.assertIn(f'"ministack=={aws.FITS}"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        # in another process, because ministack cannot be changed back
        command = [sys.executable, "-c", "from emulators import aws; print(aws.change())"]
        done = subprocess.run(command, cwd=ROOT / "local", capture_output=True, text=True)
        self.assertEqual(done.stdout, "None\n", done.stderr)

    def test_error_for_another_version_says_what_to_do(self) -> None:
        with mock.patch("importlib.metadata.version", return_value="1.6.0"), self.assertRaises(SystemExit) as exited:
            aws.main()
        message = str(exited.exception)
        self.assertIn(f"error: ministack 1.6.0 is installed, but local/emulators/aws.py changes private members of {aws.FITS}", message)
        self.assertIn("Run `make venv`", message)

    def test_error_for_a_missing_member_says_what_to_do(self) -> None:
        handlers = mock.patch("ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS", {})
        with handlers, mock.patch.object(aws, "CHANGES", ["accept_alarms_on_expressions"]):
            message = aws.change() or ""
        self.assertIn("accept_alarms_on_expressions in local/emulators/aws_changes.py: KeyError('AWS::CloudWatch::Alarm')", message)
        self.assertIn("Change or delete that function", message)
