/** Element types that a model package may hold, as safetensors names them. */
export const TENSOR_TYPES = {
  F32: { bytes: 4, exponent: 0x7f800000 },
  F16: { bytes: 2, exponent: 0x7c00 },
  BF16: { bytes: 2, exponent: 0x7f80 },
} as const;

export type TensorType = keyof typeof TENSOR_TYPES;

export function isTensorType(name: string): name is TensorType {
  return Object.hasOwn(TENSOR_TYPES, name);
}

/** Whether no element is NaN or infinite, which is where all exponent bits are set. Little-endian elements. */
export function allFinite(bytes: Uint8Array, type: TensorType): boolean {
  const { bytes: size, exponent } = TENSOR_TYPES[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += size) {
    const bits = size === 4 ? view.getUint32(at, true) : view.getUint16(at, true);
    if ((bits & exponent) === exponent) return false;
  }
  return true;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
