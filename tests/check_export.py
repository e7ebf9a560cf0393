"""Compares an exported model in Python's PyTorch with Thorax, on the pixels that `thorax data decode` gives.

    python3 tests/check_export.py --thorax BINARY --saved RUN IMAGE...

Needs torch, numpy and Pillow. All that it knows of the model stands in the exported file. Prints the largest difference
in any probability, and exits with 1 if it is above 1e-5.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

TOLERANCE = 1e-5
BATCH = 7  # another number than it was recorded with, and one that leaves a rest


def run(thorax, *arguments):
    done = subprocess.run([thorax, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"thorax {arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--thorax", required=True)
    parser.add_argument("--saved", required=True)
    parser.add_argument("images", nargs="+")
    args = parser.parse_args()

    predicted = run(args.thorax, "predict", "--saved", args.saved, "--precision", "f32", "--json", *args.images)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.pt")
        run(args.thorax, "export", "--saved", args.saved, "--out", file, "--json")
        extra = {"thorax.json": ""}
        module = torch.jit.load(file, _extra_files=extra).eval()
        metadata = json.loads(extra["thorax.json"])
        size, interpolation = metadata["input"]["image_size"], metadata["input"]["interpolation"]
        paths = [row["path"] for row in predicted]
        decoded = run(args.thorax, "data", "decode", *paths, "--image-size", size, "--interpolation", interpolation, "--out", Path(folder, "pixels"), "--json")
        png = {row["path"]: row["png"] for row in decoded[0]["files"]}
        pixels = np.stack([np.asarray(Image.open(png[path]).convert("RGB")) for path in paths]).transpose(0, 3, 1, 2)

    with torch.inference_mode():
        found = torch.cat([module(batch) for batch in torch.from_numpy(pixels).split(BATCH)]).numpy()
    expected = np.array([[row["probabilities"][name] for name in metadata["classes"]] for row in predicted])
    difference = float(np.abs(found - expected).max())
    classes = sum(metadata["classes"][i] == row["predicted"] for i, row in zip(found.argmax(1), predicted))
    print(json.dumps({"images": len(paths), "same_class": classes, "largest_difference": difference, "torch": torch.__version__}))
    sys.exit(0 if difference <= TOLERANCE and classes == len(paths) else 1)


if __name__ == "__main__":
    main()
