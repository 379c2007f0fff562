# SPDX-License-Identifier: BSD-2-Clause
"""Ray Data itself, on one node: its result is the command's, also when an actor is killed in mid-job."""

import os
import signal
import tempfile
import unittest

import pyarrow as pa
import pyarrow.parquet
import ray

import files
import libvit.ray
from engines import BAD
from ray_jobs import CPUS, STORE, Job, rows_of, start
from test_examples import run_example


class OneNode(Job):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(ray.shutdown)
        start(address="local", num_cpus=CPUS, object_store_memory=STORE)

    def test_two_actors(self):
        out = os.path.join(self.room, "vectors")
        libvit.ray.embed(self.dataset(), self.model, actors=2, batch_size=8).write_parquet(out)
        self.check(rows_of(pyarrow.parquet.read_table(out)))
        schema = pyarrow.parquet.read_schema(next(os.path.join(out, name) for name in os.listdir(out)))
        kind = schema.field("embedding").type
        self.assertEqual((kind.value_type, kind.list_size), (pa.float32(), libvit.Model(self.model).width))
        self.assertEqual((schema.names, schema.field("error").type), (["path", "embedding", "error"], pa.string()))

    def test_killed_actor(self):
        """kill -9 in mid-job: no row is lost, and none comes twice."""
        killed = []

        def kill():
            killed.append(self.batches()[-1][0])
            os.kill(int(killed[0]), signal.SIGKILL)

        killer = self.when(lambda: len(self.batches()) >= 5, kill)
        out = os.path.join(self.room, "after_kill")
        self.slow(2).write_parquet(out)
        killer.join()
        self.check(rows_of(pyarrow.parquet.read_table(out)))
        processes = {process for process, _ in self.batches()}
        self.assertIn(killed[0], processes)
        self.assertGreaterEqual(len(processes), 3, "another actor takes the place of the killed one")

    def test_too_many_actors(self):
        with self.assertRaisesRegex(libvit.InvalidArgument, "would hang"):
            libvit.ray.embed(self.dataset(), self.model, actors=CPUS)

    def test_default_actors(self):
        rows = libvit.ray.classify(self.dataset(), self.model, top=1).take_all()
        model = libvit.Model(self.model)
        self.assertEqual(len(rows), 65)
        for row in rows:
            if row["path"].endswith(BAD):
                self.assertEqual((row["labels"], row["error"]), (None, "unsupported_format"))
            else:
                self.assertEqual(row["labels"][0]["index"], model.classify(row["path"], top=1)[0].index)

    def test_example(self):
        """examples/python/ray_webdataset.py, on this cluster."""
        tars, out = (tempfile.mkdtemp(dir=self.room) for _ in range(2))
        paths = sorted(self.expected)
        for number in range(2):
            members = []
            for path in paths[number::2]:
                with open(path, "rb") as file:
                    key = os.path.basename(path).replace(".", "_")
                    members += [(key + ".jpg", file.read()), (key + ".txt", b"a text")]
            with open(os.path.join(tars, "%d.tar" % number), "wb") as file:
                file.write(files.tar(members))
        run_example("ray_webdataset.py", tars, out, self.model, RAY_ADDRESS=ray.get_runtime_context().gcs_address)
        table = pyarrow.parquet.read_table(out)
        self.assertEqual((sorted(table.schema.names), len(table)), (["__key__", "embedding", "error"], len(paths)))
        self.assertEqual(table["error"].null_count, len(paths))

    def test_page(self):
        folder = self.run_blocks("libvit.ray")
        table = pyarrow.parquet.read_table(os.path.join(folder, "vectors"))
        self.assertEqual((len(table), table["error"].null_count), (65, 64))

    def test_other_model(self):
        """A worker with another model ends the job with a word, and not with vectors."""
        ds = self.dataset().map_batches(
            libvit.ray.Embedder,
            fn_constructor_kwargs={"model": self.model, "digests": ("0" * 64, None)},
            batch_format="pyarrow",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=1),
        )
        with self.assertRaises(Exception) as caught:
            ds.take_all()
        self.assertIn("weights on this machine are not those", str(caught.exception))

    def test_resume(self):
        """A second run with Ray's checkpoints does what the first left out."""
        if not hasattr(ray.data, "checkpoint"):
            self.skipTest("Ray %s has no checkpoints of datasets" % ray.__version__)
        from ray.data.checkpoint import CheckpointConfig

        out = os.path.join(self.room, "resumed")
        context = ray.data.DataContext.get_current()
        context.checkpoint_config = CheckpointConfig(
            id_column="path", checkpoint_path=os.path.join(self.room, "checkpoint"), delete_checkpoint_on_success=False
        )
        try:
            paths = sorted(self.expected)[:20]
            libvit.ray.embed(ray.data.read_binary_files(paths, include_paths=True), self.model, actors=1).write_parquet(
                out
            )
            self.slow(1).write_parquet(out)
        finally:
            context.checkpoint_config = None
        self.check(rows_of(pyarrow.parquet.read_table(out)))
        self.assertLess(len(self.batches()), 30, "45 pictures in twos, and not 65")


if __name__ == "__main__":
    unittest.main()
