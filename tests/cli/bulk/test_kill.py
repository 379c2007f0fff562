# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at random moments, again and again, of one job of 2,000 images: what is there in the end is what an
uninterrupted run writes, byte for byte."""
import random
import signal
import time

from jobs import *

IMAGES = int(os.environ.get("VIT_KILL_IMAGES", "2000"))
KILLS = int(os.environ.get("VIT_KILLS", "50"))


class Kill(JobCase):
    def test_kill(self):
        make_pictures("in", IMAGES, set(range(5, IMAGES, 97)))
        job = ["embed", "--shard-size", "20", "--batch", "16", "--progress", "never", "-q", "-o"]
        began = time.monotonic()
        self.vit(*job, "want", "in", status=1)
        whole = time.monotonic() - began
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}, {whole:.1f} s uninterrupted", file=sys.stderr)
        moments = random.Random(seed)
        kills = runs = 0
        while kills < KILLS:
            folder = f"out{runs}"
            finished = False
            while not finished and kills < KILLS:
                process = self.start(*job, folder, "--resume", "in", stderr=subprocess.DEVNULL)
                try:
                    # Most runs see some parts finished, few see the end.
                    process.wait(moments.uniform(0, 2 * whole / KILLS + 0.2))
                    self.assertEqual(process.returncode, 1)
                    finished = True
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
            self.vit(*job, folder, "--resume", "in", status=1, silent=True)
            self.check_same(snapshot(folder), snapshot("want"))
            runs += 1
        print(f"{kills} kills, {runs} jobs", file=sys.stderr)


if __name__ == "__main__":
    main()
