"""RetinaNet on a ResNet in plain PyTorch modules, under MMDetection's names, so that state dicts load strictly."""

from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
BOTTLENECK = {"resnet50", "resnet101"}


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
    def __init__(self, name):
        super().__init__()
        block = Bottleneck if name in BOTTLENECK else Basic
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        self.channels = []
        for stage, count in enumerate(BLOCKS[name]):
            width = 64 * 2**stage
            layers = []
            for index in range(count):
                layers.append(block(channels, width, 2 if index == 0 and stage > 0 else 1))
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


class Neck(nn.Module):
    def __init__(self, inputs, channels=256):
        super().__init__()
        self.lateral_convs = nn.ModuleList(Conv(width, channels, 1) for width in inputs)
        extra = [Conv(inputs[-1], channels, 3, 2, 1), Conv(channels, channels, 3, 2, 1)]
        self.fpn_convs = nn.ModuleList([Conv(channels, channels, 3, 1, 1) for _ in inputs] + extra)

    def forward(self, maps):
        merged = [layer(x) for layer, x in zip(self.lateral_convs, maps)]
        for i in range(len(merged) - 1, 0, -1):
            merged[i - 1] = merged[i - 1] + F.interpolate(merged[i], size=merged[i - 1].shape[2:], mode="nearest")
        levels = [layer(x) for layer, x in zip(self.fpn_convs, merged)]
        levels.append(self.fpn_convs[3](maps[-1]))
        levels.append(self.fpn_convs[4](levels[-1]))
        return levels


class Head(nn.Module):
    def __init__(self, classes, anchors, channels=256, convs=4):
        super().__init__()
        self.cls_convs = nn.ModuleList(Conv(channels, channels, 3, 1, 1) for _ in range(convs))
        self.reg_convs = nn.ModuleList(Conv(channels, channels, 3, 1, 1) for _ in range(convs))
        self.retina_cls = nn.Conv2d(channels, anchors * classes, 3, 1, 1)
        self.retina_reg = nn.Conv2d(channels, anchors * 4, 3, 1, 1)

    def forward(self, levels):
        logits, regression = [], []
        for x in levels:
            a = b = x
            for layer in self.cls_convs:
                a = F.relu(layer(a), inplace=True)
            for layer in self.reg_convs:
                b = F.relu(layer(b), inplace=True)
            logits.append(self.retina_cls(a))
            regression.append(self.retina_reg(b))
        return logits, regression


class RetinaNet(nn.Module):
    def __init__(self, backbone, classes, anchors):
        super().__init__()
        self.backbone = Backbone(backbone)
        self.neck = Neck(self.backbone.channels[1:])
        self.bbox_head = Head(classes, anchors)

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
