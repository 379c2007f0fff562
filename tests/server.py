# SPDX-License-Identifier: BSD-2-Clause
"""A `vit serve` for tests, of its endpoints and of its page. Python's standard library only."""
import re
import signal
import subprocess
import threading

from harness import TIMEOUT, command_line, environment


class Server:
    """A `vit serve` at a port of its own, until stop()."""

    def __init__(self, *arguments, env=None, folder=None, before=()):
        """`before`: words of a command that runs it."""
        self.process = subprocess.Popen(
            [*before, *command_line("serve", "--listen", "127.0.0.1:0", *arguments)], env=env or environment(), cwd=folder,
            stderr=subprocess.PIPE, text=True, errors="replace")
        self.lines, self.ready = [], threading.Event()
        self.port = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(TIMEOUT) or self.port is None:
            self.process.kill()
            raise AssertionError("vit serve did not start: " + "".join(self.lines))

    def _read(self):
        """All lines of its standard error; the one that names the port says that it is ready."""
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.match(r"vit: listening on http://127\.0\.0\.1:(\d+)\n", line)
            if found:
                self.port = int(found[1])
                self.ready.set()
        self.ready.set()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def stop(self):
        """Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        self.process.stderr.close()
        return status
