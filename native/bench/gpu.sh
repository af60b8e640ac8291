#!/usr/bin/env bash
# native/bench/gpu.sh PICTURES.rgb [GOLDEN_DIRECTORY PACKAGES_FOLDER]
#
# Everything that a machine with an NVIDIA GPU is asked, and that needs no Node: builds the programs, compares the GPU
# with the golden directories, measures models, kernels and, where PyTorch is, DeiT-S beside them. The pictures are
# winnow-bench's; the packages are those that `npm run golden -- --keep PACKAGES_FOLDER` has left.
set -euo pipefail
pictures=$1 goldens=${2:-} packages=${3:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/out/gpu
cmake -S "$root/native" -B "$build" >"$build.log" 2>&1 || { cat "$build.log"; exit 1; }
cmake --build "$build" --parallel --target winnow-cuda winnow-golden winnow-bench winnow-bench-gpu

if [ -n "$packages" ]; then
  for package in "$packages"/*.safetensors; do
    name=$(basename "$package" .safetensors)
    "$build/winnow-golden" "$package" "$goldens/$name" --device cuda:0 --precision bf16 || echo "Not met: $name"
  done
fi
for batch in 1 256; do "$build/winnow-bench-gpu" --batch $batch; done
bench=("$build/winnow-bench" "$pictures" --device cuda:0 --precisions bf16 --threads 1)
"${bench[@]}" --models T,S,B,S-full --batches 1,8,64,256,512
"${bench[@]}" --models S --batches 256 --times operations
if python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
  python3 "$root/native/bench/deit_s.py"
else
  echo "DeiT-S is left out: there is no PyTorch that sees a GPU."
fi
