"""LPIPS and I3D a second time: in PyTorch and float64, from the trees of the published pickles.

Written from the papers' definitions; batch normalisation is not folded, padding is spelled out.
"""

import numpy as np
import torch
from torch.nn import functional

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def lpips(tree, reference, distorted):
    """Frames [N, H, W, 3] in [-1, 1] -> [N]."""
    distance = 0.0
    pairs = zip(_alexnet(tree, reference), _alexnet(tree, distorted), strict=True)
    for i, maps in enumerate(pairs):
        a, b = (x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10) for x in maps)
        head = _channels_first(tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"])
        distance = distance + functional.conv2d((a - b).square(), head).mean(dim=(1, 2, 3))
    return distance.numpy()


def _alexnet(tree, frames):
    shift, scale = (torch.tensor(x, dtype=torch.float64).view(1, 3, 1, 1) for x in (_SHIFT, _SCALE))
    x = (_double(frames).permute(0, 3, 1, 2) - shift) / scale
    for i, (stride, padding) in enumerate([(4, 2), (1, 2), (1, 1), (1, 1), (1, 1)]):
        if i in (1, 2):
            x = functional.max_pool2d(x, 3, 2)
        weights = tree["AlexNet_0"][f"Conv_{i}"]
        kernel, bias = _channels_first(weights["kernel"]), _double(weights["bias"])
        x = functional.conv2d(x, kernel, bias, stride, padding).relu()
        yield x


def i3d(tree, videos):
    """Videos [N, T, 224, 224, 3] in [-1, 1] -> averaged logits [N, 400]."""
    params, statistics = tree["params"], tree["batch_stats"]

    def unit(x, scope, name=None, stride=1):
        weights = params[scope] if name is None else params[scope][name]
        running = statistics[scope] if name is None else statistics[scope][name]
        x = _same(x, weights["Conv_0"]["kernel"].shape[:3], (stride,) * 3, 0.0)
        x = functional.conv3d(x, _channels_first(weights["Conv_0"]["kernel"]), stride=stride)
        mean, variance = (_double(running["BatchNorm_0"][k]).flatten() for k in ("mean", "var"))
        offset = _double(weights["BatchNorm_0"]["bias"])
        return functional.batch_norm(x, mean, variance, bias=offset, eps=1e-3).relu()

    def pool(x, window, stride):
        return functional.max_pool3d(_same(x, window, stride, -torch.inf), window, stride)

    def inception(x, scope):
        branches = [unit(x, scope, "Branch_0/Conv3d_0a_1x1")]
        for i in (1, 2):
            narrow = unit(x, scope, f"Branch_{i}/Conv3d_0a_1x1")
            branches.append(unit(narrow, scope, f"Branch_{i}/Conv3d_0b_3x3"))
        branches.append(unit(pool(x, (3, 3, 3), (1, 1, 1)), scope, "Branch_3/Conv3d_0b_1x1"))
        return torch.cat(branches, dim=1)

    x = unit(_double(videos).permute(0, 4, 1, 2, 3), "Conv3d_1a_7x7", stride=2)
    x = unit(pool(x, (1, 3, 3), (1, 2, 2)), "Conv3d_2b_1x1")
    x = pool(unit(x, "Conv3d_2c_3x3"), (1, 3, 3), (1, 2, 2))
    for letter in "bc":
        x = inception(x, f"Mixed_3{letter}")
    x = pool(x, (3, 3, 3), (2, 2, 2))
    for letter in "bcdef":
        x = inception(x, f"Mixed_4{letter}")
    x = pool(x, (2, 2, 2), (2, 2, 2))
    for letter in "bc":
        x = inception(x, f"Mixed_5{letter}")
    logits = params["Logits/Conv3d_0c_1x1"]["Conv_0"]
    x = functional.avg_pool3d(x, (2, 7, 7), 1)
    x = functional.conv3d(x, _channels_first(logits["kernel"]), _double(logits["bias"]))
    return x[:, :, :, 0, 0].mean(dim=2).numpy()


def _same(x, window, stride, value):
    """TensorFlow's SAME: ceil(size / stride) outputs, the odd element of padding at the end."""
    padding = []
    for size, w, s in zip(x.shape[:1:-1], window[::-1], stride[::-1], strict=True):
        total = max((-(-size // s) - 1) * s + w - size, 0)
        padding += [total // 2, total - total // 2]
    return functional.pad(x, padding, value=value)


def _double(array):
    return torch.from_numpy(np.asarray(array, np.float64))


def _channels_first(kernel):
    """[..., in, out] -> [out, in, ...]."""
    return torch.movedim(_double(kernel), (-1, -2), (0, 1))
