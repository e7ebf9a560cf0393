"""Writes two TorchScript backbones as a user of PyTorch would export them: `densenet.pt`, from images to features [N, F],
and `resnet.pt`, to maps [N, F, h, w]. Both are small, with batch norm, and trainable."""
import sys

import torch
from torch import nn

torch.manual_seed(28)


class DenseBlock(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv(torch.relu(self.norm(x)))], 1)


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.blocks = nn.Sequential(DenseBlock(8, 8), DenseBlock(16, 8), nn.AvgPool2d(2), DenseBlock(24, 8))
        self.norm = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        return self.dropout(torch.relu(self.norm(self.blocks(self.stem(x)))).mean([2, 3]))


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(ResidualBlock(16), ResidualBlock(16))

    def forward(self, x):
        return self.blocks(self.pool(torch.relu(self.norm(self.stem(x)))))


for name, module in [("densenet", DenseNet()), ("resnet", ResNet())]:
    torch.jit.script(module).save(f"{sys.argv[1]}/{name}.pt")
