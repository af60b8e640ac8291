/** Hashes that differ from each other in two of the 64 bits at most, and are no flat picture's. */
export function alikeBits(number: number): string {
  const base = 0x0f3c_a5a5_1234_9876n;
  return (base ^ (1n << BigInt(number % 64))).toString(16).padStart(16, '0');
}
