import type { AppCall, AppEvent } from './app-api.ts';
import type { ErrorCode } from './errors.ts';

/** Where a browser's window finds the WebSocket, on its own origin. */
export const SOCKET_PATH = '/socket';

/** Calls over a WebSocket: one JSON text per message, in these shapes. */
export interface WireCall {
  id: number; // chosen by the window; its answer bears the same
  name: AppCall;
  request: unknown;
}

export interface WireError {
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
}

export type WireMessage =
  { id: number; value: unknown } | { id: number; error: WireError } | { event: AppEvent };

/**
 * Text for a message. JSON has no bytes and no numbers in bulk, so a typed array travels as an object with one key and
 * base64 (of little-endian bytes). A key of the message's own that starts with `$` gets another.
 */
export function encodeWire(message: unknown): string {
  return JSON.stringify(message, function (this: unknown, key: string, value: unknown) {
    // Buffers come here as what their toJSON made of them.
    const own = typeof this === 'object' && this !== null ? (this as Record<string, unknown>)[key] : value;
    if (own instanceof Uint8Array) return { $bytes: toBase64(own) };
    if (own instanceof Uint32Array) {
      return { $uint32: toBase64(new Uint8Array(own.buffer, own.byteOffset, own.byteLength)) };
    }
    return isRecord(value) && Object.keys(value).some((name) => name.startsWith('$'))
      ? Object.fromEntries(Object.entries(value).map(([name, field]) => [escaped(name), field]))
      : value;
  });
}

/** The message that a text stands for. Throws SyntaxError for what is none. */
export function decodeWire(text: string): unknown {
  if (!text.includes('"$')) return JSON.parse(text); // no typed array and no escaped key
  return JSON.parse(text, (_key, value: unknown) => {
    if (!isRecord(value)) return value;
    const names = Object.keys(value);
    if (!names.some((name) => name.startsWith('$'))) return value;
    if (typeof value['$bytes'] === 'string') return fromBase64(value['$bytes']);
    if (typeof value['$uint32'] === 'string') {
      const bytes = fromBase64(value['$uint32']);
      if (bytes.length % Uint32Array.BYTES_PER_ELEMENT !== 0)
        throw new SyntaxError(`${bytes.length} bytes are no whole number of 32-bit numbers`);
      return new Uint32Array(bytes.buffer);
    }
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [unescaped(name), field]));
  });
}

const escaped = (name: string) => (name.startsWith('$') ? `$${name}` : name);
const unescaped = (name: string) => (name.startsWith('$$') ? name.slice(1) : name);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SLICE = 0x8000; // bytes; a function takes only so many arguments

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SyntaxError('The message holds bytes that are not base64', { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
