"""RetinaNet's losses (Lin et al. 2017) and those of FGD (Yang et al., CVPR 2022), RM and PFI (Li et al., AAAI 2022) and PKD
(Cao et al., NeurIPS 2022), from targets, masks and candidates that are given."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def focal(logits, labels, weights):
    """Sigmoid focal loss, gamma 2, alpha 0.25. logits [M, K]; labels [M], below 0 is background; weights [M]."""
    targets = torch.zeros_like(logits)
    positive = labels >= 0
    targets[positive, labels[positive].long()] = 1
    p = torch.sigmoid(logits)
    ce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    alpha_t = 0.25 * targets + 0.75 * (1 - targets)
    return (alpha_t * (1 - p_t) ** 2 * ce * weights[:, None]).sum()


def rows(maps, depth):
    """Levels [N, A * depth, H, W] as one [M, depth] in the order image, level, row, column, anchor."""
    flat = [x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, depth) for x in maps]
    return torch.cat(flat, 1).reshape(-1, depth)


def detection(logits, regression, inputs, classes):
    box = (rows(regression, 4) - inputs["target.boxTargets"].reshape(-1, 4)).abs().sum(1)
    return {
        "detection.classification": focal(rows(logits, classes), inputs["target.labels"].reshape(-1), inputs["target.classWeights"].reshape(-1)),
        "detection.box": (box * inputs["target.boxWeights"].reshape(-1)).sum(),
    }


class ContextBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mask = nn.Conv2d(channels, 1, 1)
        self.add = nn.Sequential(nn.Conv2d(channels, channels // 2, 1), nn.LayerNorm([channels // 2, 1, 1]), nn.ReLU(inplace=True), nn.Conv2d(channels // 2, channels, 1))

    def forward(self, x):
        weights = torch.softmax(self.mask(x).flatten(1), 1)
        context = torch.matmul(x.flatten(2), weights[:, :, None])[..., None]
        return x + self.add(context)


class FGD(nn.Module):
    """Weights by level under the names that the product gives them (`distill.fgd.P3.conv_mask_s.weight`)."""

    teacher_logits = False

    def __init__(self, levels, channels, temperature=0.5, alpha=1e-3, beta=5e-4, gamma=5e-4, lam=5e-6):
        super().__init__()
        self.levels = levels
        self.temperature, self.alpha, self.beta, self.gamma, self.lam = temperature, alpha, beta, gamma, lam
        self.blocks = nn.ModuleDict({f"{level}_{side}": ContextBlock(channels) for level in levels for side in "st"})

    def load(self, state):
        renamed = {}
        for name, value in state.items():
            _, _, level, layer, *rest = name.split(".")
            side = layer[-1]
            part = "mask" if layer.startswith("conv_mask") else "add"
            if part == "add" and rest[0] == "1":
                value = value.reshape(-1, 1, 1)
            renamed[".".join([f"blocks.{level}_{side}", part, *rest])] = value
        self.load_state_dict(renamed)

    def attention(self, x):
        n, c, h, w = x.shape
        size = x.abs()
        spatial = h * w * torch.softmax(size.mean(1).flatten(1) / self.temperature, 1)
        channel = c * torch.softmax(size.mean((2, 3)) / self.temperature, 1)
        return spatial, channel

    def forward(self, taught, own, inputs):
        teacher, student = taught["features"], own["features"]
        parts = dict.fromkeys(("foreground", "background", "attention", "global"), 0.0)
        for level, t, s in zip(self.levels, teacher, student):
            batch = s.shape[0]
            spatial_t, channel_t = self.attention(t)
            spatial_s, channel_s = self.attention(s)
            weighted = ((s - t) ** 2 * channel_t[:, :, None, None]).sum(1).flatten(1) * spatial_t
            parts["foreground"] += (weighted * inputs[f"fgd.foreground.{level}"]).sum() / batch
            parts["background"] += (weighted * inputs[f"fgd.background.{level}"]).sum() / batch
            parts["attention"] += ((channel_t - channel_s).abs().sum() + (spatial_t - spatial_s).abs().sum()) / batch
            parts["global"] += ((self.blocks[f"{level}_s"](s) - self.blocks[f"{level}_t"](t)) ** 2).sum() / batch
        weights = {"foreground": self.alpha, "background": self.beta, "attention": self.gamma, "global": self.lam}
        return {f"fgd.{name}": weights[name] * value for name, value in parts.items()}


class RankAndPrediction(nn.Module):
    """RM over each object's candidates, and PFI. No weights of its own."""

    teacher_logits = True

    def __init__(self, inputs, levels, classes, rank=4.0, imitation=1.5):
        super().__init__()
        self.classes, self.rank, self.imitation = classes, rank, imitation
        group = inputs["rm.group"].reshape(-1).long()
        batch = inputs["images"].shape[0]
        labels = torch.cat([inputs[f"rm.score.{level}"].reshape(batch, -1) % classes for level in levels], 1).reshape(-1)
        # Which slots are candidates is known before the step, as the targets are.
        self.slots = torch.nonzero(group < group.numel()).reshape(-1)
        self.labels = labels[self.slots].long()
        self.group = group[self.slots]
        self.groups = int(self.group.max()) + 1 if self.group.numel() else 0
        self.weight = inputs["rm.weight"][self.slots]

    def scores(self, logits):
        return torch.sigmoid(rows(logits, self.classes)[self.slots, self.labels])

    def log_softmax(self, scores):
        top = scores.new_full((self.groups,), -math.inf).scatter_reduce(0, self.group, scores.detach(), "amax")
        centred = scores - top[self.group]
        sums = scores.new_zeros(self.groups).index_add(0, self.group, centred.exp())
        return centred - sums.log()[self.group]

    def forward(self, taught, own, inputs):
        target, log_q = self.log_softmax(self.scores(taught["logits"])), self.log_softmax(self.scores(own["logits"]))
        rank = (self.weight * target.exp() * (target - log_q)).sum()
        imitation = 0.0
        for f, g, s, t in zip(own["features"], taught["features"], own["logits"], taught["logits"]):
            imitation += (((s - t) ** 2).mean(1) * ((f - g) ** 2).mean(1)).mean()
        return {"rm.rank": self.rank * rank, "pfi.imitation": self.imitation / len(own["features"]) * imitation}


class PKD(nn.Module):
    teacher_logits = False

    def __init__(self, weight=10.0, levels=4):
        super().__init__()
        self.weight, self.levels = weight, levels

    @staticmethod
    def normalised(x):
        values = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
        return (values - values.mean(0)) / (values.std(0) + 1e-6)

    def forward(self, taught, own, inputs):
        pairs = list(zip(taught["features"], own["features"]))[: self.levels]
        return {"pkd.correlation": self.weight * sum(0.5 * F.mse_loss(self.normalised(s), self.normalised(t)) for t, s in pairs)}


def total(parts):
    values = {name: float(value) for name, value in parts.items()}
    values["total"] = math.fsum(values.values())
    return values
