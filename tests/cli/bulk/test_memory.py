# SPDX-License-Identifier: BSD-2-Clause
"""Memory stays flat: over 20,000 inputs of a list, and 6,000 of a tar file on standard input, into parts, vit holds no more
at the end than after the first thousand."""
import tarfile
import time

from jobs import *

LISTED, IN_TAR = 20000, 6000
PART = 800  # rows: four of five inputs are pictures, so the first part is there after a thousand
ROOM = 4 * 1024  # KiB: what malloc may keep more or less of, from one moment to the next


def resident(pid):
    """0: it has just ended, and is waited for."""
    with open(f"/proc/{pid}/status") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmRSS")), 0)


class Memory(JobCase):
    def small_photos(self):
        """The sample photos, and one that is no picture; small, so that 20,000 of them take a minute, not ten."""
        names = []
        for name in sorted(os.listdir(PICTURES)):
            if name.endswith((".jpg", ".png")):
                out = name.rsplit(".", 1)[0] + ".npy"
                self.vit("preprocess", "--resize", "64x48", "-o", out, os.path.join(PICTURES, name))
                names.append(name.rsplit(".", 1)[0] + ".ppm")
                write(names[-1], b"P6\n64 48\n255\n" + read(out)[128:])
        write("bad.jpg", b"no picture")
        self.assertGreater(len(names), 2)
        return names + ["bad.jpg"]

    def watch(self, process, inputs):
        """What the process holds after the first part, and the most from the last part but one on."""
        first = last = None
        last_part = f"out/part-{inputs * 4 // 5 // PART - 2:05d}.npy"
        while process.poll() is None:
            if os.path.exists("out/part-00000.npy") and first is None:
                first = resident(process.pid) or None
            if os.path.exists(last_part):
                last = max(last or 0, resident(process.pid))
            time.sleep(0.01)
        self.assertEqual(process.wait(), 1)
        self.assertIsNotNone(first)
        self.assertIsNotNone(last, "the last parts came too fast to be watched")
        print(f"{first} KiB after the first part, {last} KiB at the end")
        self.assertLess(last, first + ROOM)

    def test_list(self):
        names = self.small_photos()
        write("list", "".join(names[i % len(names)] + "\n" for i in range(LISTED)).encode())
        self.watch(self.start("embed", "-q", "--shard-size", PART, "-o", "out", "--from", "list", stderr=subprocess.DEVNULL), LISTED)

    def test_tar(self):
        names = self.small_photos()
        with tarfile.open("a.tar", "w") as file:
            for i in range(IN_TAR):
                file.add(names[i % len(names)], f"{i:06d}" + names[i % len(names)][-4:])
        with open("a.tar", "rb") as given:
            self.watch(self.start("embed", "-q", "--tar", "--shard-size", PART, "-o", "out", "-", stdin=given,
                                  stderr=subprocess.DEVNULL), IN_TAR)


if __name__ == "__main__":
    main()
