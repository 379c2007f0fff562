# SPDX-License-Identifier: BSD-2-Clause
"""Vectors of the pictures of a folder, by Spark: spark_folder.py FOLDER OUT [MODEL], or spark-submit spark_folder.py
... Needs pyspark, and Java 17."""

import sys

import libvit.spark
from pyspark.sql import SparkSession


def main(folder: str, out: str, model: str | None = None) -> None:
    spark = (
        SparkSession.builder.appName("vectors")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "64")  # pictures a batch
        .getOrCreate()
    )
    pictures = spark.read.format("binaryFile").option("pathGlobFilter", "*.{jpg,jpeg,png,webp}").load(folder)
    vectors = libvit.spark.embed(pictures, model, normalize=True)
    vectors.write.mode("overwrite").parquet(out)
    for row in spark.read.parquet(out).where("error IS NOT NULL").select("path", "error").collect():
        print(f"{row.path}: {row.error}", file=sys.stderr)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
