"""What the InceptionV3 peers share: their flags, how a step is timed, and the one JSON object that they print."""

import argparse
import json
import platform
import statistics
import sys
import time

HEAD = (200, 100, 50, 3)
CLASS_WEIGHTS = (5.0, 0.7, 0.7)


def arguments(doc, works):
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("work", choices=works)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=15)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--model", help="the ONNX file to write or to run")
    return parser.parse_args()


def times(step, count):
    """The seconds that each of `count` calls takes."""
    seconds = []
    for _ in range(count):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
        print(f"  {seconds[-1]:.3f} s", file=sys.stderr)
    return seconds


def measure(step, arguments):
    """The seconds of each timed step; those of the warm-up do not count."""
    times(step, arguments.warmup)
    return times(step, arguments.steps)


def report(seconds, arguments, versions, **more):
    result = {
        "median_seconds": statistics.median(seconds),
        "min_seconds": min(seconds),
        "steps": len(seconds),
        "images": arguments.batch_size,
        "threads": arguments.threads,
        **more,
        "versions": {"python": platform.python_version(), **versions},
    }
    print(json.dumps(result))
