"""Reads the safetensors files that the benchmark exchanges; the package of that name is not needed."""

import json
import struct

import torch

TYPES = {"F32": torch.float32, "I32": torch.int32}


def load(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        values = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(values[begin:end], dtype=TYPES[entry["dtype"]]) if end > begin else torch.empty(0)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors
