# SPDX-License-Identifier: BSD-2-Clause
"""What systemd does with the server: sockets that it passes, notices that it hears, and the units of packaging/."""
import http.client
import socket
import time

from serving import *



class Notices:
    """A socket that hears what the server tells."""

    def __init__(self):
        self.path = os.path.join(FOLDER, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(TIMEOUT)

    def wait_for(self, wanted):
        while self.socket.recv(4096).decode() != wanted:
            pass

    def close(self):
        self.socket.close()
        os.remove(self.path)


class Activation(unittest.TestCase):
    def start(self, listening, **changes):
        """As systemd starts it: sockets from descriptor 3 on, and the process' own number in LISTEN_PID."""
        script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' % listening.fileno()
        return subprocess.Popen(["/bin/sh", "-c", script, "sh", VIT, "serve", *MODELS], pass_fds=[listening.fileno()],
                                stderr=subprocess.PIPE, env=environment(**changes))

    def test_passed_socket(self):
        notices, listening = Notices(), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(notices.close)
        self.addCleanup(listening.close)
        process = self.start(listening, NOTIFY_SOCKET=notices.path, WATCHDOG_USEC="600000")
        self.addCleanup(process.stderr.close)
        try:
            # A request waits in the socket's queue, or is answered 503, until the models are there.
            notices.wait_for("READY=1")
            connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1], timeout=TIMEOUT)
            connection.request("GET", "/health")
            self.assertEqual(Answer(connection.getresponse()).json, {"status": "ok"})
            connection.close()
            notices.wait_for("WATCHDOG=1")
            process.send_signal(signal.SIGTERM)
            notices.wait_for("STOPPING=1")
            self.assertEqual(process.wait(TIMEOUT), 0)
        finally:
            process.kill()
            process.wait()

    def test_unix_socket(self):
        path = os.path.join(FOLDER, "passed.sock")
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(path)
        listening.listen()
        process = self.start(listening)
        self.addCleanup(process.stderr.close)
        try:
            self.assertIn(b"passed.sock", process.stderr.readline())
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.sendall(b"GET /ping HTTP/1.1\r\nHost: x.localhost\r\nConnection: close\r\n\r\n")
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 "))
        finally:
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(TIMEOUT), 0)
        self.assertTrue(os.path.exists(path), "the socket is systemd's, and stays")

    def test_reach(self):
        """A passed socket that other machines reach wants a key too."""
        listening = socket.create_server(("0.0.0.0", 0))
        self.addCleanup(listening.close)
        process = self.start(listening)
        said = process.communicate(timeout=TIMEOUT)[1]
        self.assertEqual(process.returncode, 2, said)
        self.assertIn(b"--no-auth", said)

    def test_sockets_of_another_process(self):
        """LISTEN_PID of somebody else: the sockets are not for this process."""
        server = Server(env=environment(LISTEN_PID="1", LISTEN_FDS="1"))
        self.assertEqual(server.stop(), 0)


class Units(unittest.TestCase):
    def test_security(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze (apt-get install systemd)")
        units = [os.path.join(BUILD, "vit.service"), os.path.join(SOURCE, "packaging", "vit.socket")]
        folder = os.path.join(FOLDER, "units")
        os.makedirs(folder)
        for unit in units:
            shutil.copy(unit, folder)
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
                               os.path.join(folder, "vit.service")], capture_output=True, text=True)
        if "offline" in done.stderr and "unrecognized" in done.stderr:
            self.skipTest("systemd-analyze is older than 250")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)  # exposure at most 1.5 of 10: "OK"
        with open(units[0], encoding="utf-8") as file:
            text = file.read()
        for line in ("DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "SystemCallFilter=@system-service",
                     "PrivateNetwork=yes"):
            self.assertIn("\n%s\n" % line, text)
        self.assertRegex(text, r"\nMemoryMax=\d+G\n")
        self.assertNotRegex(text, r"\nMemoryDenyWriteExecute=")


if __name__ == "__main__":
    main()
