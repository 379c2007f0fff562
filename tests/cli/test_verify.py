# SPDX-License-Identifier: BSD-2-Clause
"""vit verify: every golden folder passes, and whatever is not as expected is found."""
import re
import shutil
import subprocess

from harness import *

CLIP = golden("hf_clip", "")


class Goldens(Case):
    def test_all(self):
        folders = case_folders()
        self.assertGreater(len(folders), 60)
        compared = set()
        for folder in folders:
            with self.subTest(case=folder):
                lines = json_lines(self.vit("verify", "--json", folder).stdout)
                files = [image["expected"] for image in case_of(folder)["images"]]
                for name in files:
                    of_file = {line["tensor"]: line for line in lines if line["file"].endswith(name)}
                    there = set(expected_of(folder, name)) - {"input_ids", "attention_mask"}
                    self.assertEqual(set(of_file), there)
                for line in lines:
                    self.assertIn(line["ok"], (True, None) if line["tensor"] in NOT_COMPARED else (True,), line)
                    if line["ok"]:
                        compared.add(line["tensor"].split(".")[0])
                        self.assertGreater(line["cosine"], 0.999999)
                        self.assertLessEqual(line["max_error"], line["tolerance"])
        self.assertEqual(compared, COMPARED)

    def test_text(self):
        lines = self.vit("verify", "-q", MODEL).stdout.decode().splitlines()
        self.assertEqual(len(lines), 16)
        for line in lines:
            self.assertRegex(line, r"^ok +\S+ +max error \d\.\d\de-?\+?\d\d  cosine 1\.0000\d+( .*)?$|^ok .*cosine 0\.99999")


NOT_COMPARED = {"cls_logits", "distillation_logits", "embeddings"}
COMPARED = {"pixel_values", "pixel_values_torchvision", "hidden_states", "attentions", "last_hidden_state", "pooler_output",
            "pooled", "logits", "image_features", "image_embeds", "text_features", "text_embeds", "logits_per_image",
            "z_mean", "z_log_var", "z_sample", "text_hidden_states", "text_last_hidden_state", "text_pooler_output",
            "text_cls", "text_mean"}


class Wrong(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(CLIP, self.path("clip"))
        for name in os.listdir(self.path("clip")):
            os.chmod(self.path("clip", name), 0o644)

    def wrong(self, *arguments):
        done = self.vit("verify", "--json", "clip", *arguments, status=1)
        return {line["tensor"] for line in json_lines(done.stdout) if line["ok"] is False}

    def test_a_changed_tensor(self):
        for name in ("text_embeds", "hidden_states.1", "logits_per_image", "pixel_values_torchvision"):
            shutil.copy(os.path.join(CLIP, "expected.safetensors"), self.path("clip"))
            overwrite_tensors(self.path("clip", "expected.safetensors"), lambda n, name=name: n == name, 0.5)
            self.assertEqual(self.wrong(), {name})

    def test_not_a_number(self):
        overwrite_tensors(self.path("clip", "expected.safetensors"), lambda n: n == "text_features", float("nan"))
        self.assertEqual(self.wrong(), {"text_features"})

    def test_a_changed_model(self):
        overwrite_tensors(self.path("clip", "model.safetensors"), lambda n: n == "text_projection.weight", 0.25)
        self.assertEqual(self.wrong(), {"text_features", "text_embeds", "logits_per_image"})

    def test_another_picture(self):
        shutil.copy(PICTURE, self.path("clip", "image.png"))
        self.assertEqual(self.wrong(), {"pixel_values", "pixel_values_torchvision"})
        shutil.copy(os.path.join(CLIP, "image.png"), self.path("clip"))
        self.vit("verify", "clip", "--image", os.path.join(CLIP, "image.png"))
        self.assertEqual(self.wrong("--image", PICTURE), {"pixel_values", "pixel_values_torchvision"})
        self.assertEqual(self.wrong("--image", "nowhere.png"), {"pixel_values"})

    def test_another_size_of_tensor(self):
        """A tensor of fewer numbers than the model gives."""
        tensors = tensors_of(self.path("clip", "expected.safetensors"))
        tensors["logits"] = tensors.pop("image_embeds")
        write_tensors(self.path("clip", "expected.safetensors"), tensors)
        self.assertEqual(self.wrong(), {"logits"})  # a model without classifier

    def test_tolerance(self):
        self.assertGreater(len(self.wrong("--tolerance", "1e-12")), 5)
        self.vit("verify", "clip", "--precision", "bf16", status=USAGE)
        self.vit("verify", "clip", "--precision", "bf16", "--tolerance", "0.1")
        self.assertGreater(len(self.wrong("--precision", "bf16", "--tolerance", "1e-5")), 5)

    def test_what_is_not_known_is_said(self):
        tensors = tensors_of(self.path("clip", "expected.safetensors"))
        tensors["image_hops"] = tensors.pop("image_embeds")
        write_tensors(self.path("clip", "expected.safetensors"), tensors)
        done = self.vit("verify", "--json", "clip")
        lines = {line["tensor"]: line for line in json_lines(done.stdout)}
        self.assertIsNone(lines["image_hops"]["ok"])
        self.assertIn("not compared", lines["image_hops"]["reason"])
        self.assertIn(b"23 outputs are as expected, 1 not compared", done.stderr)


class OneFile(Case):
    """A copy of a CLIP with one expected file, which the tests write anew."""

    def setUp(self):
        super().setUp()
        shutil.copytree(CLIP, self.path("clip"))
        for name in os.listdir(self.path("clip")):
            os.chmod(self.path("clip", name), 0o644)
        self.expected = self.path("clip", "expected.safetensors")
        os.remove(self.path("clip", "expected2.safetensors"))
        self.all = tensors_of(self.expected)
        self.second = tensors_of(golden("hf_clip", "expected2.safetensors"))

    def lines(self, *arguments, status=0):
        """{tensor: its line}"""
        done = self.vit("verify", "--json", "clip", *arguments, status=status)
        return {line["tensor"]: line for line in json_lines(done.stdout)}

    def answers(self, *arguments, status=0):
        """{tensor: True, False, or None where it was not compared}"""
        return {name: line["ok"] for name, line in self.lines(*arguments, status=status).items()}

    def keep(self, *names):
        write_tensors(self.expected, {name: self.all[name] for name in names})


TEXTS = {"text_features", "text_embeds"}
PIXELS = {"pixel_values", "pixel_values_torchvision"}


class WithoutPixels(OneFile):
    """A file without pixel_values is compared as far as it goes."""

    def setUp(self):
        super().setUp()
        self.images = set(self.all) - PIXELS - TEXTS - {"input_ids", "logits_per_image"}

    def test_from_the_picture(self):
        self.keep(*set(self.all) - PIXELS)
        lines = self.lines()
        self.assertEqual(set(lines), set(self.all) - PIXELS - {"input_ids"})
        for name, line in lines.items():
            self.assertIs(line["ok"], True, line)
            self.assertEqual(line.get("resampler"), None if name in TEXTS else "pillow13", line)
        os.rename(self.path("clip", "image.png"), self.path("elsewhere.png"))
        self.assertEqual(set(self.answers("--image", "elsewhere.png").values()), {True})
        with open(self.path("elsewhere.png"), "rb") as file:
            done = self.vit("verify", "--json", "clip", "--image", "-", stdin=file.read())
        self.assertEqual({line["ok"] for line in json_lines(done.stdout)}, {True})

    def test_each_tensor_alone(self):
        for name in set(self.all) - {"input_ids"}:
            with self.subTest(tensor=name):
                needs = {"input_ids"} if name in TEXTS | {"logits_per_image"} else set()
                self.keep(name, *needs)
                self.assertEqual(self.answers(), {name: True})

    def test_texts_alone(self):
        self.keep("input_ids", *TEXTS)
        os.remove(self.path("clip", "image.png"))
        self.assertEqual(self.answers(), dict.fromkeys(TEXTS, True))
        overwrite_tensors(self.expected, lambda name: name == "text_embeds", 0.5)
        self.assertEqual(self.answers(status=1), {"text_features": True, "text_embeds": False})

    def test_no_picture(self):
        self.keep(*set(self.all) - PIXELS)
        os.remove(self.path("clip", "image.png"))
        lines = self.lines()
        for name, line in lines.items():
            self.assertIs(line["ok"], True if name in TEXTS else None, line)
        for name in self.images:
            self.assertIn("--image", lines[name]["reason"])
        self.assertEqual(set(lines), self.images | TEXTS | {"logits_per_image"})
        self.keep(*self.images)
        done = self.vit("verify", "clip", status=USAGE)
        self.assertIn(b"nothing was compared", done.stderr)
        lines = self.lines("--image", "nowhere.png", status=1)
        self.assertIn("nowhere.png", lines["pixel_values"]["reason"])

    def test_no_ids(self):
        self.keep(*set(self.all) - {"input_ids"})
        lines = self.lines()
        for name in TEXTS:
            self.assertIsNone(lines[name]["ok"])
            self.assertIn("input_ids", lines[name]["reason"])
        self.assertIsNone(lines["logits_per_image"]["ok"])
        for name in self.images | PIXELS:
            self.assertIs(lines[name]["ok"], True)

    def test_wrong(self):
        self.keep(*set(self.all) - PIXELS)
        overwrite_tensors(self.expected, lambda name: name == "image_features", 0.5)
        answers = self.answers(status=1)
        self.assertEqual({name for name, ok in answers.items() if not ok}, {"image_features"})
        answers = self.answers("--image", PICTURE, status=1)
        wrong = {name for name, ok in answers.items() if not ok}
        self.assertEqual(wrong, self.images | {"logits_per_image"})

    def test_every_golden(self):
        """--image-size says what the pixels would: the size of a model that was not run at its own."""
        for folder in case_folders():
            for image in case_of(folder)["images"]:
                picture = os.path.join(folder, image["image"] or "none")
                if not os.path.exists(picture):
                    continue
                with self.subTest(case=folder, image=image["image"]):
                    shutil.copy(os.path.join(folder, image["expected"]), self.expected)
                    height, width = tensors_of(self.expected)["pixel_values"][1][2:]
                    keep_tensors(self.expected, lambda name: name not in PIXELS)
                    arguments = ["--json", folder, "--expected", self.expected, "--image", picture]
                    if "call" in case_of(folder):
                        arguments += ["--image-size", "%dx%d" % (height, width)]
                    for line in json_lines(self.vit("verify", *arguments).stdout):
                        right = (True, None) if line["tensor"] in NOT_COMPARED else (True,)
                        self.assertIn(line["ok"], right, line)


class SeveralPictures(OneFile):
    def setUp(self):
        super().setUp()
        self.first, self.other = golden("hf_clip", "image.png"), golden("hf_clip", "image2.png")

    def both(self, name):
        """A tensor of two pictures."""
        dtype, shape, values = self.all[name]
        return dtype, [2] + shape[1:], values + self.second[name][2]

    def test_outputs(self):
        write_tensors(self.expected, {"pooler_output": self.both("pooler_output"),
                                      "last_hidden_state": self.all["last_hidden_state"]})
        expected = {"pooler_output": True, "last_hidden_state": True}
        self.assertEqual(self.answers("--image", self.first, "--image", self.other), expected)
        for name, path in (("a.png", self.first), ("b.png", self.other), ("c.png", PICTURE)):
            shutil.copy(path, write(self.path("pictures", name), b""))
        self.assertEqual(self.answers("--image", "pictures"), expected)
        backwards = self.answers("--image", self.other, "--image", self.first, status=1)
        self.assertEqual(set(backwards.values()), {False})
        lines = self.lines()  # image.png beside the model is one picture
        self.assertIs(lines["last_hidden_state"]["ok"], True)
        self.assertIsNone(lines["pooler_output"]["ok"])
        self.assertIn("2 pictures", lines["pooler_output"]["reason"])

    def test_pixels(self):
        names = "pixel_values", "pooler_output"
        write_tensors(self.expected, {name: self.both(name) for name in names})
        named = "--image", self.first, "--image", self.other
        self.assertEqual(self.answers(*named), {"pixel_values": True, "pooler_output": True})
        self.assertEqual(self.answers(), {"pixel_values": None, "pooler_output": True})
        backwards = self.answers("--image", self.other, "--image", self.first, status=1)
        self.assertEqual(backwards, {"pixel_values": False, "pooler_output": True})


class Resamplers(OneFile):
    """A tensor that another resampler made is not wrong."""

    def test_named(self):
        lines = self.lines("--resampler", "torchvision")
        self.assertIsNone(lines["pixel_values"]["ok"])
        self.assertRegex(lines["pixel_values"]["reason"], "made with pillow13.*torchvision")
        self.assertIs(lines["pixel_values_torchvision"]["ok"], True)
        lines = self.lines("--resampler", "pillow13")
        self.assertIs(lines["pixel_values"]["ok"], True)
        self.assertEqual(lines["pixel_values"]["resampler"], "pillow13")
        self.assertIsNone(lines["pixel_values_torchvision"]["ok"])
        reason = lines["pixel_values_torchvision"]["reason"]
        self.assertRegex(reason, "made with torchvision.*pillow13")

    def test_found(self):
        """Which resampler made pixel_values is found, torchvision's too."""
        self.all["pixel_values"] = self.all["pixel_values_torchvision"]
        self.keep("pixel_values")
        self.assertEqual(self.lines()["pixel_values"]["resampler"], "torchvision")
        self.assertIs(self.lines("--resampler", "torchvision")["pixel_values"]["ok"], True)
        lines = self.lines("--resampler", "pillow", status=USAGE)  # nothing was compared
        self.assertIsNone(lines["pixel_values"]["ok"])

    def test_faults_stay_faults(self):
        overwrite_tensors(self.expected, lambda name: name == "pixel_values", 0.5)
        for resampler in ("pillow", "pillow13", "torchvision"):
            lines = self.lines("--resampler", resampler, status=1)
            self.assertIs(lines["pixel_values"]["ok"], False, resampler)
            self.assertEqual(lines["pixel_values"]["resampler"], resampler)

    def test_outputs_of_a_picture(self):
        self.keep("image_features", "last_hidden_state", "logits_per_image", "input_ids",
                  "text_features")
        self.assertEqual(set(self.answers("--resampler", "pillow13").values()), {True})
        lines = self.lines("--resampler", "torchvision")
        for name, line in lines.items():
            self.assertIs(line["ok"], True if name == "text_features" else None, line)
        overwrite_tensors(self.expected, lambda name: name == "image_features", 0.5)
        lines = self.lines("--resampler", "torchvision", status=1)
        self.assertIs(lines["image_features"]["ok"], False)

    def test_every_golden(self):
        for folder in case_folders():
            for resampler in ("pillow", "pillow13", "torchvision"):
                with self.subTest(case=folder, resampler=resampler):
                    done = self.vit("verify", "--json", "--resampler", resampler, folder)
                    self.assertNotIn(False, [line["ok"] for line in json_lines(done.stdout)])


class NoFile(Case):
    """What is said where there is no expected file."""

    STUB = """#!/bin/sh
# Stands for python3, and puts stubs into the environment that it is asked to make.
mkdir -p "$3/bin"
for name in pip python; do
    { echo '#!/bin/sh'; echo 'for word; do echo "$word"; done >"'$name'.words"'; } >"$3/bin/$name"
    chmod +x "$3/bin/$name"
done
"""

    def words(self, *arguments, status=USAGE):
        """What the pasted command gives pip and python."""
        done = self.vit("verify", *arguments, status=status)
        start = "vit: to write it: "
        command, = [line[len(start):] for line in done.stderr.decode().splitlines()
                    if line.startswith(start)]
        stub = write(self.path("stub", "python3"), self.STUB.encode())
        os.chmod(stub, 0o755)
        path = self.path("stub") + ":" + os.environ["PATH"]
        subprocess.run(["sh", "-c", command], check=True, cwd=self.folder, env=environment(PATH=path))
        words = [read(self.path(name + ".words")).decode() for name in ("pip", "python")]
        return [text.splitlines() for text in words]

    def test_command(self):
        for folder in ("model", "it's my model"):
            shutil.copytree(MODEL, self.path(folder))
            os.remove(self.path(folder, "expected.safetensors"))
            pip, python = self.words(folder)
            self.assertEqual(pip[:2], ["install", "-r"])
            self.assertIn("torch==", read(pip[2]).decode())
            self.assertEqual(python[1:], [folder])
            script = read(python[0]).decode()
            compile(script, python[0], "exec")
            for name in re.findall(r"^ *import (reference_\w+)", script, re.M):
                neighbour = os.path.join(os.path.dirname(python[0]), name + ".py")
                self.assertTrue(os.path.exists(neighbour), neighbour)
            pip, python = self.words(folder, "--expected", "other file")
            self.assertEqual(python[1:], [folder, "-o", "other file"])

    def test_not_installed(self):
        """A copy of the command alone knows of no script, and says so."""
        shutil.copy(VIT, self.path("vit"))
        shutil.copytree(MODEL, self.path("model"))
        os.remove(self.path("model", "expected.safetensors"))
        done = subprocess.run([self.path("vit"), "verify", self.path("model")],
                              capture_output=True, env=environment())
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"not installed", done.stderr)


class Refused(Case):
    def test_usage(self):
        self.vit("verify", status=USAGE)
        self.vit("verify", CLIP, MODEL, status=USAGE)
        self.vit("verify", "-m", CLIP, MODEL, status=USAGE)
        self.vit("verify", "/nowhere", status=MODEL_FAILS)
        for tolerance in ("0", "-1", "x", "nan", "inf", ""):
            self.vit("verify", CLIP, "--tolerance", tolerance, status=USAGE)

    def test_files(self):
        shutil.copytree(MODEL, self.path("model"))
        path = self.path("model", "expected.safetensors")
        os.remove(path)
        done = self.vit("verify", "model", status=USAGE)
        self.assertIn("expected.safetensors", done.stderr.decode())
        with open(golden("hf_vit_classifier", "expected.safetensors"), "rb") as file:
            whole = file.read()
        for content in (b"", whole[:4], whole[:100], whole[:-1], b"\xff" * 100):
            write(path, content)
            self.vit("verify", "model", status=USAGE)
        tensors = tensors_of(golden("hf_vit_classifier", "expected.safetensors"))
        dtype, shape, values = tensors["pixel_values"]
        for other in ([3, 48, 48], [3, 1, 48, 48], [48 * 48 * 3]):
            write_tensors(path, {**tensors, "pixel_values": (dtype, other, values)})
            self.assertIn(b"[N,3,H,W]", self.vit("verify", "model", status=USAGE).stderr)
        write(path, whole)
        self.vit("verify", "model")
        self.vit("verify", "-m", "model")
        self.vit("verify", os.path.join("model", "model.safetensors"))
        self.vit("verify", "model", "--expected", golden("hf_vit_classifier", "expected2.safetensors"), "--image",
                 golden("hf_vit_classifier", "image2.png"))


if __name__ == "__main__":
    main()
