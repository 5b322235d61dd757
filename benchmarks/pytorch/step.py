"""The benchmark's twin in eager PyTorch: the same weights, inputs and losses, one training step after another.

python3 step.py FOLDER: FOLDER holds config.json and the safetensors files that the benchmark wrote.
Says {"ready": …} when it is set up; then each line {"steps": n} on the standard input is answered by
{"milliseconds": […], "cpu": […], "losses": […]}, an entry a step.
"""

import json
import os
import sys
import time

import torch

import losses
import retinanet
import safetensors


class Step:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.device = torch.device(self.config["device"])
        self.inputs = {name: value.to(self.device) for name, value in safetensors.load(os.path.join(folder, "inputs.safetensors")).items()}
        self.images = self.inputs["images"].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        self.student = self.network("student", folder).train(self.config["norm"] == "batch")
        self.teacher = self.network("teacher", folder).eval().requires_grad_(False)
        retinanet.fold(self.teacher)
        self.teacher = self.teacher.to(memory_format=torch.channels_last)
        self.fgd = losses.FGD(self.config["levels"], 256).to(self.device)
        self.fgd.load(safetensors.load(os.path.join(folder, "adapters.safetensors")))
        self.parameters = [*self.student.parameters(), *self.fgd.parameters()]
        self.optimizer = self.sgd()

    def network(self, role, folder):
        network = retinanet.RetinaNet(self.config[role], self.config["classes"], self.config["anchors"])
        retinanet.load(network, safetensors.load(os.path.join(folder, f"{role}.safetensors")))
        return network.to(self.device, memory_format=torch.channels_last)

    def sgd(self):
        decayed = set(self.config["decayed"])
        named = [*self.student.named_parameters(), *self.fgd.named_parameters()]
        groups = [
            {"params": [p for name, p in named if self.decays(name, decayed)]},
            {"params": [p for name, p in named if not self.decays(name, decayed)], "weight_decay": 0},
        ]
        options = {"lr": self.config["learningRate"], "momentum": self.config["momentum"], "weight_decay": self.config["weightDecay"]}
        try:
            return torch.optim.SGD(groups, fused=True, **options)
        except (TypeError, RuntimeError):
            return torch.optim.SGD(groups, **options)

    @staticmethod
    def decays(name, decayed):
        # The bias of FGD's mask has no gradient and starts at 0: decay leaves it there.
        return name.startswith("blocks.") or name in decayed

    def run(self):
        with torch.no_grad():
            taught = self.teacher.features(self.images)
        features = self.student.features(self.images)
        logits, regression = self.student.bbox_head(features)
        parts = losses.detection(logits, regression, self.inputs, self.config["classes"])
        parts.update(self.fgd(taught, features, self.inputs))
        self.optimizer.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config["clip"])
        self.optimizer.step()
        return losses.total(parts)

    def timed(self):
        begin, cpu = time.perf_counter(), time.process_time()
        values = self.run()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - begin) * 1000, (time.process_time() - cpu) * 1000, values


def say(message):
    print(json.dumps(message), flush=True)


def main(folder):
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    step = Step(folder)
    torch.set_num_threads(step.config["threads"])
    say({"ready": torch.__version__, "threads": torch.get_num_threads(), "optimizer": "fused" if step.optimizer.defaults.get("fused") else "default"})
    for line in sys.stdin:
        results = [step.timed() for _ in range(json.loads(line)["steps"])]
        milliseconds, cpu, values = zip(*results)
        say({"milliseconds": milliseconds, "cpu": cpu, "losses": values})


if __name__ == "__main__":
    main(sys.argv[1])
