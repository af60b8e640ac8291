import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { callsOver, OpenCalls } from '../../../electron/shared/calls.ts';
import type { CallMessage } from '../../../electron/shared/calls.ts';

interface Adding {
  add(one: number, other: number): Promise<number>;
  close(): Promise<string>;
}

const open = () => new OpenCalls<string>((failure) => new RangeError(failure));

suite('calls that are asked over a border', () => {
  test('are those of the interface and what the asker has of its own', async () => {
    const asked: unknown[] = [];
    const calls = callsOver<Pick<Adding, 'add'>, Pick<Adding, 'close'>>(
      (call, args) => {
        asked.push([call, args]);
        return Promise.resolve(args[0] + args[1]);
      },
      { close: () => Promise.resolve('closed') },
    );
    assert.equal(await calls.add(2, 3), 5);
    assert.equal(await calls.close(), 'closed');
    assert.deepEqual(asked, [['add', [2, 3]]]);
  });

  test('can be handed through a promise and printed, and nothing is asked by that', async () => {
    const calls = callsOver<Adding>(() => assert.fail('nothing was to be asked'), {});
    assert.equal(await Promise.resolve(calls), calls);
    assert.equal(Object.prototype.toString.call(calls), '[object Object]');
  });
});

suite('calls that wait for their answers', () => {
  test('get their own, in whatever order these come; one that nobody waits for is nothing', async () => {
    const waiting = open();
    const sent: CallMessage[] = [];
    const post = (message: CallMessage) => void sent.push(message);
    const [one, other] = [waiting.send('one', [1], post), waiting.send('other', [], post)];
    assert.deepEqual(
      sent.map(({ call, args }) => [call, args]),
      [
        ['one', [1]],
        ['other', []],
      ],
    );
    const [first, second] = sent.map(({ id }) => id);
    assert.ok(first !== undefined && second !== undefined && first !== second);
    const failed = assert.rejects(other, { name: 'RangeError', message: 'too large' });
    waiting.settle({ kind: 'error', id: second, error: 'too large' });
    assert.equal(waiting.size, 1);
    waiting.settle({ kind: 'value', id: first, value: 'an answer' });
    assert.equal(await one, 'an answer');
    await failed;
    waiting.settle({ kind: 'value', id: first, value: 'another' });
    waiting.settle({ kind: 'error', id: 99, error: 'of none' });
    assert.equal(waiting.size, 0);
  });

  test('are rejected when what they are asked with cannot be sent, and do not wait then', async () => {
    const waiting = open();
    const refuse = () => {
      throw new TypeError('it cannot be copied');
    };
    await assert.rejects(waiting.send('one', [], refuse), {
      name: 'TypeError',
      message: 'it cannot be copied',
    });
    assert.equal(waiting.size, 0);
  });

  test('are all rejected at the end', async () => {
    const waiting = open();
    const post = () => undefined;
    const rejected = [waiting.send('one', [], post), waiting.send('other', [], post)].map((call) =>
      assert.rejects(call, { message: 'the other side is gone' }),
    );
    waiting.end(() => new Error('the other side is gone'));
    await Promise.all(rejected);
    assert.equal(waiting.size, 0);
  });
});
