# SPDX-License-Identifier: BSD-2-Clause
"""Which of some words fits a picture: zero_shot.py MODEL LABEL,LABEL,... PICTURE... A model of pictures and words, such
as openai/clip-vit-base-patch32, after `python -m libvit pull openai/clip-vit-base-patch32`."""

import sys

import libvit


def main(name: str, labels: str, *pictures: str) -> None:
    model = libvit.Model(name)
    found = model.zero_shot(pictures, labels.split(","), template="a photo of a {}", top=3, errors="skip")
    for picture, predictions in zip(pictures, found):
        if predictions is None:
            print(f"{picture}: not read", file=sys.stderr)
            continue
        print(picture)
        for prediction in predictions:
            print(f"  {prediction.score:.4f}  {prediction.label}")


if __name__ == "__main__":
    main(*sys.argv[1:])
