import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcModule, memoryIpc, RpcInterface } from '@linnet/backend';
import { ipcChannel, IpcFrontend, rpcOperations } from '@linnet/common';
import type { JsonSchema } from '@linnet/common/contract';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { z } from 'zod';
import { closeApps, startApp, ways } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';

const robot = z.object({
  id: z.string().min(1).max(5),
  speed: z.number().positive().optional(),
  wheels: z.number().int().max(9).default(4),
});
const kinds = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('point'), x: z.number() }),
  z.strictObject({ kind: z.literal('line'), to: z.tuple([z.number(), z.string().optional()]) }),
]);
const counts = z.record(z.string(), z.array(z.number().int()).max(2));
const choice = z.union([z.null(), z.boolean(), z.enum(['a', 'b']), z.string().regex(/^x+$/)]);

const schemas = {
  robot: { args: [robot] },
  kinds: { args: [kinds] },
  counts: { args: [counts] },
  choice: { args: [choice] },
  several: { args: [z.string(), z.number().optional(), z.boolean().nullish()] },
} as const;

abstract class Fuzzed {
  static readonly interfaceName = 'Fuzzed';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Fuzzed>()(schemas);
  abstract robot(value: z.input<typeof robot>): Promise<void>;
  abstract kinds(value: z.input<typeof kinds>): Promise<void>;
  abstract counts(value: z.input<typeof counts>): Promise<void>;
  abstract choice(value: z.input<typeof choice>): Promise<void>;
  abstract several(a: string, b?: number, c?: boolean | null): Promise<void>;
}

class Methods implements Fuzzed {
  async robot() {}
  async kinds() {}
  async counts() {}
  async choice() {}
  async several() {}
}

@RpcInterface(Fuzzed)
class FuzzedImpl extends Methods {}

const channel = ipcChannel<Fuzzed>()('fuzzed-v1', { methods: schemas });

@IpcChannel(channel)
class FuzzedHandler extends Methods {}

/** Shallow, because ten thousand deep ones take long. */
const anything = fc.jsonValue({ maxDepth: 1 });

/** The server refuses one of these names in every value, which no document says. */
const memberName = fc.oneof(
  { weight: 9, arbitrary: fc.string({ maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant('__proto__') },
);

function hasRefusedName(body: string): boolean {
  let found = false;
  JSON.parse(body, (name, value: unknown) => {
    found ||= name === '__proto__';
    return value;
  });
  return found;
}

/** Values that fit a schema, or nearly. */
function near(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, items, prefixItems, properties, additionalProperties } = schema;
  const union = anyOf ?? oneOf;
  const types = [schema.type].flat();
  let some: fc.Arbitrary<unknown> = anything;
  if (union) some = fc.oneof(...union.map(near));
  else if ('const' in schema || schema.enum) some = fc.constantFrom(...(schema.enum ?? [schema.const]));
  else if (types.includes('string'))
    some = fc.oneof(fc.string({ maxLength: 7 }), fc.constantFrom('x', 'xx', ''));
  else if (types.includes('number') || types.includes('integer'))
    some = fc.oneof(fc.integer({ min: -2, max: 11 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
  else if (types.includes('boolean')) some = fc.oneof(fc.boolean(), fc.constant(null));
  else if (prefixItems)
    some = fc
      .tuple(fc.tuple(...prefixItems.map(near)), fc.nat(prefixItems.length + 1), anything)
      .map(([list, length, more]) => [...list, more].slice(0, length));
  else if (types.includes('array')) some = fc.array(near(items || {}), { maxLength: 4 });
  else if (properties)
    some = fc.record(
      {
        ...Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, near(each)])),
        more: anything,
      },
      { requiredKeys: [] },
    );
  else if (typeof additionalProperties === 'object')
    some = fc.dictionary(memberName, near(additionalProperties), { maxKeys: 3 });
  return fc.oneof({ weight: 9, arbitrary: some }, { weight: 1, arbitrary: anything });
}

/** Values for each schema. */
const VALUES = 10_000;
/** Requests that are written at once, on one connection. */
const BATCH = 200;
/** A failed run names its seed: with it here the same values are sent again. */
const seed = Number(process.env['LINNET_FUZZ_SEED'] ?? Date.now());

/** Lists of arguments as JSON text, in batches. */
function* bodies(schema: JsonSchema): Generator<string[]> {
  for (let sent = 0, round = 0; sent < VALUES; round++) {
    const batch = fc
      .sample(near(schema), { numRuns: BATCH, seed: seed + round })
      .flatMap((args) => (Array.isArray(args) ? JSON.stringify(args) : []));
    sent += batch.length;
    yield batch;
  }
}

/** The answer to a call. */
interface Answer {
  readonly isAccepted: boolean;
  /** The reason why a call is refused. */
  readonly text: string;
}

/** One connection to the server. Ten thousand calls by `fetch` would take most of a minute. */
class Line {
  readonly #socket: Socket;
  readonly #received: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#received = this.#socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Calls with each of the bodies. The server answers in their order. */
  async call(path: string, batch: readonly string[]): Promise<Answer[]> {
    const requests = batch.map((body) =>
      [
        `POST ${path} HTTP/1.1`,
        'Host: 127.0.0.1',
        'Content-Type: application/json',
        'X-Correlation-ID: a',
        'X-Protocol-Version: 2',
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    );
    this.#socket.write(requests.join(''));
    const answers: Answer[] = [];
    while (answers.length < batch.length) answers.push(await this.#answer());
    return answers;
  }

  end(): void {
    this.#socket.destroy();
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n') + 4;
      const head = end < 4 ? '' : this.#rest.toString('latin1', 0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (head && this.#rest.length >= end + length) {
        const text = this.#rest.toString('utf8', end, end + length);
        this.#rest = this.#rest.subarray(end + length);
        return { isAccepted: head.startsWith('HTTP/1.1 200 '), text };
      }
      const { done, value } = await this.#received.next();
      if (done) throw new Error(`The server has closed the connection after ${head}`);
      this.#rest = Buffer.concat([this.#rest, value]);
    }
  }
}

let app: TestApp;
let frontend: IpcFrontend;
let openApi: Record<string, any>;
let asyncApi: Record<string, any>;

beforeAll(async () => {
  app = await startApp({
    imports: [IpcModule.forRoot()],
    providers: [FuzzedImpl, FuzzedHandler],
    way: ways['LinnetExpressAdapter']!,
    // Without a contract: the documents have the schemas that the server checks with.
    options: { docs: {} },
  });
  const read = async (name: string) => (await app.send({ method: 'GET', target: `/v3/${name}.json` })).json;
  [openApi, asyncApi] = [await read('openapi'), await read('asyncapi')];
  frontend = new IpcFrontend(memoryIpc(app.app));
});
afterAll(async () => {
  frontend?.close();
  await closeApps();
});

/** Sends lists of arguments that fit a schema, or nearly, and compares the answers with the schema. */
async function compare(
  schema: JsonSchema,
  fits: (args: unknown) => boolean,
  call: (batch: readonly string[]) => Promise<readonly Answer[]>,
): Promise<void> {
  const count = { accepted: 0, refused: 0 };
  for (const batch of bodies(schema)) {
    for (const [i, { isAccepted, text }] of (await call(batch)).entries()) {
      const isRefused = hasRefusedName(batch[i]!);
      // As the server reads the text.
      const agrees = (!isRefused && fits(JSON.parse(batch[i]!))) === isAccepted;
      if (!agrees || !(isAccepted || text.includes(isRefused ? '__proto__' : 'ValidationError')))
        throw new Error(`${batch[i]} got ${isAccepted} ${text} (LINNET_FUZZ_SEED=${seed})`);
      count[isAccepted ? 'accepted' : 'refused']++;
    }
  }
  expect(count.accepted + count.refused).toBeGreaterThanOrEqual(VALUES);
  // Neither side is empty: the values are near the schema.
  expect(Math.min(count.accepted, count.refused)).toBeGreaterThan(VALUES / 50);
}

describe.each(Object.keys(schemas))(
  `of ${VALUES} lists of arguments for %s, the server accepts those`,
  (name) => {
    it('that fit the OpenAPI document, over HTTP', async () => {
      const path = `/Fuzzed-1.0.0-${name}`;
      const { schema } = openApi['paths'][path].post.requestBody.content['application/json'];
      const fits = new Ajv2020({ strict: false }).compile(schema as object);
      const line = new Line(app.port);
      await compare(schema as JsonSchema, fits, (batch) => line.call(path, batch));
      line.end();
    });

    it('that fit the AsyncAPI document, over IPC', async () => {
      const { payload } = asyncApi['channels']['fuzzed-v1'].messages[`${name}.call`];
      const fits = new Ajv({ strict: false }).compile(payload as object);
      const { requestBody } = openApi['paths'][`/Fuzzed-1.0.0-${name}`].post;
      const proxy = frontend.makeIpcProxy<Record<string, (...args: unknown[]) => Promise<unknown>>>(channel);
      const call = (body: string): Promise<Answer> =>
        proxy[name]!(...(JSON.parse(body) as unknown[])).then(
          () => ({ isAccepted: true, text: '' }),
          (error: Error) => ({ isAccepted: false, text: `${error.name}: ${error.message}` }),
        );
      await compare(requestBody.content['application/json'].schema as JsonSchema, fits, (batch) =>
        Promise.all(batch.map(call)),
      );
    });
  },
);
