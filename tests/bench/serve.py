#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What `vit serve` carries, beside `vit embed` and a server of FastAPI and transformers.

    python3 serve.py rate VIT MODEL [--threads 2] [--rounds 3] [--pictures 256] [--peer] [--also bf16 int8]
    python3 serve.py load VIT MODEL [--threads 2] [--minutes 10]
    python3 serve.py beside VIT CLIP [--threads 2] [--seconds 20] [--only texts|pictures]

rate: pictures a second over the same files, as data URIs of JPEGs, and a request's time with one client; all sides in turn.
load: clients that keep the encoder busy for minutes, then three times as many requests as it can answer.
beside: the time of a single text next to requests of a thousand texts, and next to such of two hundred pictures.
MODEL is a folder of make_vit.py; CLIP is one of make_clip.py. --peer needs torch, transformers, fastapi and uvicorn.
The clients run on the machine's processors too: what they take is printed, and is not the server's. The times of the batches themselves
are printed beside those of requests: on a machine that is shared, batches take now and then as long again.
"""
import argparse
import base64
import concurrent.futures
import glob
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHOTOS = sorted(glob.glob(str(HERE.parent.parent / "examples" / "images" / "*.jpg")))


def request(*inputs):
    """The bytes of a request; an input is a path or a text."""
    items = [{"text": i} if not os.path.exists(i) else
             {"image": "data:image/jpeg;base64," + base64.b64encode(Path(i).read_bytes()).decode()} for i in inputs]
    body = json.dumps({"input": items}).encode()
    return (b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


class Client:
    """One connection that is kept; ask() sends ready bytes and gives the status. `encoded`: seconds that the batches of the last answer
    took, by the server's own account; None where there were none."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, sent):
        self.socket.sendall(sent)
        got = b""
        while b"\r\n\r\n" not in got:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server ended the connection")
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: *(\d+)", head)[1]) - len(body)
        while left > 0:
            left -= len(self.socket.recv(left))
        self.closed = b"\r\nConnection: close" in head
        encoded = re.search(rb"encode;dur=([\d.]+)", head)
        self.encoded = float(encoded[1]) / 1000 if encoded else None
        return int(head.split(None, 2)[1])


class Server:
    def __init__(self, command, ready, env=None, cwd=None):
        """`ready` is a pattern of the line that names the port."""
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env, cwd=cwd)
        self.port = None
        for line in self.process.stderr:
            found = re.search(ready, line)
            if found:
                self.port = int(found[1])
                break
        if self.port is None:
            raise RuntimeError("it did not start: " + " ".join(map(str, command)))
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()

    def memory(self, key="VmRSS"):
        """MiB."""
        return int(re.search(key + r":\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def our_server(args, *more):
    return Server([args.vit, "serve", "-m", "m=" + str(args.model), "-t", str(args.threads), "--listen", "127.0.0.1:0",
                   "--log", "off", *more], r"listening on http://127\.0\.0\.1:(\d+)")


def peer_server(args):
    env = dict(os.environ, MODEL=str(Path(args.model).resolve()), THREADS=str(args.threads))
    return Server([sys.executable, "-m", "uvicorn", "--port", "0", "--log-level", "info", "--no-access-log", "serve_peer:app"],
                  r"running on http://127\.0\.0\.1:(\d+)", env, HERE)


def closed_loop(port, requests, clients, until=None, batches=None):
    """Each client asks again as soon as it has its answer, until a moment or until all requests are sent once.
    Seconds of each answer, and how often each status came. `batches`: a list that gets the seconds of each answer's batch."""
    times, statuses, lock, left = [], {}, threading.Lock(), iter(range(len(requests)) if until is None else iter(int, 1))

    def client():
        connection, mine, mine_statuses, i = Client(port), [], {}, 0
        while until is None or time.monotonic() < until:
            with lock:
                i = next(left, None) if until is None else i + 1
            if i is None:
                break
            begin = time.monotonic()
            status = connection.ask(requests[i % len(requests)])
            mine.append(time.monotonic() - begin)
            if batches is not None and connection.encoded:
                batches.append(connection.encoded)
            mine_statuses[status] = mine_statuses.get(status, 0) + 1
        with lock:
            times.extend(mine)
            for status, n in mine_statuses.items():
                statuses[status] = statuses.get(status, 0) + n
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, statuses


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def in_ms(times):
    return f"median {1000 * percentile(times, .5):.0f} ms, p99 {1000 * percentile(times, .99):.0f} ms, most {1000 * max(times):.0f} ms"


def served_rate(server, requests, clients):
    """Requests a second; every answer must be good."""
    closed_loop(server.port, requests[:16], clients)
    begin = time.monotonic()
    _, statuses = closed_loop(server.port, requests, clients)
    took = time.monotonic() - begin
    if set(statuses) != {200}:
        raise RuntimeError(f"statuses {statuses}")
    return len(requests) / took


def alone(server, requests):
    """Median milliseconds of a request with one client."""
    return 1000 * statistics.median(closed_loop(server.port, requests[:48], 1)[0])


def embed_rate(args, files, folder):
    command = [args.vit, "embed", "-q", "-m", args.model, "-t", args.threads, "-o", folder / "v.npy"]
    seconds = []
    for inputs in (files[:2], files):  # what a start costs is measured by two pictures, and taken off
        begin = time.monotonic()
        subprocess.run([str(c) for c in [*command, *inputs]], check=True, stdin=subprocess.DEVNULL)
        seconds.append(time.monotonic() - begin)
    return (len(files) - 2) / (seconds[1] - seconds[0])


def rate(args, folder):
    files = [shutil.copy(PHOTOS[i % len(PHOTOS)], folder / f"{i:04}.jpg") for i in range(args.pictures)]
    requests = [request(file) for file in files]
    servers = {"vit serve": our_server}
    for precision in args.also:
        servers["vit serve --precision " + precision] = lambda args, p=precision: our_server(args, "--precision", p)
    if args.peer:
        servers["FastAPI, transformers"] = peer_server
    rows = {"vit embed": [], **{name: [] for name in servers}}
    times = {name: [] for name in servers}
    for _ in range(args.rounds):
        rows["vit embed"].append(embed_rate(args, files, folder))
        for name, start in servers.items():
            server = start(args)
            try:
                some = requests[:max(32, args.pictures // 4)] if start == peer_server else requests
                rows[name].append(served_rate(server, some, args.clients))
                times[name].append(alone(server, requests))
            finally:
                server.stop()
        print({name: [round(r, 1) for r in row] for name, row in rows.items()}, times, file=sys.stderr)
    print("| | pictures a second | of `vit embed` | one client, median ms |\n|---|---|---|---|")
    for name, row in rows.items():
        share = statistics.median(r / e for r, e in zip(row, rows["vit embed"]))
        alone_ms = f"{statistics.median(times[name]):.1f} " if name in times else ""
        print(f"| {name} | {statistics.median(row):.1f} | {share:.2f} | {alone_ms}|")


def open_loop(port, requests, per_second, seconds):
    """Requests at their moments, whether answers came or not, on as many connections as it takes. How often each status
    came, and the seconds of those that were answered with 200."""
    statuses, times, lock, idle = {}, [], threading.Lock(), []
    pool = concurrent.futures.ThreadPoolExecutor(2048)  # threads are kept: to start one for each request takes as long as to ask

    def ask(sent):
        with lock:
            client = idle.pop() if idle else None
        begin = time.monotonic()
        try:
            client = client or Client(port)
            status = client.ask(sent)
            client = None if client.closed else client
        except OSError as error:
            client, status = None, type(error).__name__
        with lock:
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200:
                times.append(time.monotonic() - begin)
            if client:
                idle.append(client)
    begin = time.monotonic()
    for i in range(int(per_second * seconds)):
        time.sleep(max(0, begin + i / per_second - time.monotonic()))
        pool.submit(ask, requests[i % len(requests)])
    ended = time.monotonic()
    with lock:
        good = len(times)
    pool.shutdown()
    return statuses, times, good / (ended - begin)


def load(args, folder):
    requests = [request(file) for file in PHOTOS]
    server = our_server(args)
    try:
        many = requests * (1 + 128 // len(requests))
        capacity = served_rate(server, many, 4 * args.threads)
        batch = args.threads / capacity
        print(f"{capacity:.1f} pictures a second; a batch of {args.threads} takes {1000 * batch:.0f} ms")
        end, used = time.monotonic() + 60 * args.minutes, processor_seconds()
        memory, batches = [], []
        watch = threading.Thread(target=lambda: [memory.append(server.memory()) or time.sleep(5)
                                                 for _ in range(int(12 * args.minutes))])
        watch.start()
        times, statuses = closed_loop(server.port, requests, args.threads + 1, end, batches)
        watch.join()
        print(f"{args.minutes:g} minutes, {args.threads + 1} clients: {len(times)} answers, statuses {statuses}, "
              f"{len(times) / (60 * args.minutes):.1f} a second, {in_ms(times)}; the batches themselves: {in_ms(batches)}")
        print(f"memory, MiB: {memory[1]:.1f} after 5 s, {memory[len(memory) // 2]:.1f} in the middle, {memory[-1]:.1f} at "
              f"the end; the clients took {processor_seconds() - used:.0f} s of processor time")
        used = processor_seconds()
        seconds = 60 * min(1, args.minutes)
        statuses, times, good = open_loop(server.port, requests, 3 * capacity, seconds)
        used = processor_seconds() - used
        after = served_rate(server, many, 4 * args.threads)
        print(f"{seconds:.0f} seconds at 3 times the rate: statuses {statuses}, {good:.1f} good a second ({good / capacity:.2f} of the "
              f"rate, which is {after:.1f} afterwards), p99 of the good {percentile(times, .99):.1f} s; the clients took {used:.1f} s "
              f"of processor time; memory at most {server.memory('VmHWM'):.0f} MiB")
    finally:
        server.stop()


def beside_many(args, server, name, inputs, one):
    """The times of a single request while requests with these inputs come one after the other."""
    many, begin, statuses = request(*inputs), time.monotonic(), []
    statuses.append(Client(server.port).ask(many))
    batch = (time.monotonic() - begin) / len(inputs) * args.threads
    end = time.monotonic() + args.seconds

    def ask_many():
        client = Client(server.port)
        while time.monotonic() < end:
            statuses.append(client.ask(many))
    busy = threading.Thread(target=ask_many)
    busy.start()
    time.sleep(0.2)
    batches = []
    times, of_one = closed_loop(server.port, one, 1, end, batches)
    busy.join()
    if set(of_one) != {200} or set(statuses) != {200}:
        raise RuntimeError(f"statuses {of_one}, of {name} {set(statuses)}")
    print(f"beside {name}, {args.threads} of which take {1000 * batch:.1f} ms: {in_ms(times)} ({percentile(times, .5) / batch:.1f} and "
          f"{percentile(times, .99) / batch:.1f} batches), {len(times)} times; the batches of the one: {in_ms(batches)}")


def beside(args, folder):
    server = our_server(args, "--text-cache", "0")
    bulks = {"a thousand texts": [f"a photo of thing number {i}" for i in range(1000)],
             "two hundred pictures": [PHOTOS[i % len(PHOTOS)] for i in range(200)]}
    try:
        one = [request("a dog")]
        alone_ms = [1000 * t for t in closed_loop(server.port, one, 1, time.monotonic() + 2)[0]]
        print(f"a single text alone: {statistics.median(alone_ms):.1f} ms")
        for name, inputs in bulks.items():
            if not args.only or name.endswith(args.only):
                beside_many(args, server, name, inputs, one)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["rate", "load", "beside"])
    parser.add_argument("vit", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=["texts", "pictures"])
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--also", nargs="*", default=[], metavar="PRECISION", help="serve with these precisions, too")
    args = parser.parse_args()
    args.vit = args.vit.resolve()
    with tempfile.TemporaryDirectory() as folder:
        {"rate": rate, "load": load, "beside": beside}[args.what](args, Path(folder))


if __name__ == "__main__":
    main()
