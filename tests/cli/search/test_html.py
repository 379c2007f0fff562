# SPDX-License-Identifier: BSD-2-Clause
"""--html: one page that is complete, escapes what it shows, and looks right in a real browser."""
import base64
import html
import html.parser
import re

from indexes import *

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars")
EVIL = "photos/<img src=x onerror=\"document.title='evil'\"> & '\"quotes.png"  # as a file may be called


class Page(html.parser.HTMLParser):
    """Pictures, text and headings; fails on tags that are not closed in order."""

    EMPTY = {"meta", "img"}

    def __init__(self, text):
        super().__init__()
        self.open, self.pictures, self.text, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data)


class Html(IndexCase):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("photos"))
        for name in ("cat.jpg", "rocket.jpg", "horse.png"):
            shutil.copy(os.path.join(PICTURES, name), self.path("photos"))
        shutil.copy(self.path("photos/horse.png"), self.path(EVIL))
        write(self.path("photos/cat.txt"), "caption <script>document.title='evil'</script> \u6f22".encode())
        self.index("photos")
        self.vit("search", "--db", self.db, "--html", "results.html", "photos/cat.jpg")
        self.vit("dedup", "--db", self.db, "--html", "groups.html")
        with open(self.path("results.html"), encoding="utf-8") as file:
            self.results = file.read()
        with open(self.path("groups.html"), encoding="utf-8") as file:
            self.groups = file.read()

    def test_page(self):
        page = Page(self.results)
        self.assertEqual(len(page.pictures), 5)  # the query and four results
        self.assertEqual([p["alt"] for p in page.pictures][:2], ["photos/cat.jpg"] * 2)
        self.assertIn(EVIL, [p["alt"] for p in page.pictures])
        self.assertIn("caption <script>document.title='evil'</script> \u6f22", page.text)
        self.assertEqual(page.tags.count("script"), 0)
        for picture in page.pictures:
            self.assertLessEqual(max(int(picture["width"]), int(picture["height"])), 240)
            data = base64.b64decode(picture["src"].split("data:image/jpeg;base64,")[1], validate=True)
            self.assertEqual((data[:2], data[-2:]), (b"\xff\xd8", b"\xff\xd9"))
        self.assertEqual(re.findall(r"""(?:src|href)\s*=\s*["'](?!data:image/jpeg;base64,)""", self.results.replace(
            "&lt;img src=x onerror=&quot;", "")), [])
        self.assertNotIn("http:", self.results)
        self.assertIn("2 images, 1.0000", Page(self.groups).text)
        self.assertEqual(len(Page(self.groups).pictures), 2)

    def test_missing_picture(self):
        os.remove(self.path("photos/rocket.jpg"))
        self.vit("search", "--db", self.db, "--html", "gone.html", "photos/cat.jpg")
        with open(self.path("gone.html"), encoding="utf-8") as file:
            page = Page(file.read())
        self.assertEqual(len(page.pictures), 4)
        self.assertIn("no picture", page.text)
        self.vit("search", "--db", self.db, "--html", "no/such/x.html", "photos/cat.jpg", status=OUTPUT_FAILS)

    def figures(self, *arguments, said=b""):
        """The patches of each picture of the page, as rows of bytes of the PNG."""
        done = self.vit("search", "--db", self.db, "--html", "figures.html", "--output", "tokens", *arguments)
        self.assertEqual(done.stderr, said)
        page = Page(read(self.path("figures.html")).decode())
        pictures = [p for p in page.pictures if p.get("class") == "patches"]
        self.assertTrue(all(p["alt"].startswith("patches of ") for p in pictures))
        self.assertEqual({(p["width"], p["height"]) for p in pictures}, {("240", "240")} if pictures else set())
        return [read_png(base64.b64decode(p["src"].split("data:image/png;base64,")[1])) for p in pictures]

    def test_figures_of_patches(self):
        figures = self.figures("photos/cat.jpg")
        self.assertEqual(len(figures), 5)  # of the query and of four results
        self.assertEqual(figures[0], figures[1])  # the picture itself
        self.assertEqual(len({str(figure) for figure in figures}), 3)  # the horse is there twice
        side = figures[0][0]
        self.assertEqual({figure[:2] for figure in figures}, {(side, side)})
        for channel in range(3):  # from the least to the largest, over the query and its hits together
            values = [row[3 * x + channel] for _, _, rows in figures for row in rows for x in range(side)
                      if any(row[3 * x:3 * x + 3])]
            self.assertEqual((min(values), max(values)), (0, 255))
        # The page of a query that the index does not know has the same figures: a copy of the picture elsewhere.
        shutil.copy(self.path("photos/cat.jpg"), self.path("elsewhere.jpg"))
        self.assertEqual(self.figures("elsewhere.jpg"), figures)
        self.assertEqual(self.figures("--threads", "1", "photos/cat.jpg"), figures)
        # Patches of another model would explain nothing.
        os.remove(self.path("figures.html"))
        self.vit("search", "--db", self.db, "--html", "figures.html", "--output", "tokens", "-m", MODEL, "--match", "horse",
                 status=USAGE)
        self.assertFalse(os.path.exists(self.path("figures.html")))

    def test_figures_of_what_is_left(self):
        """A picture that is gone has none; words find pictures too; without a page there is nothing to draw on."""
        os.remove(self.path("photos/rocket.jpg"))
        self.assertEqual(len(self.figures("photos/cat.jpg")), 4)
        self.assertEqual(len(self.figures("--match", "horse")), 1)
        shutil.rmtree(self.path("photos"))
        self.assertEqual(self.figures("--match", "horse"), [])
        done = self.vit("search", "--db", self.db, "--output", "tokens", "--match", "horse", status=USAGE)
        self.assertIn(b"--html", done.stderr)
        done = self.vit("search", "--db", self.db, "--html", "x.html", "--output", "cls", "--match", "horse", status=USAGE)
        self.assertIn(b"tokens", done.stderr)
        self.assertFalse(os.path.exists(self.path("x.html")))

    def test_figures_of_many(self):
        """The first 50 pictures of a query have them."""
        for i in range(60):
            shutil.copy(self.path("photos/cat.jpg"), self.path("photos/copy%d.jpg" % i))
        self.index("photos")
        self.assertEqual(len(self.figures("-k", "64", "photos/cat.jpg")), 50)

    def chromium(self, *arguments):
        profile = tempfile.mkdtemp(dir=self.folder)
        done = subprocess.run([CHROMIUM, *FLAGS, "--user-data-dir=" + profile, *arguments], cwd=self.folder,
                              capture_output=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
        return done.stdout.decode()

    @unittest.skipUnless(CHROMIUM, "no Chromium here (apt-get install chromium)")
    def test_in_a_browser(self):
        # A script of ours measures what the browser made of the page: the page's own rule against scripts is taken out.
        measure = """<script>addEventListener('load', () => {
            const images = [...document.images];
            document.body.dataset.seen = JSON.stringify({
                loaded: images.filter(i => i.complete && i.naturalWidth > 0 && i.naturalWidth == i.width).length,
                images: images.length, title: document.title, scripts: document.scripts.length,
                below: images.map(i => i.getBoundingClientRect()).filter(r => r.width < 10 || r.right > innerWidth).length,
                texts: [...document.querySelectorAll('.path')].map(e => e.textContent)});
        })</script>"""
        without = re.sub(r"<meta http-equiv=[^>]*>\n", "", self.results)
        self.assertNotEqual(without, self.results)
        write(self.path("measured.html"), without.replace("</body>", measure + "</body>").encode())
        dom = self.chromium("--window-size=1000,800", "--dump-dom", "file://" + self.path("measured.html"))
        seen = json.loads(html.unescape(re.search(r'data-seen="([^"]*)"', dom).group(1)))
        self.assertEqual((seen["images"], seen["loaded"], seen["below"], seen["scripts"]), (5, 5, 0, 1))
        self.assertEqual(seen["title"], "vit search")
        self.assertIn(EVIL, seen["texts"])
        # The page as it is: its title stays, so no script in a name or caption ran.
        self.assertIn("<title>vit search</title>", self.chromium("--dump-dom", "file://" + self.path("results.html")))
        self.chromium("--window-size=1000,800", "--screenshot=" + self.path("page.png"), "file://" + self.path("results.html"))
        with open(self.path("page.png"), "rb") as file:
            self.check_screenshot(file.read())

    def check_screenshot(self, png_bytes):
        """The query's picture stands in it: many colours, which text alone does not give."""
        self.assertEqual(struct.unpack(">II", png_bytes[16:24]), (1000, 800))
        self.vit("preprocess", "--stage", "decoded", "-o", "page.npy", "page.png")
        with open(self.path("page.npy"), "rb") as file:
            pixels = file.read()[128:]
        colours = {pixels[i:i + 3] for i in range(0, len(pixels), 3 * 7)}
        self.assertGreater(len(colours), 2000)


if __name__ == "__main__":
    main()
