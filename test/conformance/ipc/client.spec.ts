import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { read } from './compare.js';
import { IpcConformanceModule } from './fixture.js';
import { pattern } from '../tables/fixture.js';
import { itwinOutcomes } from '../http/itwin.outcomes.js';
import { adapterNames, startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';
import { runITwinFrontend } from '../../ipc/wire/itwin.frontend.js';
import type { ITwinStep } from '../../ipc/wire/itwin.frontend.js';
import { kinds } from '../../ipc/wire/raw.frontend.js';

interface Vector {
  id: string;
  title: string;
  textFrames: ITwinStep['textFrames'];
  clientOutcome?: object;
}
interface Seen {
  kind: string;
  hex: string;
}

const { vectors, count } = readVectors('ipc-client') as { vectors: Vector[]; count: number };

it('the recorded frames of the frontend are complete', () => {
  expect(vectors).toHaveLength(count);
});

describe.each(adapterNames)('the frontend of iTwin.js over %s', (adapter) => {
  let server: TestServer;
  let steps: Map<string, ITwinStep>;
  beforeAll(async () => {
    server = await startServer(IpcConformanceModule, adapter);
    steps = await runITwinFrontend(server.port);
  }, 60_000);
  afterAll(() => server.stop());
  const step = (id: string) => steps.get(id)!;
  const outcome = (id: string) => {
    const { id: _, textFrames: __, ...rest } = step(id);
    return rest;
  };

  it.each(vectors)('exchanges the recorded frames of $id $title', ({ id, textFrames }) => {
    expect(step(id).textFrames.map(comparable)).toEqual(textFrames.map(hidden).map(comparable));
  });

  it.each(vectors)('gets the recorded outcome of $id $title', ({ id, clientOutcome = {} }) => {
    const { rejected, resolved, unanswered } = outcome(id);
    expect(unanswered).toBeUndefined();
    expect({ rejected, resolved }).toMatchObject(clientOutcome);
    expect(rejected === undefined).toBe(!('rejected' in clientOutcome));
  });

  it.each(Object.entries(itwinOutcomes))('gets the expected outcome of "%s"', (id, expected) => {
    expect(outcome(id)).toEqual(expected);
  });

  it('makes no step without a test', () => {
    const looked = [...vectors.map(({ id }) => id), ...Object.keys(itwinOutcomes), ...byThemselves];
    expect([...steps.keys()].toSorted()).toEqual(looked.toSorted());
  });

  it('receives every kind of bytes unchanged', () => {
    const hex = '000102030405060708090a0b0c0d407f';
    const expected = Object.fromEntries(kinds.map(({ name }) => [name, { kind: name, hex }]));
    expect(outcome('every kind from the backend')).toEqual({ resolved: expected });
  });

  it.each(['every kind to the backend', 'every kind there and back'])('transfers %s unchanged', (id) => {
    const all = outcome(id).resolved as { sent: Seen; seen: Seen }[];
    expect(new Set(all.map(({ sent }) => sent.kind))).toEqual(new Set(kinds.map(({ name }) => name)));
    expect(all.map(({ seen }) => seen)).toEqual(all.map(({ sent }) => sent));
  });

  it('receives every notification, with text and with bytes', () => {
    const expected = Array.from({ length: 200 }, (_, i) =>
      i % 2 > 0 ? [i, { kind: 'Uint8Array', hex: Buffer.from(pattern(8, i)).toString('hex') }] : [i],
    );
    expect(outcome('pushes')).toEqual({ resolved: expected });
  });
});

/** Steps with a test of their own. */
const byThemselves = [
  'every kind from the backend',
  'every kind to the backend',
  'every kind there and back',
  'pushes',
];

/** A recorded frame as it is outside of development mode. */
function hidden(frame: ITwinStep['textFrames'][number]): typeof frame {
  if (frame.from === 'frontend') return frame;
  const message = read(frame.text);
  const { error } = (message['data'] ?? {}) as { error?: { stack?: string } };
  delete error?.stack;
  return { ...frame, text: JSON.stringify([JSON.stringify(message), 0]) };
}

/** A frame without what differs from run to run: ids, counters of the process, and the frontend's own traces. */
function comparable({ from, text }: ITwinStep['textFrames'][number]): object {
  const [message, parts] = JSON.parse(text) as [string, number];
  const constant = JSON.stringify(
    JSON.parse(message, (key, value: unknown) => (key === 'stack' || key === 'id' ? '…' : value)),
  );
  return { from, parts, message: constant.replaceAll(/-invoke_response-\d+/g, '-invoke_response-…') };
}
