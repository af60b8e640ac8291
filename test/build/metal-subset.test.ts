import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelsText, metalFaults, skipMetalChecks } from '../../build/native/metal-subset.ts';

test('the kernels are in the subset of C++ that Metal accepts', { skip: skipMetalChecks }, () => {
  assert.deepEqual(metalFaults(kernelsText()), []);
});

/** A text with some functions, and a kernel that calls what is given. */
const withKernel = (functions: string, body: string) => `#include <metal_stdlib>
using namespace metal;
struct Arguments { device float* values; int count; };
${functions}
[[kernel, max_total_threads_per_threadgroup(256)]] void test(constant Arguments& a [[buffer(0)]],
    threadgroup float* scratch [[threadgroup(0)]], uint thread_id [[thread_index_in_threadgroup]]) {
  ${body}
}
`;

const good: [name: string, functions: string, body: string][] = [
  ['an empty kernel', '', ''],
  ['a constant of the program', 'constexpr constant int kCount = 4;', 'a.values[kCount] = 1.0f;'],
  ['nearly all shared memory', '', 'threadgroup float x[8188]; x[thread_id] = 1.0f; a.values[0] = x[0];'],
  ['shared memory', '', 'threadgroup float x[4]; x[thread_id] = 1.0f; a.values[0] = x[0];'],
  [
    'structs copied between address spaces',
    'struct Two { float at[2]; };',
    'Two two = *(device const Two*)a.values; two.at[0] = 1.0f; *(threadgroup Two*)scratch = two; Arguments copy = a; a.values[0] = float(copy.count);',
  ],
  [
    'a template for memory of every kind',
    'template <typename P> void put(P to) { *to = 1.0f; }',
    'put(a.values); put(scratch);',
  ],
  ['a pointer compared with nothing', '', 'if (a.values == nullptr) return;'],
];

for (const [name, functions, body] of good) {
  test(`Metal accepts ${name}`, { skip: skipMetalChecks }, () => {
    assert.deepEqual(metalFaults(withKernel(functions, body)), []);
  });
}

const bad: [name: string, functions: string, body: string][] = [
  ['double', '', 'const double x = 1; a.values[0] = float(x);'],
  ['long double', 'typedef long double Long;', 'a.values[0] = float(Long(1));'],
  ['recursion', 'int down(int n) { return n > 0 ? down(n - 1) : 0; }', 'a.values[0] = down(a.count);'],
  [
    'recursion of two',
    'int odd(int n); int even(int n) { return n > 0 ? odd(n - 1) : 1; } int odd(int n) { return n > 0 ? even(n - 1) : 0; }',
    'a.values[0] = odd(a.count);',
  ],
  ['virtual functions', 'struct V { virtual int f() { return 1; } };', ''],
  ['new', '', 'thread int* p = new int; *p = 1;'],
  ['delete', 'void drop(thread int* p) { delete p; }', ''],
  ['exceptions', '', 'throw 1;'],
  ['type information', '', 'typeid(a);'],
  ['a header of the standard library', '#include <cmath>', ''],
  ['names of the standard library', '', 'a.values[0] = std::sqrt(1.0f);'],
  ['a variable of the program', 'int count = 0;', 'a.values[0] = count++;'],
  [
    'a static variable of a function',
    'int next() { static int n = 0; return ++n; }',
    'a.values[0] = next();',
  ],
  ['shared memory outside of a kernel', 'void f() { threadgroup float x[2]; x[0] = 1.0f; }', ''],
  ['a pointer without address space', 'float first(float* p) { return *p; }', ''],
  ['a local pointer without address space', '', 'float x = 1.0f; float* p = &x; a.values[0] = *p;'],
  ['a reference without address space', 'void one(float& x) { x = 1.0f; }', ''],
  ['device memory as shared', '', 'threadgroup float* p = a.values; p[0] = 1.0f;'],
  ['device memory cast to shared', '', 'threadgroup float* p = (threadgroup float*)a.values; p[0] = 1.0f;'],
  ['constant memory as device', '', 'device const Arguments* p = &a; a.values[0] = float(p->count);'],
  ['private memory as device', '', 'float x = 1.0f; device float* p = &x; a.values[0] = *p;'],
  ['a write to constant memory', '', 'a.count = 1;'],
  [
    'more shared memory than there is',
    'struct Eight { float at[8]; };',
    'threadgroup Eight x[1024]; x[thread_id].at[0] = 1.0f; a.values[0] = x[0].at[0];',
  ],
  ['goto', '', 'goto end; end: return;'],
  ['function pointers', 'int one() { return 1; }', 'int (*f)() = one; a.values[0] = float(f());'],
  ['lambdas', '', 'auto f = [&](int x) { return x; }; a.values[0] = float(f(1));'],
  ['C++17', 'namespace one::two { struct Three {}; }', ''],
  ['if constexpr', 'template <int N> int f() { if constexpr (N > 1) return 1; return 0; }', 'f<2>();'],
  ['a function that Metal does not have', '', 'a.values[0] = __expf(1.0f);'],
  ["OpenCL's barrier", '', 'barrier(1);'],
  ['a mask of the wrong kind', '', 'threadgroup_barrier(1);'],
  ['an address space as a name', '', 'const uint thread = thread_id; a.values[thread] = 1.0f;'],
  ['a type as a name', '', 'const int half = a.count / 2; a.values[half] = 1.0f;'],
  ['assembly', '', 'asm("nop");'],
  ['an attribute that Metal does not have', '[[launch_bounds(256)]] void f();', ''],
];

for (const [name, functions, body] of bad) {
  test(`Metal refuses ${name}`, { skip: skipMetalChecks }, () => {
    assert.notDeepEqual(metalFaults(withKernel(functions, body)), []);
  });
}
