/**
 * Whether a text is in the Metal Shading Language, as far as this can be said without Apple's compiler: clang compiles
 * it as C++ for OpenCL, whose limits are nearly the same, against a stand-in of Metal's library (native/test/metal);
 * what clang would let pass is found in the text, and recursion in clang's output.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../setup.mjs';

const standIn = path.join(root, 'native/test/metal');

/** Why this cannot be checked here, or false; as node:test takes it. */
export const skipMetalChecks =
  process.platform === 'darwin'
    ? "Apple's own compiler checks it here, when the Metal library is built"
    : spawnSync('clang++', ['--version']).status === 0
      ? false
      : 'clang++ is not installed (Debian package clang)';

/** The kernels' text as the Metal library has it. */
export function kernelsText(): string {
  return inTemporaryFolder((folder) => {
    const file = path.join(folder, 'kernels.metal');
    const args = ['-D', `OUTPUT=${file}`, '-P', 'native/metal/join_kernels.cmake'];
    const { status, stderr } = spawnSync('cmake', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`cmake ${args.join(' ')} failed: ${stderr}`);
    return fs.readFileSync(file, 'utf8');
  });
}

/** One line for everything that Metal would not accept; none for a good text. */
export function metalFaults(text: string): string[] {
  const code = withoutComments(text);
  return [...foreignWords(code), ...unknownAttributes(code), ...barePointers(code), ...compilerFaults(text)];
}

/** Comments become blanks, so that lines keep their numbers. */
const withoutComments = (text: string) => text.replace(/\/\/.*/g, '');

const lineOf = (code: string, index: number) => code.slice(0, index).split('\n').length;

function* foreignWords(code: string): Generator<string> {
  const words =
    /\b(asm|bfloat|catch|double|dynamic_cast|fragment|goto|mutable|object_data|ray_data|register|static(?=\s+(?!inline)\w)|std(?=::)|thread_local|throw|try|typeid|union|vertex|virtual|volatile)\b|\[[&=]?\](?=\s*[({])/g;
  for (const { 0: word, index } of code.matchAll(words)) {
    yield `line ${String(lineOf(code, index))}: ${word} is not for kernels`;
  }
}

const attributes = new Set(
  'kernel max_total_threads_per_threadgroup buffer threadgroup threadgroup_position_in_grid thread_index_in_threadgroup'.split(
    ' ',
  ),
);

function* unknownAttributes(code: string): Generator<string> {
  for (const { 1: list = '', index } of code.matchAll(/\[\[(.*?)\]\]/g)) {
    for (const name of list.replace(/\(.*?\)/g, '').split(/\s*,\s*/)) {
      if (!attributes.has(name)) {
        yield `line ${String(lineOf(code, index))}: [[${name}]] is no attribute of a kernel's that is known here`;
      }
    }
  }
}

/** Pointers and references that do not say their address space. The code is formatted: `T* p`, but `a * b`. */
function* barePointers(code: string): Generator<string> {
  for (const { index } of code.matchAll(/(?<=[\w>])[*&]+(?=[\s),>])/g)) {
    const declarator = /[^(),;{}]*$/.exec(code.slice(0, index))?.[0] ?? '';
    if (!/\b(DEVICE|SHARED|PRIVATE|CONSTANT|device|threadgroup|thread|constant)\b/.test(declarator)) {
      yield `line ${String(lineOf(code, index))}: ${declarator.trim()}${code[index] ?? ''} has no address space`;
    }
  }
}

function compilerFaults(text: string): string[] {
  // What the stand-in cannot say: OpenCL has variables of the program in __constant, and a word for kernels.
  const opencl = text
    .replace(/\bconstexpr (CONSTANT|constant)\b/g, 'constexpr __constant')
    .replace(/\[\[kernel, (.*?)\]\] void/g, '[[$1]] __kernel void');
  return inTemporaryFolder((folder) => {
    fs.writeFileSync(path.join(folder, 'kernels.metal'), opencl);
    const { status, stderr } = spawnSync('clang++', clangArguments, { cwd: folder, encoding: 'utf8' });
    const faults = stderr.split('\n').filter((line) => line.includes('error:'));
    if (status !== 0) return faults.length > 0 ? faults : [stderr];
    const llvm = fs.readFileSync(path.join(folder, 'kernels.ll'), 'utf8');
    return [...programVariables(llvm), ...recursiveFunctions(llvm), ...largeKernels(llvm)];
  });
}

const clangArguments = [
  '-x',
  'cl',
  '-cl-std=clc++',
  '-cl-no-stdinc',
  '-nostdinc',
  '-Xclang',
  '-cl-ext=-cl_khr_fp64',
  '-target',
  'spir64',
  '-I',
  standIn, // any target with address spaces
  '-Werror',
  '-Wall',
  '-Wextra',
  '-Wpre-c++17-compat', // MSL is C++14
  '-Wno-unknown-attributes',
  '-Wno-duplicate-decl-specifier',
  '-Wno-unused-function',
  '-Wno-unused-parameter',
  '-S',
  '-emit-llvm',
  '-O0',
  '-o',
  'kernels.ll',
  'kernels.metal',
];

/** Variables of the program that are not constants: clang gives them OpenCL's global memory. */
function programVariables(llvm: string): string[] {
  const names = [...llvm.matchAll(/^@([\w.]+) = .*\baddrspace\(1\)/gm)].map((match) => match[1] ?? '');
  return names.map((name) => `${name} is a variable of the program`);
}

const SHARED_BYTES = 32 * 1024; // of a threadgroup, on all of Apple's GPUs
const LAUNCH_BYTES = 16; // the least that a launch adds

/** Kernels that declare more shared memory than there is. */
function largeKernels(llvm: string): string[] {
  const bytes = new Map<string, number>();
  const variables = /^@_ZZ(\d+)(\w+) = internal addrspace\(3\) global (.*) undef,/gm; // of _ZZ8multiplyE1x: multiply
  for (const [, length, name = '', type = ''] of llvm.matchAll(variables)) {
    const kernel = name.slice(0, Number(length));
    bytes.set(kernel, (bytes.get(kernel) ?? LAUNCH_BYTES) + sizeOf(type, llvm));
  }
  const large = [...bytes].filter(([, count]) => count > SHARED_BYTES);
  return large.map(([kernel, count]) => `${kernel} wants ${String(count)} bytes of shared memory`);
}

/** Bytes of a type as LLVM writes it; numbers, arrays and structs of one member. */
function sizeOf(type: string, llvm: string): number {
  const array = /^\[(\d+) x (.*)\]$/.exec(type);
  if (array) return Number(array[1]) * sizeOf(array[2] ?? '', llvm);
  if (type.startsWith('%')) {
    const member = llvm.split(`\n${type} = type { `)[1]?.split(' }\n')[0];
    if (member !== undefined) return sizeOf(member, llvm);
  }
  const known: Record<string, number> = { i8: 1, half: 2, i16: 2, i32: 4, float: 4, i64: 8 };
  const size = known[type];
  if (size === undefined) throw new Error(`How large is ${type}?`);
  return size;
}

/** Functions of LLVM's text that come to call themselves. */
function recursiveFunctions(llvm: string): string[] {
  const calls = new Map<string, Set<string>>();
  for (const [, name = '', body = ''] of llvm.matchAll(/^define [^@]*@([\w.]+)\(.*?\{$([^]*?)^\}$/gm)) {
    calls.set(name, new Set([...body.matchAll(/ call [^@\n]*@([\w.]+)\(/g)].map((call) => call[1] ?? '')));
  }
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const name of calls.get(from) ?? []) if (!seen.has(name)) reached(name, seen.add(name));
    return seen;
  };
  return [...calls.keys()].filter((name) => reached(name).has(name)).map((name) => `${name} calls itself`);
}

function inTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-metal-'));
  try {
    return work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
