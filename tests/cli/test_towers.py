# SPDX-License-Identifier: BSD-2-Clause
"""Each tower is planned by itself: what one lacks does not refuse the other. What pretraining leaves is passed over."""
import math
import shutil

from harness import *


class Towers(Case):
    def copy(self, case):
        shutil.copytree(golden(case, ""), self.path("model"))
        return self.path("model")

    def vectors(self, model, *arguments, **more):
        self.vit("embed", "-q", "-m", model, "-o", "x.npy", *arguments, **more)
        return read_npy(self.path("x.npy"))

    def test_encoder_of_transformers_that_does_not_fit(self):
        """An open_clip checkpoint whose text tower is one of transformers, but not the one that it names."""
        model, picture = self.copy("openclip_vit"), golden("openclip_vit", "image.png")
        path = os.path.join(model, "open_clip_model.safetensors")
        kept = {name: t for name, t in tensors_of(path).items() if name.startswith(("visual.", "logit_scale"))}
        kept["text.transformer.embeddings.word_embeddings.weight"] = ("F32", [50, 32], bytes(50 * 32 * 4))
        write_tensors(path, kept)
        config = json.loads(read(os.path.join(model, "open_clip_config.json")))
        for name in ("xlm-roberta-base", "nobody/knows-it"):
            with self.subTest(name=name):
                config["model_cfg"]["text_cfg"] = {"hf_model_name": name}
                write(os.path.join(model, "open_clip_config.json"), json.dumps(config).encode())
                self.assertEqual(self.vectors(model, picture), self.vectors(golden("openclip_vit", ""), picture))
                for arguments in (["embed", "-o", "y.npy", "-m", model, "--text", "a dog"],
                                  ["quantize", "-m", model, "-o", "all.safetensors"]):
                    self.assertIn(b"hf_model_name", self.vit(*arguments, status=MODEL_FAILS).stderr)
                self.vit("quantize", "-q", "-m", model, "--tower", "image", "-o", "image.safetensors")

    def test_a_tensor_that_is_missing(self):
        model = self.copy("hf_clip")
        path = os.path.join(model, "model.safetensors")
        tensors = tensors_of(path)
        write(self.path("ids.npy"), ids_bytes(int_rows(*expected_of(golden("hf_clip", ""))["input_ids"])))
        picture, text = [golden("hf_clip", "image.png")], ["--tokens", "ids.npy"]
        for name, lost, left in (("text_model.final_layer_norm.weight", text, picture),
                                 ("vision_model.pre_layrnorm.bias", picture, text)):
            with self.subTest(name=name):
                write_tensors(path, {key: t for key, t in tensors.items() if key != name})
                self.assertEqual(self.vectors(model, *left), self.vectors(golden("hf_clip", ""), *left))
                done = self.vit("embed", "-m", model, "-o", "y.npy", *lost, status=MODEL_FAILS)
                self.assertIn(name.encode(), done.stderr)

    def test_defaults_of_nomic_bert(self):
        """Where rope_parameters is missing, positions turn by transformers' default of 1000, and by 10000 under the authors' keys."""
        model, case = self.copy("st_nomic"), golden("st_nomic", "")
        path = os.path.join(model, "config.json")
        config = json.loads(read(path))
        whole = self.vectors(case, "--text", "a photo of a dog")
        del config["rope_parameters"]
        write(path, json.dumps(config).encode())
        self.assertEqual(self.vectors(model, "--text", "a photo of a dog"), whole)
        config["n_embd"] = config.pop("hidden_size")
        answers = []
        for theta in ({}, {"rotary_emb_base": 10000}, {"rotary_emb_base": 1000}):
            write(path, json.dumps({**config, **theta}).encode())
            answers.append(self.vectors(model, "--text", "a photo of a dog"))
        self.assertEqual([answer == answers[0] for answer in answers], [True, True, False])
        self.assertEqual(answers[2], whole)

    def test_translation_model_without_its_prefix(self):
        """M2M100Model, whose table of words is `shared.weight`; M2M100ForConditionalGeneration has `model.` before all names."""
        case = golden("openclip_nllb", "")
        inside = {name[len("text.transformer."):]: tensor
                  for name, tensor in tensors_of(os.path.join(case, "open_clip_model.safetensors")).items()
                  if name.startswith("text.transformer.")}
        config = next(os.path.join(place, "config.json") for place, _, files in os.walk(os.path.join(case, "hub"))
                      if "config.json" in files)
        write(self.path("ids.npy"), ids_bytes([[5, 9, 17, 2]]))
        answers = []
        for prefix, table in (("model.encoder.", "model.shared.weight"), ("encoder.", "shared.weight"),
                              ("encoder.", "encoder.embed_tokens.weight")):
            model = self.path(table)
            os.mkdir(model)
            shutil.copy(config, model)
            write_tensors(os.path.join(model, "model.safetensors"),
                          {table if name == "embed_tokens.weight" else prefix + name: tensor for name, tensor in inside.items()})
            answers.append(self.vectors(model, "--tokens", "ids.npy"))
        self.assertEqual(answers, answers[:1] * 3)

    def test_info_on_words_that_cannot_be_run(self):
        """The reason is the text tower's, not that there is no other."""
        done = self.vit("info", "-m", golden("mclip_xlm_roberta", ""), status=MODEL_FAILS, env={"HF_HUB_CACHE": self.path("none")})
        self.assertIn(b"no image tower", done.stderr)
        self.assertIn(b"\"modelBase\" is \"golden/tiny-xlm-roberta\"", done.stderr)

    def test_pooler_of_altclip(self):
        """AltCLIP's forward leaves the picture tower's pooler_output as it is, where CLIP's projects it."""
        for name, width in (("hf_altclip", 36), ("hf_clip", 24)):
            _, shape, _ = self.vectors(golden(name, ""), golden(name, "image.png"), "--output", "pooler")
            self.assertEqual(shape[-1], width, name)

    def test_masked_pretraining(self):
        """BeitForMaskedImageModeling: a head and a norm beside the encoder."""
        model = self.copy("hf_beit_classifier")
        path = os.path.join(model, "model.safetensors")
        tensors = {name: t for name, t in tensors_of(path).items() if not name.startswith("classifier.")}
        width = tensors["beit.embeddings.cls_token"][1][2]
        for name, shape in (("lm_head.weight", [9, width]), ("lm_head.bias", [9]), ("layernorm.weight", [width]),
                            ("layernorm.bias", [width])):
            tensors[name] = ("F32", shape, bytes(4 * shape[0] * (shape[1] if len(shape) > 1 else 1)))
        write_tensors(path, tensors)
        config = json.loads(read(os.path.join(model, "config.json")))
        config["architectures"] = ["BeitForMaskedImageModeling"]
        write(os.path.join(model, "config.json"), json.dumps(config).encode())
        arguments = ["--output", "tokens", golden("hf_beit_classifier", "image.png")]
        self.assertEqual(self.vectors(model, *arguments), self.vectors(golden("hf_beit_classifier", ""), *arguments))


class Pairs(Case):
    """A text model beside the model of pictures that it is meant for."""
    PICTURES, TEXTS = golden("st_clip", ""), golden("st_clip_multilingual", "")
    LABELS = ["a dog", "Katze", "montaña"]

    def unit(self, *arguments):
        self.vit("embed", "-q", "--normalize", "-o", "x.npy", *arguments)
        return read_rows(self.path("x.npy"))

    def test_labels(self):
        picture = os.path.join(self.PICTURES, "image.png")
        scale = math.exp(struct.unpack("<e", tensors_of(
            os.path.join(self.PICTURES, "0_CLIPModel", "model.safetensors"))["logit_scale"][2])[0])
        image = self.unit("-m", self.PICTURES, picture)[0]
        texts = self.unit("-m", self.TEXTS, *(part for label in self.LABELS for part in ("--text", label)))
        want = [scale * sum(a * b for a, b in zip(image, text)) for text in texts]
        done = self.vit("classify", "-m", self.PICTURES, "--text-model", self.TEXTS, "--labels", ",".join(self.LABELS),
                        "--output", "logits", "--format", "json", picture)
        got = {p["label"]: p["score"] for p in json_lines(done.stdout)[0]["predictions"]}
        for label, score in zip(self.LABELS, want):
            self.assertAlmostEqual(got[label], score, delta=1e-3)

    def test_models_that_do_not_fit(self):
        picture = os.path.join(self.PICTURES, "image.png")
        done = self.vit("classify", "-m", self.PICTURES, "--text-model", golden("hf_bert", ""), "--labels", "a,b", picture,
                        status=USAGE)
        self.assertIn(b"24", done.stderr)
        self.assertIn(b"36", done.stderr)


class Pickles(Case):
    def test_programs_are_refused(self):
        """What a pickle asks for is named, and not looked up."""
        model = self.path("model")
        shutil.copytree(golden("hf_vit_bin", ""), model)
        path = os.path.join(model, "pytorch_model.bin")
        content = read(path)
        self.assertIn(b"torch._utils\n_rebuild_tensor_v2\n", content)
        write(path, content.replace(b"torch._utils\n_rebuild_tensor_v2\n", b"os\n" + b"system".ljust(28, b"_") + b"\n", 1))
        done = self.vit("info", "-m", model, status=MODEL_FAILS)
        self.assertIn(b"os.system", done.stderr)

    def test_safetensors_come_first(self):
        model = self.path("model")
        shutil.copytree(golden("hf_vit_model", ""), model)
        write(os.path.join(model, "pytorch_model.bin"), b"no weights")
        self.vit("info", "-m", model)

    def test_altclip_as_transformers_5_writes_it(self):
        """The blocks of its picture tower are "encoder.layer." there, and "encoder.layers." in what is published."""
        shutil.copytree(golden("hf_altclip", ""), self.path("model"))
        path = self.path("model", "model.safetensors")
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header, data = json.loads(file.read(size)), file.read()
        header = {name.replace("vision_model.encoder.layers.", "vision_model.encoder.layer."): value
                  for name, value in header.items()}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        write(path, len(text).to_bytes(8, "little") + text + data)
        self.assertNotIn(b"not compared", self.vit("verify", "model").stdout)


if __name__ == "__main__":
    main()
