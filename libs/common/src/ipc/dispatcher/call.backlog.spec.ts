import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { CallBacklog } from './call.backlog.js';
import { IpcMessageType } from '../message/message.js';
import type { InvokeMessage } from '../message/message.js';

const call = (request: number, data: unknown[] = []): InvokeMessage => ({
  type: IpcMessageType.Invoke,
  channel: '',
  method: undefined,
  request,
  data,
  refusal: undefined,
  activityId: undefined,
  timeoutMs: undefined,
  isCancellable: true,
  slots: [],
});

/** A backlog of which `most` may run at once; each runs until it is ended. */
function backlogOf(most: number, limit = 1_000_000, isOpening = false) {
  const storage = new AsyncLocalStorage<string>();
  const begun: [request: number, store: string | undefined][] = [];
  let running = 0;
  let emptied = 0;
  let shared = 0;
  const bytes = {
    take: (by: number) => (shared += by) < 10_000,
    add: (by: number) => void (shared += by),
  };
  const backlog = new CallBacklog(limit, bytes, {
    capacity: () => most - running,
    begin: (message) => {
      running++;
      if (message.type === IpcMessageType.Invoke) begun.push([message.request, storage.getStore()]);
    },
    emptied: () => void emptied++,
    isOpening: () => isOpening,
  });
  const endOne = () => {
    running--;
    backlog.resume();
  };
  return { backlog, begun, storage, endOne, emptied: () => emptied, shared: () => shared };
}

describe('CallBacklog', () => {
  it('keeps the first message of a session that opens, whatever its length, and refuses a second one', () => {
    const { backlog } = backlogOf(0, 10, true);
    expect(backlog.add(call(1))).toBe(true);
    expect(backlog.add(call(2))).toBe(false);
  });

  it('refuses a message above its limit in a session that is open', () => {
    const { backlog } = backlogOf(0, 10);
    expect(backlog.add(call(1))).toBe(false);
  });

  it('begins each call in its order and in its own asynchronous context', async () => {
    const { backlog, begun, storage, endOne } = backlogOf(2);
    for (let i = 1; i <= 5; i++) storage.run(`of ${i}`, () => backlog.add(call(i)));
    expect(begun.map(([request]) => request)).toEqual([1, 2]);
    for (let i = 3; i <= 5; i++) {
      storage.run('of another', endOne);
      await nextTurn();
      expect(begun.at(-1)).toEqual([i, `of ${i}`]);
      expect(begun).toHaveLength(i);
    }
    expect(backlog.isEmpty).toBe(true);
  });

  it('begins no call and releases bytes once if it is cleared between turn and beginning', async () => {
    const { backlog, begun, endOne, shared } = backlogOf(1);
    for (let i = 1; i <= 3; i++) backlog.add(call(i));
    endOne();
    backlog.clear();
    await nextTurn();
    expect(begun).toHaveLength(1);
    expect(shared()).toBe(0);
  });

  it('counts the place of a cancelled call until its turn', async () => {
    const { backlog, endOne, shared } = backlogOf(1, 3000);
    backlog.add(call(1));
    let added = 0;
    for (let i = 2; i < 1000 && backlog.add(call(i, ['x'.repeat(500)])); i++) {
      backlog.cancel(i);
      added++;
    }
    expect(added).toBeLessThan(20);
    endOne();
    await nextTurn();
    expect(shared()).toBe(0);
    expect(backlog.isEmpty).toBe(true);
  });

  it('keeps the order of waiting calls, and begins no more than there is capacity for', async () => {
    const { backlog, begun, endOne } = backlogOf(1);
    for (let i = 1; i <= 3; i++) backlog.add(call(i));
    endOne();
    // The second may begin, and has not yet.
    backlog.add(call(4));
    await nextTurn();
    expect(begun.map(([request]) => request)).toEqual([1, 2]);
    for (let i = 0; i < 2; i++) {
      endOne();
      await nextTurn();
    }
    expect(begun.map(([request]) => request)).toEqual([1, 2, 3, 4]);
  });

  it('counts bytes, and releases them', async () => {
    const { backlog, endOne } = backlogOf(1, 3000);
    backlog.add(call(1));
    const large = ['x'.repeat(1500)];
    expect([backlog.add(call(2, large)), backlog.add(call(3, large))]).toEqual([true, false]);
    expect(backlog.cancel(2)).toBe(true);
    expect(backlog.add(call(4, large))).toBe(true);
    endOne();
    await nextTurn();
    expect(backlog.add(call(5, large))).toBe(true);
  });

  it('drops cancelled calls, and all calls when it is cleared', async () => {
    const { backlog, begun, endOne, emptied, shared } = backlogOf(1);
    for (let i = 1; i <= 4; i++) backlog.add(call(i));
    expect([backlog.cancel(2), backlog.cancel(2), backlog.cancel(9)]).toEqual([true, false, false]);
    endOne();
    await nextTurn();
    await nextTurn();
    expect(begun.map(([request]) => request)).toEqual([1, 3]);
    backlog.clear();
    expect(emptied()).toBe(1);
    expect(shared()).toBe(0);
    endOne();
    await nextTurn();
    expect(begun).toHaveLength(2);
  });
});
