import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits, IModelError } from '@linnet/common';
import { readable } from './compare.js';
import { readVectors } from '../tables/vectors.js';
import {
  parseMessage,
  parseTextFrame,
  textFrame,
} from '../../../libs/common/src/ipc/wire/compatible/codec.js';
import { encodeIpcError } from '../../../libs/common/src/ipc/dispatcher/error.codec.js';
import { preparePush, prepareResponse } from '../../../libs/common/src/ipc/message/outgoing.message.js';
import { encodeIpcValue } from '../../../libs/common/src/ipc/message/value.codec.js';
import { encodeError } from '../../../libs/common/src/error/error.codec.js';

describe('ipc-frames.json', () => {
  type Frame = string | { hex: string };
  interface Vector {
    sample: string;
    message: object | string;
    frames: Frame[];
  }
  const { vectors, count } = readVectors('ipc-frames') as { vectors: Vector[]; count: number };
  /** Values that JSON does not have. */
  const withViews: Record<string, object> = {
    binary: {
      type: 2,
      channel: 'c',
      method: 'm',
      data: [Uint8Array.of(1, 2), { deep: Int16Array.of(1, 2) }, new Uint8Array()],
      request: 2,
      sequence: 1,
    },
    kinds: {
      type: 0,
      channel: 'c',
      data: [
        Uint8Array.of(1),
        Int8Array.of(-1),
        Uint8ClampedArray.of(255),
        Int16Array.of(-2),
        Uint16Array.of(2),
        Int32Array.of(-3),
        Uint32Array.of(3),
        Float32Array.of(1.5),
        Float64Array.of(-1.5),
        new DataView(Uint8Array.of(7, 8).buffer),
      ],
      sequence: 0,
    },
  };
  const messageOf = ({ sample, message }: Vector) => withViews[sample] ?? (message as object);

  it('has a sample for every recorded vector', () => {
    expect(vectors).toHaveLength(count);
    const unreadable = vectors.filter(({ message }) => typeof message === 'string');
    expect(unreadable.map(({ sample }) => sample)).toEqual(Object.keys(withViews));
  });

  it.each(vectors)('writes the values of $sample', (vector) => {
    const { json, parts } = encodeIpcValue(messageOf(vector));
    const binary = parts.map((part) => ({ hex: Buffer.from(part).toString('hex') }));
    expect([JSON.stringify([json, parts.length]), ...binary]).toEqual(vector.frames);
  });

  it('writes the messages of a backend', () => {
    const written: Record<string, string> = {
      response: textFrame(prepareResponse('itwin.conf-test', 1, 3, 'result'), 0),
      voidResponse: textFrame(prepareResponse('itwin.conf-test', 1, undefined, 'result'), 0),
      push: textFrame(preparePush('itwin.n', ['changed', { a: 1 }]), 2),
    };
    for (const [sample, frame] of Object.entries(written))
      expect([frame]).toEqual(vectors.find((each) => each.sample === sample)!.frames);
  });

  it.each(vectors.filter(({ sample }) => !/response/i.test(sample)))('reads $sample', (vector) => {
    const [text, ...binary] = vector.frames;
    const { json, parts } = parseTextFrame(text as string, defaultIpcLimits);
    expect(parts).toBe(binary.length);
    const bytes = binary.map((frame) => new Uint8Array(Buffer.from((frame as { hex: string }).hex, 'hex')));
    const { sequence, message } = parseMessage(json, bytes, defaultIpcLimits);
    expect(readable({ sequence, ...message })).toMatchObject(readable(messageOf(vector)) as object);
  });
});

describe('ipc-errors.json', () => {
  interface Vector {
    thrown: string;
    envelope: { error?: unknown };
  }
  const { vectors, count } = readVectors('ipc-errors') as { vectors: Vector[]; count: number };
  const samples: Record<string, unknown> = {
    plain: new Error('m'),
    typeError: new TypeError('t'),
    bentley: new IModelError(65537, 'm'),
    bentleyMeta: withMetaData(new IModelError(65537, 'm'), {
      foo: 1,
      when: new Date(0),
      set: new Set([1]),
      map: new Map([['k', 1]]),
      fn: () => 1,
    }),
    iTwin: Object.assign(new Error('m'), {
      iTwinErrorId: { scope: 's', key: 'k' },
      foo: 42,
      nested: { bar: [1] },
      name: 'k',
    }),
    cause: new Error('outer', { cause: new Error('inner') }),
    text: 'failed',
    number: 5,
    undefinedValue: undefined,
    nullValue: null,
    object: { error: 'failed' },
    bytes: Object.assign(new Error('b'), { bytes: Uint8Array.of(1), date: new Date(0) }),
  };
  /** Answers that differ on purpose. */
  const differences: Record<string, { reason: string; envelope: object }> = {
    cause: { reason: 'causes never cross', envelope: { error: { message: 'outer' } } },
    undefinedValue: {
      reason: 'thrown is thrown: an absent error would be success',
      envelope: { error: { message: 'The operation failed without an error.' } },
    },
  };

  it('has a sample for every recorded vector', () => {
    expect(vectors).toHaveLength(count);
    expect(vectors.map(({ thrown }) => thrown)).toEqual(Object.keys(samples));
    expect(Object.keys(differences).filter((name) => !(name in samples))).toEqual([]);
  });

  it.each(vectors)('writes the thrown value "$thrown"', ({ thrown, envelope }) => {
    const error = samples[thrown];
    const policy = { exposeErrors: 'all' } as const;
    const value = encodeIpcError(error, encodeError(error, 'an activity', policy), policy);
    // As text: the order of the members is the reference's, too.
    expect(encodeIpcValue({ error: value }).json).toBe(
      JSON.stringify(differences[thrown]?.envelope ?? envelope),
    );
  });
});

/** An error as iTwin.js makes it, with what is for its log. */
function withMetaData(error: Error, loggingMetadata: object): Error {
  return Object.defineProperties(error, {
    hasMetaData: { value: true },
    loggingMetadata: { value: loggingMetadata },
  });
}
