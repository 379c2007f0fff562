# SPDX-License-Identifier: BSD-2-Clause
"""Two nodes of Ray on this machine, one of which is killed in mid-job."""

import unittest

import pyarrow as pa
import ray
from ray.cluster_utils import Cluster

from ray_jobs import STORE, Job, rows_of, start


class TwoNodes(Job):
    def test_killed_node(self):
        cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 3, "object_store_memory": STORE, "include_dashboard": False},
        )
        self.addCleanup(cluster.shutdown)
        self.addCleanup(ray.shutdown)  # before the cluster's end
        start(address=cluster.address)  # while there is one node: a driver may stand on any that its machine has
        other = cluster.add_node(num_cpus=2, object_store_memory=STORE)
        cluster.wait_for_nodes()

        def both():
            return len({where for _, where in self.batches()}) == 2 and len(self.batches()) >= 6

        done = []

        def kill():
            done.append(len(self.batches()))
            cluster.remove_node(other, allow_graceful=False)

        killer = self.when(both, kill)
        tables = ray.get(self.slow(3).to_arrow_refs())
        killer.join()
        table = pa.concat_tables(tables)
        self.check(rows_of(table))
        self.assertEqual(len({where for _, where in self.batches()}), 2)
        self.assertLess(done[0], 32, "it was in mid-job")


if __name__ == "__main__":
    unittest.main()
