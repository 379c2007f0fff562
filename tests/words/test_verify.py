# SPDX-License-Identifier: BSD-2-Clause
"""vit verify: every golden folder passes, and whatever is not as expected is found."""
import shutil

from words import *

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
                    there = set(expected_of(folder, name)) - {"input_ids"}
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
            "z_mean", "z_log_var", "z_sample"}


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
        with open(self.path("clip", "expected.safetensors"), "rb") as file:
            content = file.read()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + size])
        header["logits"] = header.pop("image_embeds")
        new = json.dumps(header).encode()
        write(self.path("clip", "expected.safetensors"), struct.pack("<Q", len(new)) + new + content[8 + size:])
        self.assertEqual(self.wrong(), {"logits"})  # a model without classifier

    def test_tolerance(self):
        self.assertGreater(len(self.wrong("--tolerance", "1e-12")), 5)
        self.vit("verify", "clip", "--precision", "bf16", status=USAGE)
        self.vit("verify", "clip", "--precision", "bf16", "--tolerance", "0.1")
        self.assertGreater(len(self.wrong("--precision", "bf16", "--tolerance", "1e-5")), 5)
        self.assertEqual(self.wrong("--resampler", "torchvision"), {"pixel_values"})

    def test_what_is_not_known_is_said(self):
        with open(self.path("clip", "expected.safetensors"), "rb") as file:
            content = file.read()
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + size])
        header["image_hops"] = header.pop("image_embeds")
        new = json.dumps(header).encode()
        write(self.path("clip", "expected.safetensors"), struct.pack("<Q", len(new)) + new + content[8 + size:])
        lines = {line["tensor"]: line for line in json_lines(self.vit("verify", "--json", "clip").stdout)}
        self.assertIsNone(lines["image_hops"]["ok"])
        self.assertIn("not compared", lines["image_hops"]["reason"])


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
        for content in (b"", whole[:4], whole[:100], whole[:-1], b"\xff" * 100, whole.replace(b"pixel_values\"", b"pixel_valves\"")):
            write(path, content)
            self.vit("verify", "model", status=USAGE)
        write(path, whole)
        self.vit("verify", "model")
        self.vit("verify", "-m", "model")
        self.vit("verify", os.path.join("model", "model.safetensors"))
        self.vit("verify", "model", "--expected", golden("hf_vit_classifier", "expected2.safetensors"), "--image",
                 golden("hf_vit_classifier", "image2.png"))


if __name__ == "__main__":
    main()
