# SPDX-License-Identifier: BSD-2-Clause
"""A tokenizer for the golden CLIP, whose checkpoint has none. Python's standard library only."""
import json
import os

WORDS = ("a", "photo", "of", "cat", "dog", "car", "red", "the", "big", "sketch")


def add_tokenizer(folder, words=WORDS):
    """Puts the files of a CLIP tokenizer beside the model in the folder. It knows the letters of these words and the words,
    with ids below the vocabulary's size."""
    with open(os.path.join(folder, "config.json")) as file:
        text = json.load(file)["text_config"]
    start, end = text["bos_token_id"], text["eos_token_id"]
    vocabulary, merges = {"<|startoftext|>": start, "<|endoftext|>": end}, []

    def add(token):
        if token not in vocabulary:
            taken = set(vocabulary.values())
            vocabulary[token] = next(i for i in range(1000) if i not in taken)

    for word in words:
        parts = list(word[:-1]) + [word[-1] + "</w>"]
        for part in parts:
            add(part)
        while len(parts) > 1:
            merge = "%s %s" % (parts[0], parts[1])
            if merge not in merges:
                merges.append(merge)
            parts[:2] = [parts[0] + parts[1]]
            add(parts[0])
    assert max(vocabulary.values()) < text["vocab_size"]
    with open(os.path.join(folder, "vocab.json"), "w") as file:
        json.dump(vocabulary, file)
    with open(os.path.join(folder, "merges.txt"), "w") as file:
        file.write("#version: 0.2\n" + "\n".join(merges) + "\n")
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": "CLIPTokenizer", "model_max_length": 1000}, file)
