# SPDX-License-Identifier: BSD-2-Clause
"""Threads, forks, pickles, exits. VIT_TEST_FULL=1 repeats each as often as it takes to see what happens rarely."""

import multiprocessing
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

import numpy as np

import libvit
from support import CAT, CLASSIFIER, FULL, PICTURES, Case, run_python

HANGS = 10  # seconds
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def times(quick, full):
    return range(full if FULL else quick)


def resident():
    """Bytes of this process in memory."""
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Threads(Case):
    def together(self, work, n=8):
        results, failures = [None] * n, []

        def run(i):
            try:
                results[i] = work(i)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        return results

    def test_one_model(self):
        model = libvit.Model(batch=3, threads=2)
        want = model.embed(PICTURES * 3)
        for got in self.together(lambda i: model.embed(PICTURES * 3)):
            self.assert_same(got, want)

    def test_shares(self):
        model = libvit.Model()
        shares = [model.share(threads=1) for _ in range(8)]
        want = model.embed(PICTURES * 2)
        for got in self.together(lambda i: shares[i].embed(PICTURES * 2)):
            self.assert_same(got, want)

    def test_closing_while_others_work(self):
        model = libvit.Model(batch=1)
        want = model.embed(PICTURES)

        def work(i):
            time.sleep(0.01 * i)
            if i == 4:
                return model.close()
            try:
                return model.embed(PICTURES)
            except libvit.InvalidArgument:
                return None

        for got in self.together(work):
            if got is not None:
                self.assert_same(got, want)


class Life(Case):
    def test_memory_is_flat(self):
        for _ in range(20):
            libvit.Model().embed(PICTURES)
        before = resident()
        for _ in times(20, 200):
            with libvit.Model() as model:
                model.embed(PICTURES)
        self.assertLess(resident() - before, 16 << 20)

    def test_exit_with_live_sessions(self):
        code = """
import sys, threading, libvit
model = libvit.Model(threads=2)
other = model.share(2)
model.embed(sys.argv[1:])
iterator = other.embed_iter(sys.argv[1:] * 100)
next(iterator)
threading.Thread(target=lambda: [model.embed(sys.argv[1:]) for _ in range(1000)], daemon=True).start()
"""
        for _ in times(3, 50):
            run_python(code, *PICTURES, timeout=HANGS)

    def test_interrupt(self):
        code = """
import itertools, sys, libvit
def endless():
    for i in itertools.count():
        if i == 40:
            print("go", flush=True)
        yield sys.argv[1 + i % 4]
for vector in libvit.Model(batch=2).embed_iter(endless()): pass
"""
        with subprocess.Popen(
            [sys.executable, "-c", code, *PICTURES], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            self.assertEqual(process.stdout.readline(), b"go\n")
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=HANGS)
        self.assertIn(b"KeyboardInterrupt", said)
        self.assertNotEqual(process.returncode, 0)

    def test_fork(self):
        """Also while another thread encodes, which then holds the lock."""
        code = """
import os, sys, threading, time, warnings, numpy as np, libvit
warnings.simplefilter("ignore")
pictures = sys.argv[2:]
model = libvit.Model(batch=2, threads=2)
want = model.embed(pictures)
stop = False
def work():
    while not stop: model.embed(pictures)
thread = threading.Thread(target=work)
thread.start()
for i in range(int(sys.argv[1])):
    iterator = model.embed_iter(pictures * 2)
    next(iterator)
    pid = os.fork()
    if pid == 0:
        good = (model.embed(pictures) == want).all() and (model.share(1).embed(pictures) == want).all()
        try:
            list(iterator)
            good = False
        except libvit.InvalidArgument:
            pass
        os._exit(0 if good else 1)
    end = time.monotonic() + 10
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done: break
        if time.monotonic() > end: os.kill(pid, 9); sys.exit("it hangs")
        time.sleep(0.01)
    assert status == 0, status
stop = True
thread.join()
assert (model.embed(pictures) == want).all()
"""
        run_python(code, 20 if FULL else 3, *PICTURES, timeout=240)

    def test_pools(self):
        model = libvit.Model(CLASSIFIER)
        want = model.embed(PICTURES)
        for method in ("spawn", "forkserver", "fork"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                got = pool.map_async(model.embed, PICTURES).get(60)
            self.assert_same(np.stack(got), want)


class Pickles(Case):
    def test_round_trip(self):
        model = libvit.Model(
            CLASSIFIER, precision="bf16", batch=3, resampler="torchvision", background="ffffff", image_size=(64, 48)
        )
        data = pickle.dumps(model)
        self.assertLess(len(data), 1000)
        again = pickle.loads(data)
        self.assert_same(again.embed(PICTURES), model.embed(PICTURES))
        self.assertEqual((again.precision, again.image_size, again.threads), ("bf16", (64, 48), model.threads))
        self.assertEqual(pickle.loads(pickle.dumps(libvit.Model(threads=1))).threads, 1)
        self.assertEqual(pickle.loads(pickle.dumps(model.share(1))).threads, 1)
        prediction, result = model.classify(PICTURES[0])[0], libvit.Model().embed(
            ["no.jpg", PICTURES[0]], errors="skip"
        )
        self.assertEqual(pickle.loads(pickle.dumps(prediction)), prediction)
        self.assertEqual(pickle.loads(pickle.dumps(result)).errors[0].code, "not_found")

    def test_a_relative_path_means_the_same_elsewhere(self):
        here = os.getcwd()
        try:
            os.chdir(os.path.dirname(CLASSIFIER))
            data = pickle.dumps(libvit.Model(os.path.basename(CLASSIFIER)))
        finally:
            os.chdir(here)
        self.assertEqual(pickle.loads(data).family, "vit")

    def test_another_model_in_its_place(self):
        place = os.path.join(self.folder(), "model")
        shutil.copytree(CLASSIFIER, place)
        model = libvit.Model(place)
        unknown = pickle.dumps(model)
        self.assertEqual(len(model.digest), 64)
        known = pickle.dumps(model)
        rules = libvit.Model(place)
        self.assertEqual(len(rules.preprocessing_digest), 64)
        rules = pickle.dumps(rules)
        pickle.loads(known)
        config = pathlib.Path(place, "preprocessor_config.json")
        config.write_text(config.read_text().replace('"image_mean": [', '"image_mean": [\n').replace("0.5", "0.25"))
        with self.assertRaises(libvit.ModelError) as caught:
            pickle.loads(rules)
        self.assertEqual(caught.exception.code, "model_mismatch")
        weights = pathlib.Path(place, "model.safetensors")
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        del model
        weights.unlink()
        weights.write_bytes(data)
        with self.assertRaises(libvit.ModelError) as caught:
            pickle.loads(known)
        self.assertEqual(caught.exception.code, "model_mismatch")
        pickle.loads(unknown)

    def test_a_hub_id_has_its_commit(self):
        hub = self.folder()
        model = os.path.join(hub, "models--org--name")
        shutil.copytree(CLASSIFIER, os.path.join(model, "snapshots", COMMIT))
        os.mkdir(os.path.join(model, "refs"))
        pathlib.Path(model, "refs", "main").write_text(COMMIT)
        os.environ["HF_HUB_CACHE"] = hub
        self.addCleanup(os.environ.pop, "HF_HUB_CACHE")
        data = pickle.dumps(libvit.Model("org/name"))
        self.assertIn(("org/name@" + COMMIT).encode(), data)
        shutil.rmtree(os.path.join(model, "refs"))
        self.assertEqual(pickle.loads(data).family, "vit")
        self.assertEqual(libvit.Model("org/name@" + COMMIT, download=True).family, "vit")


if __name__ == "__main__":
    unittest.main()
