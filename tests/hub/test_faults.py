# SPDX-License-Identifier: BSD-2-Clause
"""`vit pull` against servers that fail, lie or attack: the exit status and the message that are due, within 30 seconds; the
cache stays as it was but for the partial file; the token never leaves the hub's origin."""
import signal
import socketserver

from pulling import *


def setting(**values):
    def change(answer):
        for name, value in values.items():
            setattr(answer, name, value)
    return change


def headers(**values):
    """Header names with '_' for '-'; None removes one."""
    def change(answer):
        for name, value in values.items():
            answer.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                answer.headers[name.replace("_", "-")] = value
    return change


def busy(status, **more):
    def change(answer):
        answer.status, answer.body = status, b"busy"
        answer.headers = {k.replace("_", "-"): v for k, v in more.items()}
    return change


def instead(body):
    """Another body of the same length, or of its own."""
    def change(answer):
        answer.body = body(answer.body) if callable(body) else body
    return change


def flip(body):
    return body[:100] + bytes([body[100] ^ 1]) + body[101:]


class Refusals(PullCase):
    def test_not_there(self):
        self.pull("acme/none", status=3, saying=["acme/none", "no such repository", "HF_TOKEN"])
        self.pull(ID + "@none", status=3, saying=["no revision none"])
        self.hub.fault("head", busy(404, X_Error_Code="EntryNotFound"), name="config.json")
        self.pull(status=3, saying=["no file config.json"])
        self.hub.faults.clear()
        self.repository.gated = True
        self.pull(status=3, saying=["terms", self.hub.endpoint + "/" + ID, "HF_TOKEN"])
        self.hub.fault("list", busy(403))
        self.pull(status=3, saying=["no access"])
        self.pull(status=3, env=self.environment(HF_TOKEN=TOKEN), saying=["token is wrong"])
        self.hub.faults.clear()
        self.hub.fault("list", busy(418))
        self.pull(status=3, saying=["418"])
        self.assert_nothing(["models--acme--vit/blobs/" + git_sha1(b"A model.")])  # that came before config.json

    def test_a_file_that_its_server_does_not_have(self):
        """Repositories are none of its business."""
        self.hub.fault("cdn", busy(404))
        self.assertNotIn(b"repository", self.pull(status=3, saying=["404", "model.safetensors"]).stderr)

    def test_message_of_the_hub(self):
        self.hub.fault("list", busy(403, X_Error_Message="Read\x1b[31m the FAQ"))
        self.pull(status=3, saying="the FAQ")
        self.hub.faults.clear()
        self.hub.fault("list", busy(403, X_Error_Message="your token is " + TOKEN))
        self.pull(status=3, env=self.environment(HF_TOKEN=TOKEN))
        self.hub.faults.clear()
        self.hub.fault("list", instead(b'{"sha": %s}' % TOKEN.encode()))
        self.pull(status=3, env=self.environment(HF_TOKEN=TOKEN))
        self.hub.faults.clear()
        self.repository.files["../" + TOKEN] = b""
        self.pull(status=3, env=self.environment(HF_TOKEN=TOKEN))

    def test_weights_that_vit_does_not_read(self):
        for name in ("weights.pt", "model.ckpt", "sub/pytorch_model.bin", "1_Dense/pytorch_model.bin"):
            self.repository.files = {"config.json": b"{}", name: noise(2000)}
            self.pull(status=3, saying=[name, "refs/pr/N", "convert"])
        self.repository.files = {"config.json": b"{}"}
        self.pull(status=3, saying="no weights")
        self.assert_nothing()

    def test_nobody_listens(self):
        with socketserver.TCPServer(("127.0.0.1", 0), None) as closed:
            port = closed.server_address[1]
        started = time.monotonic()
        process = self.start_pull(HF_ENDPOINT="http://127.0.0.1:%d" % port)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1].decode()
        self.assertEqual(process.returncode, INTERRUPTED, said)
        self.assertLess(time.monotonic() - started, MUCH)
        self.assertIn("asked again", said)
        self.assertIn("goes on with it", said)


# Upper bounds on time are wide: other work on the machine may hold a pull up. They find one that waits for minutes.
MUCH = 60


class Passing(PullCase):
    """What passes: the pull succeeds."""

    def passes(self, stage, change, times=1, name="", seconds="3", **environment):
        shutil.rmtree(self.cache, ignore_errors=True)
        self.hub.faults.clear()
        self.hub.requests.clear()
        self.hub.fault(stage, change, name, times)
        started = time.monotonic()
        self.pull(env=self.environment(HF_HUB_DOWNLOAD_TIMEOUT=seconds, HF_HUB_ETAG_TIMEOUT=seconds, **environment))
        self.assertLess(time.monotonic() - started, MUCH)
        self.assert_whole()
        return time.monotonic() - started

    def test_busy(self):
        for status in (408, 429, 500, 502, 503, 504):
            self.passes("list", busy(status))
        self.assertGreater(self.passes("head", busy(503), times=2, name="model.safetensors"), 3)
        self.passes("cdn", busy(503))

    def test_what_the_hub_asks_to_wait(self):
        waited = self.passes("list", busy(429, ratelimit='"api";r=0;t=2'))
        self.assertGreaterEqual(waited, 3)
        self.assertGreaterEqual(self.passes("list", busy(429, Retry_After="2")), 2)
        self.assertGreaterEqual(self.passes("head", busy(503, Retry_After="2")), 2)
        self.hub.fault("list", busy(429, Retry_After="99999999"))
        self.pull(status=3, saying="later")

    def test_connection(self):
        self.passes("list", setting(raw=b""))
        self.passes("head", setting(raw=b""))
        self.passes("cdn", setting(raw=b""))
        self.passes("cdn", setting(raw=b"HTTP/1.1 200 OK\r\nContent-"))
        self.passes("list", setting(cut=100))
        self.passes("list", setting(silent=4), seconds="1")
        self.passes("head", setting(silent=4), seconds="1")
        self.passes("cdn", setting(silent=4), seconds="1")

    def test_cut_and_going_on(self):
        self.repository.files["model.safetensors"] = noise(LARGE)
        self.passes("cdn", setting(cut=1 << 20), times=2)
        ranges = [r["range"] for r in self.hub.bodies() if r["cdn"]]
        self.assertEqual(ranges[0], None)
        self.assertEqual(len(ranges), 3)
        self.assertTrue(all(r for r in ranges[1:]), ranges)
        self.assertLess(self.hub.sent("cdn"), 1.2 * LARGE)

    def test_cut_more_often_than_tries(self):
        """The count starts anew when bytes came."""
        self.repository.files["model.safetensors"] = noise(8 * 65536)
        self.passes("cdn", setting(cut=65536), times=7)

    def test_without_length(self):
        self.repository.files["model.safetensors"] = noise(LARGE)
        self.passes("cdn", setting(length=False), times=9)

        def cut_without_length(answer):
            answer.length, answer.cut = False, 1 << 20
        self.passes("cdn", cut_without_length)

    def test_ranges_ignored(self):
        self.repository.files["model.safetensors"] = noise(LARGE)

        def ignore(answer):
            if answer.status == 206:
                answer.status, answer.body = 200, self.repository.files["model.safetensors"]
                answer.headers = {}
        self.passes("cdn", setting(cut=1 << 20))
        shutil.rmtree(self.cache)
        self.hub.fault("cdn", setting(cut=1 << 20), times=1)
        self.hub.fault("cdn", ignore)
        self.pull()
        self.assert_whole()

    def test_range_from_elsewhere(self):
        self.repository.files["model.safetensors"] = noise(LARGE)
        self.hub.fault("cdn", setting(cut=1 << 20), times=1)

        def elsewhere(answer):
            if answer.status == 206:
                answer.headers["Content-Range"] = "bytes 5-%d/%d" % (LARGE - 1, LARGE)
        self.hub.fault("cdn", elsewhere, times=2)
        self.pull()
        self.assert_whole()

    def test_range_that_cannot_be(self):
        self.hub.fault("cdn", setting(cut=100000), times=1)
        self.hub.fault("cdn", lambda a: busy(416)(a) if a.status == 206 else None, times=2)
        self.pull()
        self.assert_whole()

    def test_expired_signature(self):
        def expire(answer):
            answer.cut = 100000
            self.hub.expires += 1
        self.passes("cdn", expire)
        self.assertEqual(len([r for r in self.hub.requests if r["stage"] == "head" and "model" in r["path"]]), 2)

    def test_renamed(self):
        self.hub.repositories["acme/old"] = ID
        self.pull("acme/old", env=self.environment(HF_TOKEN=TOKEN))
        self.assertTrue(all(r["token"] for r in self.hub.requests if not r["cdn"]))
        self.assertTrue(os.path.isdir(os.path.join(self.cache, "models--acme--old", "snapshots", COMMIT)))
        self.assert_token_stays()

    def test_wrong_bytes_once(self):
        self.passes("cdn", instead(flip))
        self.assertEqual(len([r for r in self.hub.bodies() if r["cdn"]]), 2)
        self.passes("get", instead(flip), name="config.json")
        self.passes("cdn", instead(lambda body: body + b"more"))
        self.passes("cdn", instead(lambda body: body[:-1]))

    def test_kept_part_is_read_again(self):
        self.repository.files["model.safetensors"] = noise(LARGE)
        blobs = os.path.join(self.cache, "models--acme--vit", "blobs")
        partial = os.path.join(blobs, sha256(noise(LARGE)) + ".vit.incomplete")
        for kept, least in ((noise(LARGE)[:LARGE - 1000], 0), (noise(LARGE), 0), (b"x" * 5000, LARGE), (noise(LARGE) + b"y", LARGE),
                            (b"x" * LARGE, LARGE)):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.requests.clear()
            write(partial, kept)
            self.pull()
            self.assert_whole()
            self.assertGreaterEqual(self.hub.sent("cdn"), least)

    def test_redirects_to_other_places_keep_the_token(self):
        other = self.serve({ID: self.repository})

        def elsewhere(answer):
            answer.status = 302
            answer.headers["Location"] = other.endpoint + "/acme/vit/resolve/main/config.json"
        self.passes("get", elsewhere, name="config.json", HF_TOKEN=TOKEN)
        self.assertEqual([r["token"] for r in other.requests], [False])

        def list_elsewhere(answer):
            answer.status = 307
            answer.headers["Location"] = other.endpoint + "/api/models/acme/vit/revision/main?blobs=true"
        self.passes("list", list_elsewhere, HF_TOKEN=TOKEN)
        self.assertFalse(any(r["token"] for r in other.requests))
        # back again: what another host sent is not trusted with the token
        def back(answer):
            answer.status = 302
            answer.headers["Location"] = self.hub.endpoint + "/acme/vit/resolve/main/model.safetensors"
        self.hub.requests.clear()
        self.hub.fault("cdn", back, times=1)
        shutil.rmtree(self.cache)
        self.pull(status=0, env=self.environment(HF_TOKEN=TOKEN))
        self.assert_token_stays()
        self.assertEqual([r["token"] for r in self.hub.requests if r["stage"] == "get" and "model.saf" in r["path"]], [False])

    def test_other_etags(self):
        """Of mirrors: the list's digests decide."""
        self.repository.etags = {"model.safetensors": "d41d8cd98f00b204e9800998ecf8427e-38", "config.json": "someTAG_1"}
        self.pull()
        self.assert_whole()
        self.pull()
        self.assert_whole()
        self.assertEqual(len(self.hub.bodies()), len(self.repository.files))
        shutil.rmtree(self.cache)
        self.hub.fault("cdn", instead(flip))
        self.pull(status=3, saying="announces")
        self.hub.faults.clear()
        self.repository.digests = False
        self.pull(status=3, saying="no digest")
        self.repository.etags = {}
        shutil.rmtree(self.cache)
        self.pull()  # sizes and digests of the answers alone
        self.assert_whole()

    def test_weak_and_bare_etags(self):
        etag = self.repository.etag("config.json")
        for form in ('W/"%s"', "%s", '"%s"'):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.fault("head", headers(ETag=form % etag), name="/config.json", times=1)
            self.pull()
            self.assert_whole()


class Lasting(PullCase):
    """What may pass and does not: five more tries, which take 23 seconds."""

    def lasts(self, stage, change, saying=(), name="", seconds="1"):
        self.hub.fault(stage, change, name)
        started = time.monotonic()
        self.pull(status=3, env=self.environment(HF_HUB_DOWNLOAD_TIMEOUT=seconds, HF_HUB_ETAG_TIMEOUT=seconds), saying=saying)
        self.assertGreater(time.monotonic() - started, 22)
        self.assertEqual(len([r for r in self.hub.requests if r["stage"] == stage and name in r["path"]]), 6)

    def test_list_busy(self):
        self.lasts("list", busy(503), "503")
        self.assertFalse(os.path.exists(self.cache))

    def test_list_lost(self):
        self.lasts("list", setting(raw=b""), "no answer")

    def test_file_busy(self):
        self.lasts("head", busy(429), "429", "model.saf")

    def test_content_busy(self):
        self.lasts("cdn", busy(502), ["502", "model.safetensors"])

    def test_content_lost(self):
        self.lasts("cdn", setting(raw=b"HTTP/1.1 200 OK\r\n"), "too early")

    def test_content_cut_with_ranges_ignored(self):
        """It never comes further than the time before: no reason to begin the count anew."""
        def ignore(answer):
            answer.status, answer.body, answer.cut = 200, self.repository.files["model.safetensors"], 100000
            answer.headers = {}
        self.lasts("cdn", ignore, "no answer")

    def test_signatures_that_expire_at_once(self):
        def expire(answer):
            answer.status, answer.body = 403, b""
        self.lasts("cdn", expire, "403")

    def test_silence(self):
        self.lasts("list", setting(silent=40))


class Attacks(PullCase):
    """What never passes: exit status 3, at once, and nothing but a partial file is written."""

    def refused(self, stage, change, name="", saying=(), times=10**9):
        with self.subTest(stage=stage, name=name, saying=saying):
            shutil.rmtree(self.cache, ignore_errors=True)
            self.hub.faults.clear()
            self.hub.requests.clear()
            self.hub.fault(stage, change, name, times)
            self.pull(status=3, env=self.environment(HF_TOKEN=TOKEN), saying=saying)
            self.assertFalse([path for path in self.tree() if "/snapshots/" in path or "/refs/" in path])
            blobs = {self.repository.etag(n): data for n, data in self.repository.files.items()}
            for path, what in self.tree().items():  # what came right before stays
                if "/blobs/" in path and not path.endswith(".vit.incomplete"):
                    self.assertEqual(what, blobs[os.path.basename(path)])
            self.assert_token_stays()

    def test_lists(self):
        good = self.repository.listing()
        for sha in ("", "main", "g" * 40, "A" * 40, "0" * 41, "../../x", 5, None):
            self.refused("list", instead(json.dumps(dict(good, sha=sha)).encode()), saying="commit")
        for body in (b"", b"{", b"[]", b"null", b'{"sha": "%s"}' % COMMIT.encode(), b"[" * 100000, b"\xff\xfe",
                     json.dumps(dict(good, siblings={})).encode(), json.dumps(dict(good, siblings=[5])).encode()):
            self.refused("list", instead(body))

    def test_names(self):
        for name in ("../x", "a/../../x", "/etc/x", "a//b", "./x", "a/./b", "a/..", "a/", "", "..", "a\\b", "a\x00b", "a\nb",
                     "a\x1bb", "b" * 256, "c/" + "d" * 300, "e/" * 600 + "e", None, 7):
            listing = self.repository.listing()
            listing["siblings"].append({"rfilename": name, "size": 1, "blobId": "a" * 40})
            self.refused("list", instead(json.dumps(listing).encode()))
        listing = self.repository.listing()
        listing["siblings"].append(listing["siblings"][0])
        self.refused("list", instead(json.dumps(listing).encode()), saying="twice")

    def test_numbers_and_digests(self):
        for change in ({"size": -1}, {"size": "5"}, {"size": 1.5}, {"size": 10**30}, {"blobId": "x"}, {"blobId": "a" * 64},
                       {"blobId": "../" + "a" * 37}, {"lfs": {"sha256": "A" * 64}}, {"lfs": {"sha256": "a" * 64, "size": 1}},
                       {"lfs": {"sha256": "a" * 63}}):
            listing = self.repository.listing()
            listing["siblings"][0].update(change)
            self.refused("list", instead(json.dumps(listing).encode()))

    def test_too_much(self):
        many = [{"rfilename": "f%d" % i, "size": 1} for i in range(10001)]
        self.refused("list", instead(json.dumps({"sha": COMMIT, "siblings": many}).encode()), saying="10000")
        self.refused("list", instead(b" " * ((32 << 20) + 1)), saying="33554432")
        self.refused("list", headers(X_Large="x" * 60000, X_Larger="y" * 60000), saying="headers")
        self.refused("head", headers(**{"X_%d" % i: "x" * 1000 for i in range(90)}), saying="headers")
        self.refused("cdn", headers(**{"X_%d" % i: "x" * 1000 for i in range(90)}), saying="headers")

    def test_answers_that_disagree(self):
        self.refused("head", headers(X_Repo_Commit="f" * 40), saying="commit")
        self.refused("head", headers(X_Linked_Etag='"%s"' % ("0" * 64)), "model", saying="digest")
        self.refused("head", headers(ETag='"%s"' % ("0" * 40)), "/config.json", saying="digest")
        self.refused("head", headers(X_Linked_Size="5"), "model", saying="size")
        self.refused("head", headers(X_Linked_Size="5"), "/config.json", saying="size")
        for etag in ("../../x", "a/b", "..", "a b", ".", "x" * 200, "a.vit.incomplete", "\xe9"):
            self.refused("head", headers(X_Linked_Etag='"%s"' % etag), "model", saying="name")

    def test_contents(self):
        self.refused("cdn", instead(flip), saying=["twice", "SHA-256"])
        self.refused("get", instead(flip), "/config.json", saying=["twice", "SHA-1"])
        self.refused("cdn", instead(lambda body: body + b"more"), saying="announce")
        self.refused("cdn", instead(lambda body: body[:-1]), saying="announce")

        def endless(answer):
            answer.length, answer.body = False, answer.body + noise(1 << 20)
        self.refused("cdn", endless, saying="announce")

    def test_redirects(self):
        def to(place):
            def change(answer):
                answer.status = 302
                answer.headers["Location"] = place
            return change
        for stage in ("list", "head", "cdn"):
            self.refused(stage, to("/loop"), saying="redirect" if stage == "cdn" else ())
            for place in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/x", "http://", "//", "data:x"):
                self.refused(stage, to(place), saying="https")
        self.hub.fault("other", to("/loop"))
        for stage in ("list", "head"):
            self.hub.faults.clear()
            self.hub.fault("other", to("/loop"))
            self.hub.fault(stage, to("/loop"))
            self.pull(status=3, saying="redirects")

    def test_commit_of_another_name(self):
        other = "e" * 40
        self.repository.revisions[other] = other
        self.pull(ID + "@" + other, status=3, saying="another commit")

    def test_shards_that_lead_out(self):
        self.repository.files.pop("model.safetensors")
        for name in ("../x", "none.safetensors", 5):
            self.repository.files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": name}}).encode()
            self.pull(status=3, saying="index.json")


class PlantedLinks(PullCase):
    def test_they_are_errors(self):
        secret = write(self.path("secret"), b"secret")
        os.mkdir(self.path("else"))
        repository = os.path.join(self.cache, "models--acme--vit")
        etag = self.repository.etag("model.safetensors")
        snapshot = os.path.join("snapshots", COMMIT)
        for place, target in (("blobs", self.path("else")), ("snapshots", self.path("else")), (snapshot, self.path("else")),
                              (os.path.join("blobs", etag), secret), (os.path.join("blobs", etag + ".vit.incomplete"), secret),
                              (os.path.join(snapshot, "config.json"), secret), ("refs", self.path("else")),
                              (os.path.join(snapshot, "config.json"), "../../../../secret"),
                              (os.path.join("blobs", etag), "../../../secret"),
                              (os.path.join("blobs", etag), "../../blobs/ab/../../../secret")):
            with self.subTest(place=place, target=target):
                shutil.rmtree(self.cache, ignore_errors=True)
                os.makedirs(os.path.dirname(os.path.join(repository, place)))
                os.symlink(target, os.path.join(repository, place))
                self.pull(status=3, saying=["remove it"])
                self.assertEqual(read(secret), b"secret")
                self.assertEqual(os.listdir(self.path("else")), [])

    def test_second_names_of_the_partial_file(self):
        secret = write(self.path("secret"), b"secret")
        blobs = os.path.join(self.cache, "models--acme--vit", "blobs")
        os.makedirs(blobs)
        os.link(secret, os.path.join(blobs, self.repository.etag("model.safetensors") + ".vit.incomplete"))
        self.pull(status=3)
        self.assertEqual(read(secret), b"secret")

    def test_a_folder_in_the_place_of_a_reference(self):
        os.makedirs(os.path.join(self.cache, "models--acme--vit", "refs", "main"))
        self.pull(status=3, saying=["refs/main", "a folder stands where the cache has a file"])
        os.rmdir(os.path.join(self.cache, "models--acme--vit", "refs", "main"))
        self.pull()
        self.assert_whole()

    def test_what_is_no_file(self):
        blobs = os.path.join(self.cache, "models--acme--vit", "blobs")
        for name in ("", ".vit.incomplete"):
            shutil.rmtree(self.cache, ignore_errors=True)
            os.makedirs(blobs)
            os.mkfifo(os.path.join(blobs, self.repository.etag("model.safetensors") + name))
            self.pull(status=3)


if __name__ == "__main__":
    main_at_once()
