# SPDX-License-Identifier: BSD-2-Clause
"""`vit pull` that is killed, that runs several times at once, and that finds no room: the cache is right afterwards."""
import fcntl
import random
import resource
import signal

from pulling import *

SIZE = 48 << 20
KILLS = 50 if os.environ.get("VIT_TEST_FULL") else 20


class Killed(PullCase):
    def setUp(self):
        super().setUp()
        self.repository.files["model.safetensors"] = noise(SIZE)

    def test_many_times(self):
        """The kept part is read again, and what comes begins where it ends: hardly a byte is sent twice."""
        self.hub.fault("cdn", setting_slow, times=10**9)
        moments = random.Random(11)
        for i in range(KILLS):  # one in four at any moment, the others while the weights come
            n = len(self.hub.bodies())
            process = self.start_pull()
            while i % 4 and process.poll() is None and not any(r["cdn"] for r in self.hub.bodies()[n:]):
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 0.1))
            process.kill()
            process.communicate()
            self.assertFalse([path for path in self.tree() if "/refs/" in path])
        partial = [path for path in self.tree() if path.endswith(".vit.incomplete")]
        self.hub.faults.clear()
        self.pull()
        self.assert_whole()
        self.assertTrue(partial, "none of the kills came while the weights did")
        self.assertLess(self.hub.sent(), 1.2 * sum(map(len, self.repository.files.values())))

    def test_at_any_moment_of_a_short_pull(self):
        self.repository.files["model.safetensors"] = noise(100000)
        moments = random.Random(12)
        for _ in range(KILLS):
            process = self.start_pull()
            time.sleep(moments.uniform(0, 0.08))
            process.kill()
            process.communicate()
            if os.path.exists(os.path.join(self.cache, "models--acme--vit", "refs", "main")):
                self.assert_whole()  # a reader never meets half a snapshot
        self.pull()
        self.assert_whole()

    def test_interrupted(self):
        self.hub.fault("cdn", setting_slow)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start_pull()
            while not any(r["cdn"] for r in self.hub.requests):
                time.sleep(0.01)
            time.sleep(0.2)
            process.send_signal(number)
            said = process.communicate(timeout=20)[1]
            self.assertEqual(process.returncode, INTERRUPTED)
            self.assertIn(b"goes on with it", said)
        self.hub.faults.clear()
        self.pull()
        self.assert_whole()
        self.assertLess(self.hub.sent(), 1.2 * SIZE)


def setting_slow(answer):
    answer.slow = 0.004


class AtOnce(PullCase):
    def test_four_pulls(self):
        self.repository.files["model.safetensors"] = noise(SIZE // 4)
        processes = [self.start_pull() for _ in range(4)]
        for process in processes:
            out, said = process.communicate(timeout=60)
            self.assertEqual((process.returncode, said), (0, b""))
        self.assert_whole()
        self.assertEqual(len(self.hub.bodies()), len(self.repository.files))  # each content came once

    def test_somebody_else_holds_the_lock(self):
        """As filelock, which huggingface_hub has, holds it."""
        locks = os.path.join(self.cache, ".locks", "models--acme--vit")
        os.makedirs(locks)
        with open(os.path.join(locks, self.repository.etag("model.safetensors") + ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = self.start_pull()
            time.sleep(1)
            self.assertIsNone(process.poll())
            self.assertFalse(any(r["cdn"] for r in self.hub.requests))
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assert_whole()


class Disk(PullCase):
    def setUp(self):
        super().setUp()
        self.repository.files["model.safetensors"] = noise(LARGE * 4)

    def mount(self, size):
        """A small disk in place of the cache; skips the test, saying why, where that is not allowed."""
        if shutil.which("mount") is None or os.geteuid() != 0:
            self.skipTest("a small disk can only be mounted by root")
        os.makedirs(self.cache)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "vit-test", self.cache], capture_output=True,
                              text=True)
        if done.returncode != 0:
            self.skipTest("no small disk can be mounted here: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.cache], check=True)

    def remount(self, options):
        subprocess.run(["mount", "-o", "remount," + options, self.cache], check=True)

    def test_no_room_is_known_before(self):
        self.mount("8m")
        self.pull(status=OUTPUT_FAILS, saying=["models--acme--vit", "bytes are needed", "are free"])
        self.assertEqual(self.hub.bodies(), [])
        self.remount("size=20m")
        self.pull()
        self.assert_whole()

    def test_no_room_on_the_way(self):
        self.mount("20m")

        def fill_the_disk(answer):
            self.remount("size=8m")
        self.hub.fault("cdn", fill_the_disk, times=1)
        self.pull(status=OUTPUT_FAILS, saying=[".vit.incomplete", "No space left", "are needed", "are free", "goes on"])
        kept = [path for path in self.tree() if path.endswith(".vit.incomplete")]
        self.assertEqual(len(kept), 1)
        self.pull(status=OUTPUT_FAILS, saying="no room")
        self.remount("size=30m")
        self.pull()
        self.assert_whole()
        self.assertLess(self.hub.sent("cdn"), 1.9 * LARGE * 4)
        self.assertEqual(len([r for r in self.hub.bodies() if r["range"]]), 1)

    def test_limit_on_files(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE, LARGE))
        self.pull(status=OUTPUT_FAILS, preexec_fn=limit, saying=["File too large", ".vit.incomplete"])
        self.pull()
        self.assert_whole()

    def test_read_only(self):
        self.mount("40m")
        self.remount("ro")
        self.pull(status=OUTPUT_FAILS, saying=["Read-only file system", "bytes are needed", "are free"])
        self.remount("rw")
        self.pull()
        self.remount("ro")
        self.pull()  # all is there
        self.assert_whole()

    def test_no_permission(self):
        if os.geteuid() == 0:
            drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if shutil.which("setpriv") is None:
                self.skipTest("there is no setpriv here, to be another user than root")
        else:
            drop = []
        os.makedirs(self.cache, 0o755)
        os.chmod(self.folder, 0o755)
        os.chmod(self.cache, 0o555)
        done = subprocess.run(drop + [VIT, "pull", ID], env=self.environment(HOME=self.folder), capture_output=True, text=True)
        if drop and done.returncode in (1, 126, 127):
            self.skipTest("the command cannot be run by another user here: " + done.stderr)
        self.assertEqual(done.returncode, OUTPUT_FAILS, done.stderr)
        self.assertIn("Permission denied", done.stderr)

    def test_the_cache_is_a_file(self):
        write(self.path("file"), b"")
        for place in (self.path("file"), self.path("file", "below")):
            process = self.start_pull(HF_HUB_CACHE=place)
            said = process.communicate(timeout=30)[1].decode()
            self.assertIn(process.returncode, (MODEL_FAILS, OUTPUT_FAILS), said)
            self.assertIn("file", said)


if __name__ == "__main__":
    main_at_once(3)
