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
