import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits, defaultWireLimits } from '@linnet/common';
import { defaultNatsLimits } from '@linnet/nats';
import {
  CALL_STREAMS,
  ITEM_BYTES,
  MESSAGE_ITEMS,
  OBSERVABLE_BYTES,
  STREAM_WINDOW,
} from '../../libs/common/src/base/limits.js';
import { documents, readGuide, root } from './guide.js';

const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

const streamLimits = { STREAM_WINDOW, ITEM_BYTES, MESSAGE_ITEMS, CALL_STREAMS, OBSERVABLE_BYTES };

describe('the documentation', () => {
  it('lists every document in its index', () => {
    const index = textOf('docs/README.md');
    const names = documents.map((path) => path.replace(/^docs\//, '')).filter((name) => name !== 'README.md');
    expect(names.filter((name) => !index.includes(`](${name})`))).toEqual([]);
  });

  it.each([
    ['of RPC', defaultWireLimits],
    ['of IPC', defaultIpcLimits],
    ['of NATS', defaultNatsLimits],
    ['of streams', streamLimits],
  ])('states the default limits %s', (name, limits) => {
    const [, table] = new RegExp(`^\\| ${name} .*\\n\\|.*\\n((?:\\|.*\\n)+)`, 'm').exec(
      textOf('docs/security.md'),
    )!;
    const rows = [...table!.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)].map(([, limit, value]) => [
      limit,
      quantity(value!),
    ]);
    expect(Object.fromEntries(rows)).toEqual(limits);
  });

  it('names every option of a client', () => {
    const source = ['rpc', 'http']
      .map((side) => textOf(`libs/common/src/${side}/client/client.options.ts`))
      .join('\n');
    const interfaces = /interface (?:RpcCallOptions|RpcClient(?:Base)?Options)\b[^{]*\{([^]*?)\n\}/g;
    const bodies = [...source.matchAll(interfaces)].map(([, body]) => body!);
    expect(bodies).toHaveLength(3);
    const names = bodies.flatMap((body) =>
      [...body.matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name]) => name!),
    );
    expect(names.length).toBeGreaterThan(15);
    const guide = textOf('docs/rpc-client.md');
    expect(names.filter((name) => !guide.includes(name))).toEqual([]);
  });

  it('names every option of a server without Nest', () => {
    const files = [
      'http/server/rpc.service.ts',
      'http/call/options.ts',
      'http/call/origin.policy.ts',
      'error/error.codec.ts',
    ];
    const names = files.flatMap((file) => {
      const source = textOf(`libs/common/src/${file}`).replace(/<T [^>]*>/, '');
      const body = /interface (?:\w+Options|ErrorPolicy)\b[^{]*\{([^]*?)\n\}/.exec(source)![1]!;
      return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, name]) => name!);
    });
    expect(names.length).toBeGreaterThan(18);
    const guide = textOf('docs/plain-servers.md');
    // How the platform decodes is for those who make platforms.
    expect(names.filter((name) => name !== 'decodeText' && !guide.includes(`\`${name}\``))).toEqual([]);
  });

  it('has a smallest test of at most ten lines', () => {
    const [, body] = /^it\(.*\n([^]*)^\}\);/m.exec(readGuide('README.md').files.get('shelves.spec.ts')!)!;
    expect(body!.trim().split('\n').length + 2).toBeLessThanOrEqual(10);
  });
});

/** `5 MiB`, `30 s`, `1,000`: as the number that it is. */
function quantity(text: string): number {
  const [number, unit = ''] = text.replaceAll(',', '').split(' ');
  const factors: Record<string, number> = { '': 1, s: 1000, KiB: 1024, MiB: 1024 * 1024 };
  return Number(number) * factors[unit]!;
}
