# SPDX-License-Identifier: BSD-2-Clause
"""What real photo folders are like: several names for a file, other working folders, captions of exports, letters of all scripts."""
from indexes import *


class Folders(Case):
    def photo(self, name, seed):
        return write(self.path(name), noise(seed))

    def index(self, *inputs, db="../p.db", cwd="."):
        return self.vit("index", "-q", "--db", db, "-m", DEFAULT_MODEL, *inputs, cwd=self.path(cwd))

    def found(self, *arguments, db="p.db"):
        """Paths that a search finds, without their order."""
        lines = json_lines(self.vit("search", "--db", self.path(db), "--json", "-k", "1000", *arguments).stdout)
        return sorted(result["path"] for line in lines for result in line["results"])

    def groups(self, db="p.db"):
        return sorted(sorted(g["paths"]) for g in json_lines(self.vit("dedup", "--db", self.path(db), "--json").stdout))

    def test_another_working_folder_forgets_nothing(self):
        for seed, name in enumerate(("a/1.png", "a/2.png", "b/3.png", "a/sub/4.png")):
            self.photo(name, seed)
        self.index(".", cwd="a")
        self.index(".", cwd="b")
        everything = self.found(self.path("a/1.png"))
        self.assertEqual(everything, sorted(["1.png", "2.png", "sub/4.png", self.path("b/3.png")]))
        self.index(".", cwd="a/sub", db="../../p.db") # the same file by another name
        self.index(self.path("a"), cwd="b")
        self.assertEqual(self.found(self.path("a/1.png")), everything)
        os.remove(self.path("a/sub/4.png"))
        self.index("--prune", ".", cwd="a/sub", db="../../p.db")
        everything.remove("sub/4.png")
        self.assertEqual(self.found(self.path("a/1.png")), everything)

    def test_names_of_one_file_are_no_duplicates(self):
        self.photo("photos/one.png", 1)
        self.photo("photos/two.png", 2)
        shutil.copy(self.path("photos/two.png"), self.path("photos/two-copy.png"))
        os.symlink("one.png", self.path("photos/link.png"))
        os.link(self.path("photos/one.png"), self.path("photos/hard.png"))
        os.symlink("two.png", self.path("photos/a-link.png"))
        self.index("photos", db="p.db")
        self.assertEqual(self.groups(), [["photos/two-copy.png", "photos/two.png"]])

    def test_captions_of_exports(self):
        long = "A very long picture name that is clipped in the sidecar"
        written = {"IMG_1.png": "IMG_1.png.json",
                   "IMG_20200501_101010.png": "IMG_20200501_101010.png.supplemental-metadata.json",
                   "PXL_20240102_030405678.PORTRAIT.ORIGINAL.png": "PXL_20240102_030405678.PORTRAIT.ORIGINAL.png.s.json",
                   long + ".png": long[:46] + ".json",
                   "IMG_2(1).png": "IMG_2.png(1).json",
                   "IMG_3(12).png": "IMG_3.png.supplemental-metadata(12).json",
                   "IMG_1-edited.png": None, # that of IMG_1.png
                   "untold.png": "untold.png.json"}
        for seed, (name, sidecar) in enumerate(written.items()):
            self.photo("photos/" + name, seed)
            if sidecar:
                text = "" if name == "untold.png" else "grandma in the garden"
                write(self.path("photos", sidecar), b"\xef\xbb\xbf" + json.dumps({"title": name, "description": text}).encode())
        self.index("photos", db="p.db")
        want = sorted("photos/" + name for name in written if name != "untold.png")
        self.assertEqual(self.found("--match", "grandma"), want)
        self.assertEqual(self.found("--match", "untold"), ["photos/untold.png"]) # its path alone

    def test_captions_in_utf_16(self):
        for seed, (name, encoding) in enumerate((("a", "utf-16-le"), ("b", "utf-16-be"))):
            self.photo("photos/%s.png" % name, seed)
            mark = "\ufeff".encode(encoding)
            write(self.path("photos/%s.txt" % name), mark + "ein Ärmel\r\n".encode(encoding))
        self.index("photos", db="p.db")
        self.assertEqual(self.found("--match", "ärmel"), ["photos/a.png", "photos/b.png"])

    def test_words_without_spaces(self):
        for seed, (name, caption) in enumerate((("a", "公園の白い犬"), ("b", "黒い猫"), ("浅草寺2024", ""), ("d", "red dog"))):
            self.photo("photos/%s.png" % name, seed)
            write(self.path("photos/%s.txt" % name), caption.encode())
        self.index("photos", db="p.db")
        for words, want in (("公園", ["a"]), ("白い犬", ["a"]), ("犬", ["a"]), ("黒い", ["b"]), ("浅草", ["浅草寺2024"]), ("い", ["a", "b"]),
                            ("re*", ["d"]), ("red", ["d"]), ("re", []), ("公園 猫", []), ("園公", [])):
            with self.subTest(words=words):
                self.assertEqual(self.found("--match", words), sorted("photos/%s.png" % name for name in want))

    def test_case_of_all_letters(self):
        for seed, name in enumerate(("ÄPFEL", "a\u0308pfel 2", "Привет", "plain")):
            self.photo("photos/%s.png" % name, seed)
        self.index("photos", db="p.db")
        apples, hello = sorted(["photos/ÄPFEL.png", "photos/a\u0308pfel 2.png"]), ["photos/Привет.png"]
        for arguments, want in ((("--like", "%äpfel%"), apples), (("--like", "%ÄPFEL%"), apples), (("--like", "%привет%"), hello),
                                (("--where", "name LIKE '%äpfel%'"), apples), (("--where", "lower(name) = 'привет.png'"), hello),
                                (("--where", "upper(name) = 'ÄPFEL.PNG'"), ["photos/ÄPFEL.png"]),
                                (("--like", "%P_AIN%"), ["photos/plain.png"]), (("--like", "%pl\\_in%"), [])):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.found(*arguments, self.path("photos/plain.png")), want)


if __name__ == "__main__":
    main()
