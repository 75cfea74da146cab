"""Runs a command of the project with fake programs on the PATH. Other modules import this file."""

import os
import subprocess
import tempfile
from pathlib import Path

from translated import ROOT


def run(programs: dict[str, str], *command: str, files: dict[str, str] | None = None, cwd: Path | None = None,
        **environment: str) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Writes files, and programs as shell scripts, into a folder. Runs the command there or in `cwd`."""
    with tempfile.TemporaryDirectory() as folder:
        for name, script in programs.items():
            Path(folder, name).write_text(f"#!/bin/sh\n{script}\n")
            Path(folder, name).chmod(0o755)
        for name, text in (files or {}).items():
            Path(folder, name).write_text(text)
        shell = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", **environment}
        return subprocess.run(command, cwd=cwd or folder, env=shell, capture_output=True, text=True, timeout=60)


def script(name: str) -> tuple[str, str]:
    return "sh", str(ROOT / "local" / name)
