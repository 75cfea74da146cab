"""Only the tests run this program. `terminal.py PROMPT ANSWER COMMAND…` runs the command on a new terminal, and types
the answer when the prompt shows. If the variable PROMPT_IS_OPEN is set, it first creates the file of that name, and
waits until the test removes the file."""

import os
import pty
import sys
import termios
import time

prompt, answer, *command = (argument.encode() for argument in sys.argv[1:])
process, terminal = pty.fork()
if process == 0:
    os.execv(command[0], command)
prompt_is_open = os.environ.get("PROMPT_IS_OPEN")
shown = b""
deadline = time.monotonic() + 20
while True:
    try:
        some = os.read(terminal, 1024)
    except OSError:  # on Linux, this means that the command has closed the terminal
        some = b""
    if not some:
        break
    shown += some
    if prompt and prompt in shown:
        # the command drops what was typed before it has turned the echo off
        while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < deadline:
            time.sleep(0.01)
        if prompt_is_open:
            open(prompt_is_open, "x").close()
            while os.path.exists(prompt_is_open) and time.monotonic() < deadline:
                time.sleep(0.01)
        os.write(terminal, answer + b"\r")
        prompt = b""
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
