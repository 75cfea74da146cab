"""Runs a command on a terminal of its own: terminal.py PROMPT ANSWER COMMAND… types the answer when the prompt shows.

With the variable PROMPT_IS_OPEN it first makes the file of that name, and waits until the file is removed."""

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
    except OSError:  # Linux's way to say that the other side is gone
        some = b""
    if not some:
        break
    shown += some
    if prompt and prompt in shown:
        # a prompt reads without echo, and throws away what was typed before it had turned that off
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
