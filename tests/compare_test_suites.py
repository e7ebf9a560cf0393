"""Compares what `thorax data decode` makes of other projects' own test files with what Pillow (and pydicom) make of them.

    python3 tests/compare_test_suites.py [--thorax BINARY] [--against BINARY] [--keep FOLDER] [--files FOLDER]…

Takes the source packages of Pillow and imageio from PyPI (`pip download`) and of libtiff from Debian (`apt-get source`), and
reads every image in them by both rules. Without network, pip or apt-get it says what is skipped. Python packages go into a
temporary environment. `--keep` keeps what was fetched for the next time; `--files` adds the files below a folder;
`--against` names files that another binary reads and this one refuses.

Each file is equal (mean difference of at most 2 of 255), wrong, refused although the reference reads it, or a panic. Exits
with 1 if there is a panic, a wrong file, or a file that only the other binary reads. Where `suites_dicom.py` lies beside
this, its rows are added: (suite, file, verdict, detail).
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import warnings
from pathlib import Path

sys.dont_write_bytecode = True
PACKAGES = ["pillow", "numpy", "pydicom", "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg"]
SDISTS = ["pillow", "imageio"]
SOURCES = ["tiff"]
INSIDE = "THORAX_COMPARE_INSIDE"
AT_ONCE = 40
MARKS = {
    b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "BigTIFF", b"MM\0+": "BigTIFF",
    b"GIF8": "GIF", b"\0\0\0\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000",
}
# Files that differ through no fault of this program, with the reason.
NOT_OURS = {
    "pal4rletrns.bmp": "pixels that run lengths leave out are undefined: black here, colour 0 in Pillow",
    "pal8rletrns.bmp": "pixels that run lengths leave out are undefined: black here, colour 0 in Pillow",
    "app13.jpg": "up to 4 columns: libjpeg repeats shared chroma, the decoder here fills it in",
    "jpg-size-3x3.jpg": "up to 4 columns: libjpeg repeats shared chroma, the decoder here fills it in",
}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def inside(arguments):
    """Runs this script again with the packages that it needs."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        # What a source package is asked for its name with.
        for wanted in (PACKAGES[:3], PACKAGES[3:], ["pybind11", "setuptools>=77"]):
            done = subprocess.run([python, "-m", "pip", "-q", "install", *wanted], capture_output=True, text=True)
            if done.returncode and wanted == PACKAGES[:3]:
                print("skipped: Pillow, numpy and pydicom cannot be installed here")
                return 0
        return subprocess.run([python, __file__, *arguments], env={**os.environ, INSIDE: "1"}).returncode


def fetched(keep):
    """(suite, folder) of each source package, unpacked below `keep`."""
    for name in SDISTS:
        target = keep / f"pypi-{name}"
        if not target.exists():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "pip", "-q", "download", "--no-binary", ":all:", "--no-deps", "--no-build-isolation", name, "-d", folder]
                subprocess.run(command, capture_output=True, timeout=900)
                unpack(folder, target)
        if target.exists():
            yield name, target
        else:
            say(f"skipped: the source package `{name}` of PyPI cannot be fetched")
    for name in SOURCES:
        target = keep / f"debian-{name}"
        if not target.exists():
            with tempfile.TemporaryDirectory() as folder:
                try:
                    apt_source(name, Path(folder))
                except OSError as error:
                    say(f"skipped: {error}")
                unpack(folder, target)
        if target.exists():
            yield name, target
        else:
            say(f"skipped: the source package `{name}` of Debian cannot be fetched")


def apt_source(name, folder):
    """Fetches a source package, with a list of sources of its own made of the system's."""
    lines = []
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        if "debian" in path.read_text(errors="replace"):
            lines.append(re.sub(r"(?m)^Types:.*$", "Types: deb-src", path.read_text()))
    listing = folder / "debian.sources"
    if not lines:
        listing = folder / "debian.list"
        old = Path("/etc/apt/sources.list")
        lines = [re.sub(r"(?m)^deb ", "deb-src ", old.read_text())] if old.exists() else []
    listing.write_text("\n".join(lines))
    (folder / "lists" / "partial").mkdir(parents=True)
    options = ["-o", f"Dir::Etc::sourcelist={listing}", "-o", "Dir::Etc::sourceparts=-", "-o", f"Dir::State::lists={folder / 'lists'}"]
    for action in (["update"], ["source", "--download-only", name]):
        subprocess.run(["apt-get", "-q", *options, *action], cwd=folder, capture_output=True, timeout=600)


def unpack(folder, target):
    for path in sorted(Path(folder).glob("*.tar.*")):
        if ".debian." not in path.name:
            with tarfile.open(path) as archive:
                archive.extractall(target, filter="data")


def kind(path):
    with open(path, "rb") as file:
        head = file.read(32)
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[14:18] in (bytes([n, 0, 0, 0]) for n in (12, 16, 40, 52, 56, 64, 108, 124)):
        return "BMP"
    if re.match(rb"P[1-6][ \t\r\n#]", head):
        return "PNM"
    return None


def decoded(thorax, files, formats, out):
    """Path to (pixels or None, what was said, whether the program failed)."""
    import numpy as np
    from PIL import Image

    found = {}

    def run(files, out):
        command = [thorax, "data", "decode", *map(str, files), "--out", str(out), "--formats", formats, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600)
        if done.returncode not in (0, 1) or not done.stdout:
            if len(files) == 1:
                found[str(files[0])] = (None, (done.stderr.strip().splitlines() or ["it ended"])[0], True)
            else:
                for number, file in enumerate(files):
                    run([file], Path(f"{out}-{number}"))
            return
        result = json.loads(done.stdout)
        for entry in result["files"]:
            with Image.open(entry["png"]) as image:
                found[entry["path"]] = (np.asarray(image.convert("RGB")).astype(np.float64), entry.get("note"), False)
            os.remove(entry["png"])
        for entry in result["unreadable"]:
            found[entry["path"]] = (None, entry["error"], False)

    for start in range(0, len(files), AT_ONCE):
        run(files[start:start + AT_ONCE], out / str(start))
    return found


def compared(suite, root, path, formats, reference, values, said, failed):
    import numpy as np

    name = str(path.relative_to(root))
    row = lambda verdict, detail: (suite, name, formats, verdict, detail)
    if failed:
        return row("panic", said)
    try:
        expected = reference(path)
    except Exception as error:  # whatever a reference throws, it has not read the file
        return row("both refuse" if values is None else "read here alone", f"{type(error).__name__}; {said}")
    if values is None:
        return row("refused", said)
    if expected.shape != values.shape:
        return row("wrong", f"{values.shape[1]}×{values.shape[0]}, not {expected.shape[1]}×{expected.shape[0]}")
    mean = np.abs(expected - values).mean()
    if mean <= 2:
        return row("equal", f"{mean:.2f}")
    if path.name in NOT_OURS:
        return row("not ours", NOT_OURS[path.name])
    return row("wrong", f"mean difference {mean:.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--thorax", default=None)
    parser.add_argument("--against", default=None, help="another binary: files that it reads must be read")
    parser.add_argument("--keep", default=None, type=Path)
    parser.add_argument("--files", action="append", default=[], type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every file that is not equal")
    args = parser.parse_args()
    if INSIDE not in os.environ:
        sys.exit(inside(sys.argv[1:]))

    warnings.simplefilter("ignore")
    from compare_pixels import binary, keras, viewed

    thorax = args.thorax or binary()
    rows, lost = [], []
    with tempfile.TemporaryDirectory() as folder:
        keep = args.keep or Path(folder, "suites")
        keep.mkdir(parents=True, exist_ok=True)
        suites = [*fetched(keep), *((path.name, path) for path in args.files)]
        for suite, root in suites:
            files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and kind(path))
            say(f"{suite}: {len(files)} images")
            for formats, reference in (("all", viewed), ("keras", keras)):
                found = decoded(thorax, files, formats, Path(folder, "out", suite, formats))
                rows += [compared(suite, root, path, formats, reference, *found[str(path)]) for path in files]
                if args.against:
                    before = decoded(args.against, files, formats, Path(folder, "before", suite, formats))
                    lost += [
                        (suite, str(path.relative_to(root)), formats, found[str(path)][1])
                        for path in files
                        if before[str(path)][0] is not None and found[str(path)][0] is None
                    ]
    try:
        import suites_dicom
    except ImportError:
        say("skipped: there is no `suites_dicom.py`")
    else:
        alone = {"only thorax reads it": "read here alone"}
        rows += [(suite, name, "all", alone.get(verdict, verdict), detail) for suite, name, verdict, detail in suites_dicom.run(thorax)]
    report(rows, lost, args.verbose)


def report(rows, lost, verbose):
    verdicts = ("equal", "wrong", "refused", "panic", "not ours", "both refuse", "read here alone")
    table = collections.Counter((row[0], row[2], row[3]) for row in rows)
    print("suite".ljust(24), "rules".ljust(6), *(verdict.rjust(15) for verdict in verdicts))
    for suite, formats in sorted({row[0::2][:2] for row in rows}):
        print(suite.ljust(24), formats.ljust(6), *(str(table[suite, formats, verdict]).rjust(15) for verdict in verdicts))
    reasons = collections.defaultdict(set)
    for suite, name, _, verdict, detail in rows:
        if verdict == "refused":
            reasons[re.sub(r"\d+×\d+", "N×N", detail)].add(f"{suite}/{name}")
    files = set().union(*reasons.values()) if reasons else set()
    print(f"\n{len(files)} files are refused though the reference reads them:")
    for reason, names in sorted(reasons.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        print(f"  {len(names):4}  {reason}  ({', '.join(sorted(names)[:3])}{', …' if len(names) > 3 else ''})")
    bad = [row for row in rows if row[3] in ("wrong", "panic", "not ours")]
    for row in bad + ([row for row in rows if row[3] not in ("equal", "refused") and row not in bad] if verbose else []):
        print("  ".join((row[3], *row[:3], str(row[4]))))
    for suite, name, formats, said in lost:
        print(f"no longer read: {suite}/{name} {formats}: {said}")
    sys.exit(1 if lost or any(row[3] in ("wrong", "panic") for row in rows) else 0)


if __name__ == "__main__":
    main()
