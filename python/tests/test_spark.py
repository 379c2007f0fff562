# SPDX-License-Identifier: BSD-2-Clause
"""Spark itself, local[2]: its result is the command's."""

import os
import sys
import unittest

from pyspark.sql import SparkSession

import libvit
import libvit.spark
from engines import BAD, EngineCase
from test_examples import run_example

os.environ["PYSPARK_PYTHON"] = sys.executable  # workers have this environment, too


class Spark(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "600m")
            .config("spark.sql.warehouse.dir", os.path.join(cls.room, "warehouse"))
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "8")
            .getOrCreate()
        )
        cls.spark.sparkContext.setLogLevel("ERROR")
        cls.addClassCleanup(cls.spark.stop)

    def frame(self):
        return self.spark.read.format("binaryFile").load(self.folder)

    @staticmethod
    def path(url):
        return url.removeprefix("file:").replace("///", "/")

    def test_embed(self):
        df = libvit.spark.embed(self.frame(), self.model)
        self.assertEqual(df.columns, ["path", "modificationTime", "length", "embedding", "error"])
        self.assertEqual(dict(df.dtypes)["embedding"], "array<float>")
        out = os.path.join(self.room, "vectors")
        df.write.parquet(out)
        self.check((self.path(row.path), row.embedding, row.error) for row in self.spark.read.parquet(out).collect())

    def test_udf(self):
        """For select and for SQL."""
        embed = libvit.spark.embed_udf(self.model)
        for row in self.frame().select("path", embed("content").alias("v")).collect():
            self.check_one(row)
        self.spark.udf.register("embed", embed)
        self.frame().createOrReplaceTempView("pictures")
        for row in self.spark.sql("SELECT path, embed(content) AS v FROM pictures LIMIT 9").collect():
            self.check_one(row)

    def check_one(self, row):
        if row.path.endswith(BAD):
            self.assertIsNone(row.v)
        else:
            self.assertEqual(row.v, self.expected[self.path(row.path)].tolist())

    def test_example(self):
        """examples/python/spark_folder.py, in a session of its own."""
        out = os.path.join(self.room, "example")
        run_example("spark_folder.py", self.folder, out, self.model)
        rows = self.spark.read.parquet(out).collect()
        self.assertEqual({self.path(row.path) for row in rows if row.error is None}, set(self.expected))
        self.assertEqual([row.error for row in rows if row.error is not None], ["unsupported_format"])

    def test_page(self):
        folder = self.run_blocks("libvit.spark")
        self.assertGreater(self.spark.read.parquet(os.path.join(folder, "vectors")).where("error IS NULL").count(), 0)

    def test_wrong_columns(self):
        df = self.frame()
        with self.assertRaisesRegex(libvit.InvalidArgument, "no column 'bytes'"):
            libvit.spark.embed(df, self.model, column="bytes")
        with self.assertRaisesRegex(libvit.InvalidArgument, "'error' already"):
            libvit.spark.embed(df.withColumnRenamed("length", "error"), self.model)


if __name__ == "__main__":
    unittest.main()
