import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits, ipcChannel, IpcFrontend, IpcServer, memoryIpc } from '@linnet/common';
import type { RpcStream } from '@linnet/common';

interface Numbers {
  count(to: number): AsyncIterable<number>;
  sum(stream: RpcStream<number>): Promise<number>;
  twice(stream: RpcStream<number>): AsyncIterable<number>;
}
const numbers = ipcChannel<Numbers>('numbers', {
  methods: { count: { stream: true }, sum: {}, twice: { stream: true } },
});
let returned = 0;
const server = () => {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
  server.channels.register(numbers, {
    name: 'Numbers',
    methods: new Map<string, (call: { arguments: unknown[] }) => unknown>([
      [
        'count',
        async function* (call: { arguments: unknown[] }) {
          try {
            for (let i = 0; i < (call.arguments[0] as number); i++) yield i;
          } finally {
            returned++;
          }
        },
      ],
      [
        'sum',
        async (call: { arguments: unknown[] }) => {
          let sum = 0;
          for await (const n of call.arguments[0] as AsyncIterable<number>) sum += n;
          return sum;
        },
      ],
      [
        'twice',
        async function* (call: { arguments: unknown[] }) {
          for await (const n of call.arguments[0] as AsyncIterable<number>) yield 2 * n;
        },
      ],
    ]) as never,
  });
  return server;
};
async function* to(n: number) {
  for (let i = 0; i < n; i++) yield i;
}
describe('streams', () => {
  it('works', async () => {
    const s = server();
    const frontend = new IpcFrontend(memoryIpc(s));
    const proxy = frontend.makeIpcProxy<Numbers>(numbers);
    let n = 0;
    for await (const i of proxy.count(100_000)) expect(i).toBe(n++);
    expect(n).toBe(100_000);
    expect(await proxy.sum(to(1000))).toBe(499500);
    const all = [];
    for await (const i of proxy.twice(to(10))) all.push(i);
    expect(all).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    for await (const i of proxy.count(1e9)) if (i === 10) break;
    await new Promise((r) => setTimeout(r, 50));
    expect(returned).toBe(2);
    frontend.close();
  });
});
