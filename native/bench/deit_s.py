"""Images per second of DeiT-S (arXiv 2012.12877) in PyTorch, compiled and in bf16: what winnow-bench is compared with
on the same GPU. Its weights are random, as its speed does not depend on them.

    python3 native/bench/deit_s.py [--batches 1,64,256,512] [--seconds 2]
"""

import argparse
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_before_attention = nn.LayerNorm(width, eps=1e-6)
        self.to_heads = nn.Linear(width, 3 * width)
        self.from_heads = nn.Linear(width, width)
        self.norm_before_layers = nn.LayerNorm(width, eps=1e-6)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        images, tokens, width = x.shape
        parts = self.to_heads(self.norm_before_attention(x))
        q, k, v = parts.reshape(images, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(images, tokens, width)
        x = x + self.from_heads(mixed)
        return x + self.layers(self.norm_before_layers(x))


class DeitSmall(nn.Module):
    def __init__(self, width: int = 384, depth: int = 12, heads: int = 6) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, kernel_size=16, stride=16)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 197, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 1000)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


@torch.inference_mode()
def images_per_second(model: nn.Module, batch: int, seconds: float) -> float:
    images = torch.randn(batch, 3, 224, 224, device="cuda", dtype=torch.bfloat16)
    for _ in range(5):
        model(images)
    torch.cuda.synchronize()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        model(images)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return batch / sorted(times)[len(times) // 2]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", default="1,64,256,512")
    parser.add_argument("--seconds", type=float, default=2.0)
    settings = parser.parse_args()
    model = torch.compile(DeitSmall().cuda().to(torch.bfloat16).eval(), mode="max-autotune")
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    print("| model | precision | batch | images/s |\n|---|---|---|---|")
    for batch in map(int, settings.batches.split(",")):
        print(f"| DeiT-S, compiled | bf16 | {batch} | {images_per_second(model, batch, settings.seconds):.0f} |", flush=True)


if __name__ == "__main__":
    main()
