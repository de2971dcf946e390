import { describe, expect, it } from '@jest/globals';
import { memoryBackplane } from '@linnet/common';
import { gate, until } from '../harness/waiting.js';
import { intercepted, knock } from './network.nodes.js';
import { openNetwork } from './open.network.js';

describe('the shares of users over several nodes', () => {
  const { start, connect } = openNetwork();
  /** A client hello for a session of another node. */
  const stray = (attempt: number) => JSON.stringify([9, `session ${attempt}`, 's'.repeat(22), 0, attempt]);

  it('let frontends begin while others wait for their sessions to be found', async () => {
    const { opened, open: answer } = gate();
    const slow = intercepted(memoryBackplane(), (name) => (name === 'get' ? opened : undefined));
    const node = start(slow, { limits: { upgrades: 1 } });
    const waiting = [1, 2, 3].map((attempt) => knock(node, undefined, stray(attempt)));
    await connect(node);
    expect([node.server.hasSpace('durable'), waiting.map(({ closed }) => closed)]).toEqual([
      true,
      [undefined, undefined, undefined],
    ]);
    answer();
    await until(() => waiting.every(({ closed }) => closed === 4001));
  });

  it('bound the frontends that wait for their sessions to be found, and end none of a user for another with as many', async () => {
    const { opened, open: answer } = gate();
    const slow = intercepted(memoryBackplane(), (name) => (name === 'get' ? opened : undefined));
    const node = start(slow, { limits: { sessions: 2 } });
    const [first, second, third] = [1, 2, 3].map((attempt) => knock(node, 'Eve', stray(attempt)));
    await until(() => third!.closed !== undefined);
    expect([first!.closed, second!.closed, third!.closed]).toEqual([undefined, undefined, 4000]);
    // The oldest one of the user with most makes space.
    const other = knock(node, 'Ada', stray(4));
    await until(() => first!.closed !== undefined);
    expect([first!.closed, second!.closed, other.closed]).toEqual([4000, undefined, undefined]);
    answer();
    await until(() => other.closed === 4001);
  });
});
