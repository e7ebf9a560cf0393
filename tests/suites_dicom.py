"""pydicom's own test files, as `thorax data decode` and as pydicom read them. `compare_test_suites.py` runs it.

The files are those of the packages pydicom (`pydicom/data/test_files`) and pydicom-data (`data_store/data`) where they are
installed. The reference is pydicom with whatever of pylibjpeg (libjpeg, openjpeg, rle), pyjpegls and gdcm is there, and gdcm
alone for JPEG of 12 bits, which pydicom does not hand to it.
"""
import importlib.util
import json
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from dicom_reference import read, shown

TOLERANCE = 2.0
# What is no DICOM file in the same folders.
OTHERS = {".gz", ".icc", ".jpg", ".json", ".md", ".py", ".pyc", ".txt", ".xml", ".zip", ".dump"}


def files():
    """(suite, path)"""
    for package, folder in (("pydicom", "data/test_files"), ("data_store", "data")):
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            continue
        root = Path(spec.submodule_search_locations[0], folder)
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix not in OTHERS and path.name != "README":
                yield ("pydicom" if package == "pydicom" else "pydicom-data"), path


def run(thorax):
    """Rows of (suite, file, verdict, detail): equal, wrong, refused, panic, `both refuse`, or `only thorax reads it`."""
    warnings.simplefilter("ignore")
    cases = list(files())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        command = [thorax, "data", "decode", *(str(path) for _, path in cases), "--out", folder, "--formats", "all", "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode in (0, 1) and done.stdout:
            result = json.loads(done.stdout)
            decoded = {entry["path"]: entry["png"] for entry in result["files"]}
            refused = {entry["path"]: entry["error"] for entry in result["unreadable"]}
            for suite, path in cases:
                rows.append((suite, path.name, *verdict(path, decoded.get(str(path)), refused.get(str(path)))))
            return rows
    # One file ends the program: which one?
    for suite, path in cases:
        with tempfile.TemporaryDirectory() as folder:
            command = [thorax, "data", "decode", str(path), "--out", folder, "--formats", "all", "--json"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode not in (0, 1) or not done.stdout:
                rows.append((suite, path.name, "panic", done.stderr.strip().splitlines()[0] if done.stderr.strip() else str(done.returncode)))
                continue
            result = json.loads(done.stdout)
            png = result["files"][0]["png"] if result["files"] else None
            error = result["unreadable"][0]["error"] if result["unreadable"] else None
            rows.append((suite, path.name, *verdict(path, png, error)))
    return rows


def verdict(path, png, error):
    if error is not None and "panic" in error:
        return "panic", error
    try:
        expected = reference(path)
    except Exception as failure:
        why = f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"[:100]
        return ("both refuse", error) if png is None else ("only thorax reads it", why)
    if png is None:
        return "refused", error
    values = np.asarray(Image.open(png).convert("RGB")).astype(np.float64)
    if values.shape != expected.shape:
        return "wrong", f"{values.shape} for {expected.shape}"
    mean = np.abs(values - expected).mean()
    return ("equal" if mean <= TOLERANCE else "wrong"), f"{mean:.3f}"


def reference(path):
    ds = read(path)
    try:
        return shown(ds)
    except RuntimeError:
        array = by_gdcm(path)
        if array is None:
            raise
        return shown(read_with(path, array))


def by_gdcm(path):
    """Stored gray values of a file's first frame, where gdcm is there and reads it."""
    try:
        import gdcm
    except ImportError:
        return None
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        return None
    image = reader.GetImage()
    if image.GetPixelFormat().GetSamplesPerPixel() != 1:
        return None
    kind = {8: np.uint8, 16: np.uint16}.get(image.GetPixelFormat().GetBitsAllocated())
    data = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    height, width = image.GetDimension(1), image.GetDimension(0)
    return np.frombuffer(data, kind)[:height * width].reshape(height, width) if kind else None


def read_with(path, array):
    """The file with these values as native pixels."""
    ds = read(path)
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.PixelData = array.tobytes()
    ds["PixelData"].VR = "OW" if array.itemsize == 2 else "OB"
    ds["PixelData"].is_undefined_length = False
    ds.NumberOfFrames = 1
    return ds


if __name__ == "__main__":
    import collections
    import sys

    found = run(sys.argv[1])
    for row in found:
        print("  ".join(row))
    print(dict(collections.Counter(row[2] for row in found)))
