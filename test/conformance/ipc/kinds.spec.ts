import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { IpcChannel, IpcModule } from '@linnet/backend';
import { pattern } from '../tables/fixture.js';
import { startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { framesOf, hexOf } from '../../ipc/wire/raw.frontend.codec.js';
import { kinds, MessageType, RawFrontend } from '../../ipc/wire/raw.frontend.js';
import { BareFrontend, Opcode } from '../../ipc/wire/raw.frontend.socket.js';

interface Made {
  kind: string;
  /** The length of the memory behind the view. */
  size: number;
  offset: number;
  /** In bytes. */
  length: number;
}

const kindOf = (name: string) => kinds.find((kind) => kind.name === name)!;
const elementSize = (name: string) => (kindOf(name) as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
const names = kinds.map(({ name }) => name);

/** Views into larger memory, at offsets that the kind allows. */
const views: Made[] = names.flatMap((kind) =>
  [0, 1, 3].flatMap((elements) =>
    [0, 8, 4096, 70_000].map((length) => {
      const offset = elements * elementSize(kind);
      return { kind, size: offset + length + 16, offset, length };
    }),
  ),
);

function make({ kind, size, offset, length }: Made): ArrayBufferView {
  const Kind = kindOf(kind) as unknown as new (...args: [ArrayBuffer, number, number]) => ArrayBufferView;
  return new Kind(pattern(size, 7).buffer, offset, length / elementSize(kind));
}

@IpcChannel('views')
class ViewsHandler {
  async made(view: Made) {
    return make(view);
  }
  async seen(value: unknown) {
    return ArrayBuffer.isView(value) ? { kind: value.constructor.name, hex: hexOf(value) } : typeof value;
  }
  async noNumbers() {
    return { list: Float32Array.of(NaN, Infinity), number: NaN };
  }
  async large() {
    return { list: [1, BigInt64Array.of(1n)] };
  }
}

@Module({ imports: [IpcModule.forRoot({ path: '/ipc' })], providers: [ViewsHandler] })
class ViewsModule {}

@Module({ imports: [IpcModule.forRoot({ path: '/ipc', developmentMode: true })], providers: [ViewsHandler] })
class ViewsDevelopmentModule {}

describe('bytes of all kinds', () => {
  let server: TestServer;
  let frontend: RawFrontend;
  beforeAll(async () => {
    server = await startServer(ViewsModule, 'LinnetExpressAdapter');
    frontend = await RawFrontend.open(server.port);
  });
  afterAll(() => server.stop());

  it.each(views)(
    'arrive at the frontend as $kind of $length bytes, sent from offset $offset',
    async (view) => {
      const { result } = (await frontend.invoke('itwin.views', 'made', view)) as { result: ArrayBufferView };
      expect({ kind: result.constructor.name, hex: hexOf(result) }).toEqual({
        kind: view.kind,
        hex: Buffer.from(pattern(view.size, 7).subarray(view.offset, view.offset + view.length)).toString(
          'hex',
        ),
      });
    },
  );

  it.each(views)(
    'arrive at the backend as $kind of $length bytes, sent from offset $offset',
    async (view) => {
      const sent = make(view);
      expect(await frontend.invoke('itwin.views', 'seen', sent)).toEqual({
        result: { kind: view.kind, hex: hexOf(sent) },
      });
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'are read at any alignment in the received data (shifted by %d)',
    async (shift) => {
      const sent = names.flatMap((kind) =>
        [16, 4096, 4104].map((length) => make({ kind, size: length, offset: 0, length })),
      );
      const frames = sent.flatMap((view, i) => {
        const data = [view, 'x'.repeat(shift)];
        const [text, ...parts] = framesOf({
          type: MessageType.Invoke,
          channel: 'itwin.views',
          method: 'seen',
          data,
          request: i + 1,
          sequence: i,
        });
        return [
          { opcode: Opcode.Text, payload: text },
          ...parts.map((payload) => ({ opcode: Opcode.Binary, payload })),
        ];
      });
      const bare = await BareFrontend.open(server.port);
      bare.frame(...frames);
      for (const view of sent) {
        const text = await bare.nextText();
        expect(text).toContain(`{\\"kind\\":\\"${view.constructor.name}\\",\\"hex\\":\\"${hexOf(view)}\\"}`);
      }
      bare.destroy();
    },
  );

  it('keep NaN and infinities, and cause no warning', async () => {
    const development = await startServer(ViewsDevelopmentModule, 'LinnetExpressAdapter');
    const warned: unknown[] = [];
    const silent = () => undefined;
    development.app.useLogger({ log: silent, error: silent, warn: (message) => warned.push(message) });
    const own = await RawFrontend.open(development.port);
    expect(await own.invoke('itwin.views', 'noNumbers')).toEqual({
      result: { list: Float32Array.of(NaN, Infinity), number: null },
    });
    expect(warned).toEqual(['The caller will not see it: value.number is NaN.']);
    await development.stop();
  });

  it('are refused if an element is too large for the wire', async () => {
    expect(await frontend.invoke('itwin.views', 'large')).toMatchObject({
      error: { errorNumber: 32768, message: expect.stringContaining('The value cannot be sent') },
    });
  });
});
