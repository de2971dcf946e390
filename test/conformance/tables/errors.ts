import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { Exposed, IModelError, IModelStatus, TransientError } from '@linnet/backend';

/** Something thrown, and what the caller sees of it. */
export interface GuaranteedError {
  name: string;
  thrown: unknown;
  status: number;
  body: Record<string, unknown>;
  /** Over IPC, which has no statuses: what is in the answer's envelope. */
  overIpc: unknown;
  retryAfter?: string;
}

class DriverError extends Error {}
@Exposed()
class OutOfStock extends Error {
  override name = 'OutOfStock';
  constructor(readonly missing: string[]) {
    super('out of stock');
  }
}

/** The replacement for an error that would show internals; the activity id leads to the log. */
const internal = {
  message: 'Internal error',
  errorNumber: 32768,
  isError: true,
  name: 'InternalError',
  activityId: 'errors',
};
/** The frontend makes a `BackendError` of what has such an id. */
const numbered = (key: string) => ({ iTwinErrorId: { scope: 'bentley-error', key } });
const { isError: _, ...internalMembers } = internal;
const internalOverIpc = { ...internalMembers, ...numbered('InternalError') };
const connection = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), {
  errno: -111,
  code: 'ECONNREFUSED',
  syscall: 'connect',
});

function withCycle(): Error {
  const self: { self?: object } = {};
  self.self = self;
  return Object.assign(new OutOfStock(['crate']), { self, big: 1n });
}

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

/** Errors that engine and libraries throw, with what nobody outside should read. */
const inside: Record<string, unknown> = {
  'a TypeError': new TypeError('secret'),
  'an address that cannot be parsed': failureOf(() => new URL('postgres://robot:secret@[::1')),
  'an aborted work': new DOMException('secret', 'AbortError'),
  'several errors': new AggregateError([new Error('secret')], 'secret'),
  'a native module that is not there': Object.assign(new Error('/secret/a.node: cannot open'), {
    code: 'ERR_DLOPEN_FAILED',
  }),
  'an error of grpc-js': Object.assign(new Error('14 UNAVAILABLE: secret'), { code: 14, metadata: {} }),
  'an error of axios': Object.assign(new Error('secret'), {
    config: { headers: { Authorization: 'secret' } },
  }),
  'an error of mongo': Object.assign(new Error('E11000 secret'), {
    code: 11000,
    keyValue: { user: 'secret' },
  }),
};

/** The error in the envelope of an answer over IPC. A hidden error has the id of the activity. */
export function envelopeError({ overIpc }: GuaranteedError, activityId: unknown): unknown {
  const isHidden = Object.hasOwn(Object(overIpc) as object, 'activityId');
  return isHidden ? { ...(overIpc as object), activityId } : overIpc;
}

/** The promise: what a caller learns, on every transport that has statuses. */
export const errors: GuaranteedError[] = [
  {
    name: 'Error',
    thrown: Object.assign(new Error('m', { cause: 'secret' }), { detail: [1] }),
    status: 500,
    body: { message: 'm', isError: true, name: 'Error' },
    overIpc: { message: 'm' },
  },
  {
    name: 'Error with a name',
    thrown: Object.assign(new Error('m'), { name: 'N' }),
    status: 500,
    body: { message: 'm', isError: true, name: 'N' },
    overIpc: { message: 'm', name: 'N' },
  },
  {
    name: 'an exposed class with a cycle and a BigInt',
    thrown: withCycle(),
    status: 500,
    body: { message: 'out of stock', missing: ['crate'], self: {}, isError: true, name: 'OutOfStock' },
    overIpc: { message: 'out of stock', missing: ['crate'], self: {}, name: 'OutOfStock' },
  },
  {
    name: 'IModelError',
    thrown: new IModelError(IModelStatus.NotFound, 'm'),
    status: 404,
    body: { message: 'm', errorNumber: 65574, name: 'Not Found', isError: true },
    overIpc: { message: 'm', errorNumber: 65574, name: 'Not Found', ...numbered('Not Found') },
  },
  {
    name: 'a number that the wire does not know',
    thrown: new IModelError(7_000_000, 'm'),
    status: 500,
    body: { message: 'm', errorNumber: 7_000_000, name: 'Error (7000000)', isError: true },
    overIpc: {
      message: 'm',
      errorNumber: 7_000_000,
      name: 'Error (7000000)',
      ...numbered('Error (7000000)'),
    },
  },
  {
    name: 'iTwinError',
    thrown: Object.assign(new Error('m'), { iTwinErrorId: { scope: 's', key: 'k' } }),
    status: 500,
    body: { message: 'm', iTwinErrorId: { scope: 's', key: 'k' }, isError: true, name: 'Error' },
    overIpc: { message: 'm', iTwinErrorId: { scope: 's', key: 'k' } },
  },
  {
    name: 'an exposed class',
    thrown: new OutOfStock(['crate']),
    status: 500,
    body: { message: 'out of stock', missing: ['crate'], isError: true, name: 'OutOfStock' },
    overIpc: { message: 'out of stock', missing: ['crate'], name: 'OutOfStock' },
  },
  {
    name: 'HttpException',
    thrown: new NotFoundException('no such robot'),
    status: 404,
    body: {
      message: 'no such robot',
      error: 'Not Found',
      statusCode: 404,
      isError: true,
      name: 'NotFoundException',
    },
    overIpc: { message: 'no such robot', error: 'Not Found', statusCode: 404, name: 'NotFoundException' },
  },
  {
    name: 'HttpException with a list',
    thrown: new BadRequestException(['a is missing', 'b is missing']),
    status: 400,
    body: {
      message: 'a is missing, b is missing',
      details: ['a is missing', 'b is missing'],
      error: 'Bad Request',
      statusCode: 400,
      isError: true,
      name: 'BadRequestException',
    },
    overIpc: {
      message: 'a is missing, b is missing',
      details: ['a is missing', 'b is missing'],
      error: 'Bad Request',
      statusCode: 400,
      name: 'BadRequestException',
    },
  },
  {
    name: 'HttpException that is no error',
    thrown: new HttpException('moved', 302),
    status: 500,
    body: { message: 'moved', isError: true, name: 'HttpException' },
    overIpc: { message: 'moved', name: 'HttpException' },
  },
  {
    name: 'TransientError',
    thrown: new TransientError('later', 503, 7),
    status: 503,
    body: { message: 'later', status: 503, retryAfter: 7, isError: true, name: 'TransientError' },
    overIpc: { message: 'later', status: 503, retryAfter: 7, name: 'TransientError' },
    retryAfter: '7',
  },
  {
    name: 'an error of the system',
    thrown: connection,
    status: 500,
    body: internal,
    overIpc: internalOverIpc,
  },
  ...Object.entries(inside).map(([name, thrown]) => ({
    name,
    thrown,
    status: 500,
    body: internal,
    overIpc: internalOverIpc,
  })),
  {
    name: 'an error of another class',
    thrown: new DriverError('secret'),
    status: 500,
    body: internal,
    overIpc: internalOverIpc,
  },
  {
    name: 'an object of another class',
    thrown: new (class Secret {})(),
    status: 500,
    body: internal,
    overIpc: internalOverIpc,
  },
  { name: 'a plain object', thrown: { code: 7 }, status: 500, body: { code: 7 }, overIpc: { code: 7 } },
  {
    name: 'a text',
    thrown: 'text',
    status: 500,
    body: { message: 'text', isError: true, name: 'Error' },
    overIpc: 'text',
  },
  {
    name: 'nothing',
    thrown: undefined,
    status: 500,
    body: { message: 'The operation failed without an error.', isError: true, name: 'Error' },
    overIpc: { message: 'The operation failed without an error.' },
  },
];
