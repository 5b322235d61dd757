"""Peak memory of the PyTorch twin's step. Arguments: the folder that the benchmark wrote, number of steps."""

import json
import resource
import sys

import torch

from step import Step


def main(folder, steps):
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    step = Step(folder, False)
    torch.set_num_threads(step.config["threads"])
    times = [step.timed() for _ in range(steps)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"stepSeconds": [milliseconds / 1000 for milliseconds, _, _ in times], "megabytes": {"peak": round(peak / 1024)}}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
