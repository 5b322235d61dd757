"""The benchmark's twin in PyTorch: the same weights, inputs and losses, one training step after another.

python3 step.py FOLDER MODE: FOLDER holds config.json and the safetensors files that the benchmark wrote, MODE is eager or
compiled. Says {"ready": ...} when it is set up, or {"problem": ...} where this PyTorch cannot
compile; then each line on the standard input is answered by one line:
  {"steps": n}  {"milliseconds": [...], "cpu": [...], "losses": [...]}, an entry a step
  {"parts": n}  {"parts": {name: [milliseconds, ...]}}
"""

import json
import os
import resource
import sys
import time

import torch

import losses
import retinanet
import safetensors


class Step:
    def __init__(self, folder, compiled):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.device = torch.device(self.config["device"])
        torch.set_num_threads(self.config["threads"])
        self.inputs = {name: value.to(self.device) for name, value in safetensors.load(os.path.join(folder, "inputs.safetensors")).items()}
        self.images = self.inputs["images"].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        self.student = self.network("student", folder).train(self.config["norm"] == "batch")
        self.teacher = self.network("teacher", folder).eval().requires_grad_(False)
        retinanet.fold(self.teacher)
        self.teacher = self.teacher.to(memory_format=torch.channels_last)
        self.method = self.create_method(folder).to(self.device)
        self.parameters = [*self.student.parameters(), *self.method.parameters()]
        self.optimizer = self.sgd()
        self.parts_of = torch.compile(self.forward) if compiled else self.forward

    def network(self, role, folder):
        network = retinanet.RetinaNet(self.config[role])
        retinanet.load(network, safetensors.load(os.path.join(folder, f"{role}.safetensors")))
        return network.to(self.device, memory_format=torch.channels_last)

    def create_method(self, folder):
        method, levels = self.config["method"], self.config["levels"]
        if method == "pkd":
            return losses.PKD()
        if method == "rm+pfi":
            return losses.RankAndPrediction(self.inputs, levels, self.config["student"]["classes"])
        fgd = losses.FGD(levels, self.config["student"]["channels"])
        fgd.load(safetensors.load(os.path.join(folder, "adapters.safetensors")))
        return fgd

    def sgd(self):
        decayed = set(self.config["decayed"])
        named = [*self.student.named_parameters(), *self.method.named_parameters()]
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

    def teach(self):
        with torch.no_grad():
            features = self.teacher.features(self.images)
            return {"features": features, "logits": self.teacher.bbox_head.classify(features) if self.method.teacher_logits else []}

    def learn(self):
        features = self.student.features(self.images)
        logits, regression = self.student.bbox_head(features)
        parts = losses.detection(logits, regression, self.inputs, self.config["student"]["classes"])
        return {"features": features, "logits": logits}, parts

    def forward(self):
        taught = self.teach()
        own, parts = self.learn()
        parts.update(self.method(taught, own, self.inputs))
        return parts

    def backward(self, parts):
        self.optimizer.zero_grad(set_to_none=True)
        sum(parts.values()).backward()

    def update(self):
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config["clip"])
        self.optimizer.step()

    def run(self):
        parts = self.parts_of()
        self.backward(parts)
        self.update()
        return losses.total(parts)

    def done(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def timed(self):
        begin, cpu = time.perf_counter(), time.process_time()
        values = self.run()
        end = self.done()
        return (end - begin) * 1000, (time.process_time() - cpu) * 1000, values

    def timed_parts(self):
        """As much of the step as the captured step's parts have; weights move by the last alone."""
        marks = [self.done()]
        self.teach()
        marks.append(self.done())
        self.backward(self.learn()[1])
        marks.append(self.done())
        self.backward(self.forward())
        marks.append(self.done())
        self.update()
        marks.append(self.done())
        return [(after - before) * 1000 for before, after in zip(marks, marks[1:])]


def say(message):
    print(json.dumps(message), flush=True)


def answer(step, request):
    if "parts" in request:
        taken = [step.timed_parts() for _ in range(request["parts"])]
        return {"parts": dict(zip(("teacher", "student", "withoutOptimizer", "optimizer"), zip(*taken)))}
    milliseconds, cpu, values = zip(*(step.timed() for _ in range(request["steps"])))
    return {"milliseconds": milliseconds, "cpu": cpu, "losses": values, "peakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main(folder, mode):
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    try:
        if mode == "compiled":
            torch.compile(lambda x: torch.relu(x) * 2)(torch.ones(4))
    except Exception as problem:  # whatever a missing compiler raises
        say({"problem": str(problem).strip().split("\n")[0][:200]})
        return
    step = Step(folder, mode == "compiled")
    say({"ready": torch.__version__, "threads": torch.get_num_threads(), "optimizer": "fused" if step.optimizer.defaults.get("fused") else "default"})
    for line in sys.stdin:
        say(answer(step, json.loads(line)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
