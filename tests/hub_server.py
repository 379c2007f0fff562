# SPDX-License-Identifier: BSD-2-Clause
"""A server that speaks the hub's protocol on two ports, the hub and its CDN, with faults. Python's standard library only.

A fault is a function that changes an answer before it goes out: hub.fault("cdn", lambda a: setattr(a, "cut", 1000), times=2)
cuts the next two contents after 1,000 bytes. Stages are "list", "head", "get" (a content from the hub itself) and "cdn".
"""
import hashlib
import http.server
import json
import socket
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secretSECRETsecret"


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Answer:
    def __init__(self, status=200, headers=(), body=b""):
        self.status, self.headers, self.body = status, dict(headers), body
        self.cut = None       # bytes after which the connection ends
        self.silent = 0       # seconds before anything is said
        self.slow = 0         # seconds between pieces of 64 KiB
        self.raw = None       # bytes instead of everything
        self.length = True    # says Content-Length


class Repository:
    """files: {name: content}; those of 1,000 bytes or more are in LFS, and on the CDN."""

    def __init__(self, files, commit=COMMIT):
        self.files, self.commit = dict(files), commit
        self.revisions = {"main": commit, commit: commit}
        self.gated = self.private = False
        self.digests = True   # the listing has them, as it does where it is asked for blobs
        self.etags = {}       # {name: another etag}

    def is_lfs(self, name):
        return len(self.files[name]) >= 1000

    def etag(self, name):
        data = self.files[name]
        return self.etags.get(name, sha256(data) if self.is_lfs(name) else git_sha1(data))

    def listing(self):
        siblings = []
        for name, data in sorted(self.files.items()):
            sibling = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
            if self.is_lfs(name):
                sibling["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
            if not self.digests:
                sibling = {"rfilename": name}
            siblings.append(sibling)
        return {"id": "acme/vit", "sha": self.commit, "siblings": siblings}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        hub, cdn = self.server.hub, self.server.cdn
        stage, answer = hub.cdn_answer(self) if cdn else hub.hub_answer(self)
        for fault in list(hub.faults):
            if fault["stage"] == stage and fault["name"] in self.path and fault["times"] > 0:
                fault["times"] -= 1
                fault["change"](answer)
        record = {"stage": stage, "method": self.command, "path": self.path, "sent": 0, "cdn": cdn,
                  "token": TOKEN in str(self.headers), "range": self.headers["Range"], "headers": dict(self.headers)}
        hub.requests.append(record)
        try:
            self.send(answer, record)
        except OSError:
            self.close_connection = True

    def send(self, answer, record):
        time.sleep(answer.silent)
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        if answer.length:
            answer.headers.setdefault("Content-Length", str(len(answer.body)))
        else:
            self.close_connection = True
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = answer.body if answer.cut is None else answer.body[:answer.cut]
        for at in range(0, len(body), 65536):
            piece = body[at:at + 65536]
            self.wfile.write(piece)
            record["sent"] += len(piece)
            time.sleep(answer.slow)
        if answer.cut is not None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Hub:
    def __init__(self, repositories, context=None):
        """repositories: {id: Repository, or the id that it was renamed to}. context: of ssl, for both ports."""
        self.repositories = repositories
        self.faults, self.requests = [], []
        self.expires = 10**9  # contents of the CDN that a signature is good for
        self.servers = []
        for cdn in (False, True):
            server = Server(("127.0.0.1", 0), Handler)
            server.hub, server.cdn = self, cdn
            if context:
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.servers.append(server)
        scheme = "https" if context else "http"
        # Two hosts, as the hub and its CDN are: a token for one must not be sent to the other.
        self.endpoint = "%s://127.0.0.1:%d" % (scheme, self.servers[0].server_port)
        self.cdn = "%s://localhost:%d" % (scheme, self.servers[1].server_port)

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def fault(self, stage, change, name="", times=10**9):
        self.faults.append({"stage": stage, "change": change, "name": name, "times": times})

    def sent(self, *stages):
        return sum(r["sent"] for r in self.requests if r["stage"] in (stages or ("get", "cdn")))

    def bodies(self):
        """Requests for contents."""
        return [r for r in self.requests if r["method"] == "GET" and r["stage"] in ("get", "cdn")]

    @staticmethod
    def refuse(status, code, message="no"):
        return Answer(status, {"X-Error-Code": code, "X-Error-Message": message}, b"{}")

    def find(self, handler, id):
        """(the repository, None) or (None, an answer that refuses)"""
        repository = self.repositories.get(id)
        if isinstance(repository, str):  # it has another name now
            return None, Answer(307, {"Location": handler.path.replace(id, repository, 1)})
        with_token = handler.headers["Authorization"] == "Bearer " + TOKEN
        if repository is None or (repository.private and not with_token):
            return None, self.refuse(401 if not with_token else 404, "RepoNotFound", "Repository not found")
        if repository.gated and not with_token:
            return None, self.refuse(403, "GatedRepo", "Access to model is restricted")
        return repository, None

    def hub_answer(self, handler):
        path = urllib.parse.urlsplit(handler.path).path
        parts = path.split("/")
        if path.startswith("/api/models/") and len(parts) >= 7 and parts[5] == "revision":
            return "list", self.list_answer(handler, "/".join(parts[3:5]), urllib.parse.unquote(parts[6]))
        if len(parts) >= 6 and parts[3] == "resolve":
            id, revision = "/".join(parts[1:3]), urllib.parse.unquote(parts[4])
            stage = "head" if handler.command == "HEAD" else "get"
            return stage, self.file_answer(handler, id, revision, urllib.parse.unquote("/".join(parts[5:])))
        return "other", self.refuse(404, "", "no such page: " + path)

    def list_answer(self, handler, id, revision):
        repository, refusal = self.find(handler, id)
        if refusal:
            return refusal
        if revision not in repository.revisions:
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        body = json.dumps(repository.listing()).encode()
        return Answer(200, {"Content-Type": "application/json"}, body)

    def file_answer(self, handler, id, revision, name):
        repository, refusal = self.find(handler, id)
        if refusal:
            return refusal
        if revision not in repository.revisions:
            return self.refuse(404, "RevisionNotFound")
        if name not in repository.files:
            return self.refuse(404, "EntryNotFound")
        data = repository.files[name]
        headers = {"X-Repo-Commit": repository.commit}
        if not repository.is_lfs(name):
            return self.content(handler, data, dict(headers, ETag='"%s"' % repository.etag(name)))
        signed = "%s/%s?%s" % (self.cdn, sha256(data), urllib.parse.urlencode({"id": id, "name": name,
                                                                               "Signature": self.expires}))
        return Answer(302, dict(headers, **{"Location": signed, "X-Linked-Size": str(len(data)), "ETag": '"of the pointer"',
                                            "X-Linked-Etag": '"%s"' % repository.etag(name)}))

    def cdn_answer(self, handler):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(handler.path).query))
        repository = self.repositories.get(query.get("id"))
        if not isinstance(repository, Repository) or query.get("name") not in repository.files:
            return "cdn", Answer(404)
        if int(query["Signature"]) != self.expires:
            return "cdn", Answer(403, {}, b"<Error>expired</Error>")
        return "cdn", self.content(handler, repository.files[query["name"]], {})

    @staticmethod
    def content(handler, data, headers):
        wanted = handler.headers["Range"]
        if not wanted or handler.command == "HEAD":
            return Answer(200, headers, data)
        start = int(wanted.split("=")[1].split("-")[0])
        if start >= len(data):
            return Answer(416, {"Content-Range": "bytes */%d" % len(data)})
        return Answer(206, dict(headers, **{"Content-Range": "bytes %d-%d/%d" % (start, len(data) - 1, len(data))}),
                      data[start:])
