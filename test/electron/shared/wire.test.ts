import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeWire, encodeWire } from '../../../electron/shared/wire.ts';

suite('the wire', () => {
  const messages: Record<string, unknown> = {
    'plain values': { id: 1, value: [null, true, 'text', 1.5, { deep: [{ a: '' }] }] },
    bytes: { value: { directions: Uint8Array.of(0, 1, 255), survived: new Uint8Array(0) } },
    'a long array of bytes': Uint8Array.from({ length: 100_001 }, (_, index) => index % 251),
    'numbers in bulk': { imageIds: Uint32Array.of(0, 1, 4294967295) },
    'names that look like ours': { $bytes: 'no base64', $$bytes: 1, list: [{ $uint32: 'x' }, { $: 2 }] },
    'a name that every object has': { $a: JSON.parse('{"__proto__": 1}') as unknown },
  };
  for (const [name, message] of Object.entries(messages)) {
    test(`carries ${name}`, () => assert.deepEqual(decodeWire(encodeWire(message)), message));
  }

  test('carries a buffer as bytes, and part of a larger buffer as that part', () => {
    const whole = Uint32Array.of(1, 2, 3, 4);
    const decoded = decodeWire(encodeWire({ bytes: Buffer.from('abc'), part: whole.subarray(1, 3) }));
    assert.deepEqual(decoded, { bytes: Uint8Array.from([97, 98, 99]), part: Uint32Array.of(2, 3) });
  });

  for (const text of ['', 'x', '{"$bytes":"?"}', '{"$uint32":"AAAA"}']) {
    test(`refuses ${text || 'nothing'}`, () => assert.throws(() => decodeWire(text), SyntaxError));
  }
});
