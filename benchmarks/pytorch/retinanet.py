"""RetinaNet on a ResNet in plain PyTorch modules, under MMDetection's names, so that state dicts load strictly."""

from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

RESNET = (64, 128, 256, 512)
# By name: widths, blocks, and whether they are bottlenecks.
FORMS = {
    "resnet18": (RESNET, (2, 2, 2, 2), False),
    "resnet34": (RESNET, (3, 4, 6, 3), False),
    "resnet50": (RESNET, (3, 4, 6, 3), True),
    "resnet101": (RESNET, (3, 4, 23, 3), True),
    "small": ((32, 64, 96, 128), (2, 2, 2, 2), False),
    "tiny": ((16, 32, 48, 64), (1, 1, 1, 1), False),
}
COMPACT = {"small", "tiny"}


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(inputs, width * 4, stride)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class Backbone(nn.Module):
    """The compact ones have a 3x3 stem, no pooling, and halve the map in every stage."""

    def __init__(self, name):
        super().__init__()
        widths, blocks, bottleneck = FORMS[name]
        compact = name in COMPACT
        block = Bottleneck if bottleneck else Basic
        kernel = 3 if compact else 7
        self.conv1 = nn.Conv2d(3, widths[0], kernel, 2, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if compact else nn.MaxPool2d(3, 2, 1)
        channels = widths[0]
        self.channels = []
        for stage, (width, count) in enumerate(zip(widths, blocks)):
            layers = []
            for index in range(count):
                layers.append(block(channels, width, 2 if index == 0 and (stage > 0 or compact) else 1))
                channels = width * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
            self.channels.append(channels)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps[1:]


class Conv(nn.Module):
    """One convolution under the name `conv`, as MMDetection nests it."""

    def __init__(self, *arguments, **options):
        super().__init__()
        self.conv = nn.Conv2d(*arguments, **options)

    def forward(self, x):
        return self.conv(x)


class Block(nn.Module):
    """A block of a tower: group norm, where there is one, makes the bias needless."""

    def __init__(self, channels, norm):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1, bias=norm == "none")
        self.gn = nn.Identity() if norm == "none" else nn.GroupNorm(groups(channels), channels)

    def forward(self, x):
        return F.relu(self.gn(self.conv(x)), inplace=True)


def groups(channels):
    return 32 if channels % 32 == 0 else next(count for count in range(8, 0, -1) if channels % count == 0)


class Neck(nn.Module):
    def __init__(self, inputs, channels, levels):
        super().__init__()
        self.lateral_convs = nn.ModuleList(Conv(width, channels, 1) for width in inputs)
        extra = [Conv(inputs[-1] if index == 0 else channels, channels, 3, 2, 1) for index in range(levels - len(inputs))]
        self.fpn_convs = nn.ModuleList([Conv(channels, channels, 3, 1, 1) for _ in inputs] + extra)

    def forward(self, maps):
        merged = [layer(x) for layer, x in zip(self.lateral_convs, maps)]
        for i in range(len(merged) - 1, 0, -1):
            merged[i - 1] = merged[i - 1] + F.interpolate(merged[i], size=merged[i - 1].shape[2:], mode="nearest")
        levels = [layer(x) for layer, x in zip(self.fpn_convs, merged)]
        for index in range(len(merged), len(self.fpn_convs)):
            levels.append(self.fpn_convs[index](maps[-1] if index == len(merged) else levels[-1]))
        return levels


class Head(nn.Module):
    def __init__(self, form):
        super().__init__()
        channels, anchors = form["channels"], form["anchors"]
        self.cls_convs = nn.ModuleList(Block(channels, form["headNorm"]) for _ in range(form["convs"]))
        self.reg_convs = nn.ModuleList(Block(channels, form["headNorm"]) for _ in range(form["convs"]))
        self.retina_cls = nn.Conv2d(channels, anchors * form["classes"], 3, 1, 1)
        self.retina_reg = nn.Conv2d(channels, anchors * 4, 3, 1, 1)

    def classify(self, levels):
        return [self.through(self.cls_convs, self.retina_cls, x) for x in levels]

    def forward(self, levels):
        return self.classify(levels), [self.through(self.reg_convs, self.retina_reg, x) for x in levels]

    @staticmethod
    def through(tower, output, x):
        for block in tower:
            x = block(x)
        return output(x)


class RetinaNet(nn.Module):
    """form: backbone, channels, levels, convs, headNorm, classes, anchors."""

    def __init__(self, form):
        super().__init__()
        self.backbone = Backbone(form["backbone"])
        self.neck = Neck(self.backbone.channels[1:], form["channels"], form["levels"])
        self.bbox_head = Head(form)

    def features(self, images):
        return self.neck(self.backbone(images))


def load(network, state):
    """Strict but for batch norm's counters, which the files do not have."""
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"state dict does not fit: missing {missing[:5]}, unexpected {unexpected[:5]}")


def fold(module):
    """Folds each batch norm into the convolution before it: a frozen teacher needs neither."""
    for position in (1, 2, 3):
        if hasattr(module, f"bn{position}"):
            conv, norm = getattr(module, f"conv{position}"), getattr(module, f"bn{position}")
            setattr(module, f"conv{position}", fuse_conv_bn_eval(conv, norm))
            setattr(module, f"bn{position}", nn.Identity())
    if getattr(module, "downsample", None) is not None:
        module.downsample = fuse_conv_bn_eval(module.downsample[0], module.downsample[1])
    for child in module.children():
        fold(child)
