"""Compares what `thorax data decode` makes of a file with Pillow and pydicom, case by case.

    python3 tests/compare_pixels.py [--thorax BINARY] [--real FOLDER] [--markdown]

Needs Pillow, numpy and pydicom; compressed DICOM needs pylibjpeg with pylibjpeg-libjpeg and pylibjpeg-openjpeg, JPEG-LS
needs pyjpegls (cases that nothing can read here are listed as skipped). FOLDER holds `awkward/` and `dicom/`; without it THORAX_REAL_DATA is
taken, and without that the made cases alone. Exits with 1 if any case is more than 2 of 255 off on average.

The rules. keras: `Image.open(f).convert("RGB")`. all: EXIF orientation, alpha over black, 16 bits times 255/65535, numbers
that have no range of their own (floats beyond 0 to 1, signed and 32-bit numbers) scaled by that of the image's pixels;
DICOM as in `dicom_reference.py`.
"""
import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

sys.dont_write_bytecode = True  # no folder of it beside the tests
from dicom_reference import read, shown
from pixel_cases import dicom_cases, over_black, picture_cases

warnings.simplefilter("ignore")
TOLERANCE = 2.0


def keras(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(np.float64)


def viewed(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode[0] in "IF":
        return np.repeat(scaled(image, Image.open(path))[..., None], 3, -1)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        return over_black(rgba[..., :3], rgba[..., 3], 255)
    return np.asarray(image.convert("RGB")).astype(np.float64)


def scaled(image, opened):
    """Gray of more than 8 bits: by its range, which is the type's, 0 to 1, or that of its own pixels."""
    values = np.asarray(image).astype(np.float64)
    tags = getattr(opened, "tag_v2", None)
    low, high = 0, 65535
    if tags is not None:
        bits, sample_format = tags.get(258, (1,))[0], tags.get(339, (1,))[0]
        if sample_format == 1 and bits <= 16:
            high = 2**bits - 1
        else:
            values = values % 2**32 if sample_format == 1 else values
            finite = values[np.isfinite(values)]
            low, high = (finite.min(), finite.max()) if finite.size else (0, 1)
            if sample_format == 3 and low >= 0 and high <= 1:
                low, high = 0, 1
    shown = np.nan_to_num(np.clip((values - low) / max(high - low, 1e-300), 0, 1), nan=0) * 255
    return 255 - shown if tags is not None and tags.get(262, 0) == 0 else shown


def dicom(path):
    return shown(read(path))


def decoded(thorax, files, formats, out):
    """Path to its pixels, or to why there are none."""
    command = [thorax, "data", "decode", *map(str, files), "--out", str(out), "--formats", formats, "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    found = {entry["path"]: (entry, np.asarray(Image.open(entry["png"]).convert("RGB")).astype(np.float64)) for entry in result["files"]}
    found.update({entry["path"]: (entry, None) for entry in result["unreadable"]})
    return found


def binary():
    root = Path(__file__).resolve().parent.parent
    found = [path for path in (root / "target" / kind / "thorax" for kind in ("release", "debug")) if path.exists()]
    return str(max(found, key=lambda path: path.stat().st_mtime)) if found else sys.exit("no thorax in target/: build it, or name it with --thorax")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--thorax", default=None)
    parser.add_argument("--real", default=os.environ.get("THORAX_REAL_DATA"))
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    args = parser.parse_args()
    thorax = args.thorax or binary()

    cases = []  # name, path, rules, reference
    rows = []  # name, rules, format, size, mean, most, verdict
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number, (name, extension, data, expected) in enumerate(picture_cases()):
            path = folder / f"{number:03}.{extension}"
            path.write_bytes(data)
            known = lambda _, expected=expected: expected
            cases.append((name, path, "keras", known if "without end" in name else keras))
            cases.append((name, path, "all", viewed if expected is None else known))
        for number, (name, data) in enumerate(dicom_cases()):
            if isinstance(data, Exception):
                rows.append((name, "all", "DICOM", "", None, None, f"skipped: {type(data).__name__} in pydicom's encoder"))
                continue
            path = folder / f"d{number:03}.dcm"
            # Of what pydicom does not read there is a file that shows the same.
            data, same = data if isinstance(data, tuple) else (data, None)
            path.write_bytes(data)
            known = path
            if same is not None:
                known = folder / f"d{number:03}-same.dcm"
                known.write_bytes(same)
            cases.append((name, path, "all", lambda _, known=known: dicom(known)))
        if args.real:
            for path in sorted(Path(args.real, "awkward").glob("*/*")):
                cases.append((f"awkward/{path.parent.name}", path, "keras", keras))
                cases.append((f"awkward/{path.parent.name}", path, "all", viewed))
            for path in sorted(Path(args.real, "dicom").glob("*.dcm")):
                cases.append((f"dicom/{path.name}", path, "all", dicom))
        for rules in ("keras", "all"):
            files = [path for _, path, of, _ in cases if of == rules]
            found = decoded(thorax, files, rules, folder / rules)
            for name, path, of, reference in cases:
                if of == rules:
                    rows.append(row(name, path, rules, reference, *found[str(path)]))

    rows.sort(key=lambda row: row[0])
    header = ("case", "rules", "format", "size", "mean", "max", "")
    table = [header] + [(n, r, f, s, "" if m is None else f"{m:.3f}", "" if x is None else f"{x:.1f}", v) for n, r, f, s, m, x, v in rows]
    if args.markdown:
        for i, line in enumerate(table):
            print("| " + " | ".join(line) + " |")
            if i == 0:
                print("|---|---|---|---|--:|--:|---|")
    else:
        widths = [max(len(line[i]) for line in table) for i in range(7)]
        for line in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    failed = sum(row[6].startswith("FAIL") for row in rows)
    print(f"\n{len(rows)} cases, {failed} failed, {sum(row[6].startswith('skipped') for row in rows)} skipped")
    sys.exit(1 if failed else 0)


def row(name, path, rules, reference, entry, values):
    try:
        expected = reference(path)
    except Exception as error:
        if values is None:
            return (name, rules, "", "", None, None, f"both refuse: {entry['error']}")
        return (name, rules, entry["format"], "", None, None, f"skipped: {type(error).__name__} in the reference")
    if values is None:
        return (name, rules, "", "", None, None, f"FAIL: {entry['error']}")
    size = f"{entry['width']}×{entry['height']}×{entry['channels']}"
    if expected.shape != values.shape:
        return (name, rules, entry["format"], size, None, None, f"FAIL: the reference is {expected.shape}")
    difference = np.abs(expected - values)
    verdict = "pass" if difference.mean() <= TOLERANCE else "FAIL"
    return (name, rules, entry["format"], size, difference.mean(), difference.max(), verdict)


if __name__ == "__main__":
    main()
