import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcChannel } from '@linnet/backend';
import { IpcFrontend, ipcChannel } from '@linnet/common';
import type { RpcStream } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { FaultProxy } from '../../ipc/client/fault.proxy.js';

const MIB = 1024 * 1024;
const PIECE = 64 * 1024;
const PIECES = 64 * 16;
/** Growth of memory in use on both ends together, which share this process. */
const MOST_GROWTH = 32 * MIB;
/** A fast machine needs less than a second. So the spec cuts after every 4 MiB as well. */
const LEAST_CUTS = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Bulk {
  down(): AsyncIterable<Uint8Array>;
  up(content: RpcStream<Uint8Array>): Promise<string>;
}

const bulkChannel = ipcChannel<Bulk>('bulk', { methods: { down: { stream: true }, up: {} } });

/** Bytes that differ from piece to piece, made on the way. */
async function* content(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let i = 0; i < PIECES; i++) {
    const piece = new Uint8Array(PIECE);
    const words = new Uint32Array(piece.buffer);
    for (let word = 0, value = i + 1; word < words.length; word++) {
      value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
      words[word] = value;
    }
    yield piece;
  }
}

async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

@IpcChannel(bulkChannel)
class BulkHandler implements Bulk {
  down() {
    return content();
  }
  up(pieces: RpcStream<Uint8Array>) {
    return hashOf(pieces);
  }
}

/** Memory in use after a collection: the heap and the buffers outside of it. */
function used(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('a stream of 64 MiB over a connection that breaks every 50 to 200 ms', () => {
  let proxy: FaultProxy;
  let frontend: IpcFrontend;
  let timer: ReturnType<typeof setTimeout>;
  let cuts = 0;

  beforeEach(async () => {
    const { port } = await startIpcApp({ providers: [BulkHandler] });
    proxy = await new FaultProxy(port).listen();
    frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`), { reconnectMs: [1, 5] });
    await frontend.ready;
    cuts = 0;
  });
  afterEach(async () => {
    clearTimeout(timer);
    frontend.close();
    proxy.close();
    await closeIpcApps();
  });

  /** Cuts again and again, in a repeatable rhythm. */
  function cut(): void {
    // Sleeps: the connection is cut by the clock, whatever passes over it.
    timer = setTimeout(
      () => {
        cuts++;
        proxy.cut();
        cut();
      },
      50 + ((cuts * 67) % 151),
    );
  }

  it.each(['result', 'argument'] as const)(
    'arrives with the same hash as %s, in little memory',
    async (way) => {
      const expected = await hashOf(content());
      const bulk = frontend.makeIpcProxy<Bulk>(bulkChannel);
      const before = used();
      let most = before;
      let pieces = 0;
      /** Measures on the way, and cuts where time alone has not. */
      async function* watched(source: AsyncIterable<Uint8Array<ArrayBuffer>>) {
        for await (const piece of source) {
          if (++pieces % 128 === 0) most = Math.max(most, used());
          if (pieces % 64 === 0) proxy.cut();
          yield piece;
        }
      }
      cut();
      const taken = proxy.taken;
      const hash =
        way === 'result'
          ? await hashOf(watched(bulk.down() as AsyncIterable<Uint8Array<ArrayBuffer>>))
          : await bulk.up(watched(content()) as never);
      expect(hash).toBe(expected);
      expect(pieces).toBe(PIECES);
      expect(proxy.taken - taken).toBeGreaterThanOrEqual(LEAST_CUTS);
      expect(most - before).toBeLessThan(MOST_GROWTH);
    },
    120_000,
  );
});
