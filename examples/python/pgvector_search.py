# SPDX-License-Identifier: BSD-2-Clause
"""As faiss_search.py, in PostgreSQL with pgvector: pgvector_search.py postgresql://USER@HOST/DATABASE FOLDER PICTURE.
Needs psycopg and pgvector. `vit index` and libvit.Index keep an index there too, and follow the files."""

import os
import sys
from pathlib import Path

import libvit
import psycopg
from pgvector.psycopg import register_vector


def main(database: str, folder: str, query: str) -> None:
    model = libvit.Model(os.environ.get("VIT_MODEL"))
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    with psycopg.connect(database) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(connection)
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS pictures (path text PRIMARY KEY, embedding vector({model.width}))"
        )
        with connection.cursor() as cursor:
            vectors, rows, _ = model.embed(paths, normalize=True, errors="skip")
            cursor.executemany(
                "INSERT INTO pictures VALUES (%s, %s) ON CONFLICT (path) DO UPDATE SET embedding = EXCLUDED.embedding",
                [(str(paths[row]), vector) for row, vector in zip(rows, vectors)],
            )
        near = connection.execute(
            "SELECT path, 1 - (embedding <=> %s) AS score FROM pictures ORDER BY score DESC LIMIT 5",
            [model.embed(query, normalize=True)],
        )
        for path, score in near:
            print(f"{score:.4f}  {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
