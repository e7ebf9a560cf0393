"""Compares the tensors that the crate `state-dict` reads with PyTorch's, bit by bit.

    cargo build --release -p state-dict --example list_tensors
    python tests/check_state_dicts.py target/release/examples/list_tensors [FILE...]

Writes files with `torch.save`, in both of its forms, and with safetensors where that is installed; FILE is compared as it is.
Needs torch. Files that must be refused are checked for the message.
"""

import collections
import os
import pickle
import subprocess
import sys
import tempfile
import zlib

import torch


def expected(tensors):
    """Name, type, shape and CRC-32 of each tensor, as the program prints them."""
    lines = []
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            continue
        tensor = tensor.detach().contiguous()
        data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
        dtype = str(tensor.dtype).removeprefix("torch.")
        lines.append(f"{name}\t{dtype}\t{list(tensor.shape)}\t{zlib.crc32(data):08x}")
    return lines


def run(program, path):
    return subprocess.run([program, path], capture_output=True, text=True, check=False)


def compare(program, path, tensors):
    done = run(program, path)
    assert done.returncode == 0, done.stderr
    found, wanted = done.stdout.splitlines(), expected(tensors)
    assert found == wanted, [pair for pair in zip(found, wanted) if pair[0] != pair[1]][:3] or (len(found), len(wanted))
    print(f"ok       {os.path.basename(path)}: {done.stderr.splitlines()[0]}")


def cases():
    torch.manual_seed(1)
    base = torch.randn(6, 8)
    tensors = collections.OrderedDict(
        f32=base,
        transposed=base.t(),
        row=base[2],
        every_second=base[::2, 1::3],
        shared=base,
        expanded=torch.tensor([3.5]).expand(4, 5),
        scalar=torch.tensor(7),
        empty=torch.empty(0, 3),
        channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        parameter=torch.nn.Parameter(torch.randn(3)),
        f64=torch.randn(3, dtype=torch.float64),
        f16=torch.randn(5).half(),
        bf16=torch.randn(5).bfloat16(),
        i64=torch.arange(-3, 3),
        i32=torch.arange(-3, 3, dtype=torch.int32),
        i16=torch.arange(-3, 3, dtype=torch.int16),
        i8=torch.arange(-3, 3, dtype=torch.int8),
        u8=torch.arange(0, 5, dtype=torch.uint8),
        truth=torch.tensor([True, False, True]),
    )
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    state = module.state_dict()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.randn(1, 3, 6, 6)).sum().backward()
    optimizer.step()
    yield "tensors", tensors, tensors
    yield "plain dict", dict(tensors), tensors
    yield "module", state, state
    whole = {"epoch": 3, "name": "x", "best": 0.5, "steps": torch.tensor(9), "optimizer": optimizer.state_dict()}
    yield "checkpoint", {**whole, "state_dict": state}, state
    yield "checkpoint of names", {"model": state, "args": {"lr": 0.1, "size": [1, 2], "none": None}}, state
    large = {f"layer{i}.weight": torch.randn(1024, 1024) for i in range(88)}
    yield "large", large, large


MARK = os.path.join(tempfile.mkdtemp(), "executed")


class Evil:
    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


def refused():
    yield "evil", {"a": torch.zeros(1), "b": Evil()}, f"asks for `{os.system.__module__}.system`"
    yield "module", torch.nn.Linear(2, 2), "asks for `torch.nn.modules.linear.Linear`"
    yield "complex", {"a": torch.zeros(2, dtype=torch.complex64)}, "has a storage of type ComplexFloat"
    yield "two", {"model": {"a": torch.zeros(2)}, "model_ema": {"a": torch.zeros(2)}}, "holds several state dicts"
    yield "list", [torch.zeros(2)], "returns no dict"
    yield "repeated", {"a": torch.zeros(1).expand(1 << 40)}, "takes too much"


def main():
    program, files = sys.argv[1], sys.argv[2:]
    for path in files:
        compare(program, path, torch.load(path, map_location="cpu", weights_only=True))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "weights.pth")
        for name, saved, tensors in cases():
            for protocol in [2, 3, 4, 5] if name != "large" else [2]:
                for is_zip in [True, False]:
                    form = "zip" if is_zip else "stream"
                    path = os.path.join(folder, f"{name}, {form}, protocol {protocol}")
                    torch.save(saved, path, pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip)
                    compare(program, path, tensors)
                    os.remove(path)
        for name, saved, message in refused():
            for is_zip in [True, False]:
                path = os.path.join(folder, name)
                torch.save(saved, path, _use_new_zipfile_serialization=is_zip)
                done = run(program, path)
                assert done.returncode == 1 and message in done.stderr, (name, done)
                print(f"refused  {done.stderr.strip()}")
        assert not os.path.exists(MARK)
        with open(path, "wb") as file:
            pickle.dump({"a": 1}, file)
        print(f"refused  {run(program, path).stderr.strip()}")
        try:
            from safetensors.torch import save_file
        except ImportError:
            print("skipped  safetensors is not installed")
            return
        _, _, tensors = next(cases())
        tensors = {name: tensor.detach().contiguous().clone() for name, tensor in sorted(tensors.items())}
        save_file(tensors, path)
        done = run(program, path)
        assert sorted(done.stdout.splitlines()) == sorted(expected(tensors)), done
        print("ok       safetensors")


if __name__ == "__main__":
    main()
