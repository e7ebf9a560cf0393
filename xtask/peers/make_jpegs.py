"""Writes a folder of classes again as gray JPEG files of quality 90: `make_jpegs.py FROM TO`."""

import pathlib
import sys

from PIL import Image

source, target = map(pathlib.Path, sys.argv[1:])
for path in sorted(source.glob("*/*.png")):
    out = target / path.parent.name / (path.stem + ".jpg")
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(path).convert("L").save(out, quality=90)
