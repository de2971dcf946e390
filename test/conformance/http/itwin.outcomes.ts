import type { ITwinStep } from '../../ipc/wire/itwin.frontend.js';

type Outcome = Omit<ITwinStep, 'id' | 'textFrames'>;

const unknownMethod = (className: string, method: string, channel: string) => ({
  message: `Method "${className}.${method}" not found on IpcHandler registered for channel: ${channel}`,
  errorNumber: 65606,
  iTwinErrorId: { scope: 'bentley-error', key: 'Error (65606)' },
});

/** The expected outcomes of steps of the real frontend that are not recorded, by name. */
export const itwinOutcomes: Record<string, Outcome> = {
  'what was sent': { resolved: [['app', 1]] },
  'a proxy of the backend: result': { resolved: { ok: true, result: { kind: 'Uint8Array', hex: 'fefd' } } },
  'a proxy of the backend: nothing': { resolved: { ok: true } },
  'a proxy of the backend: error': {
    resolved: {
      ok: false,
      errorInfo: {
        message: 'm',
        errorNumber: 65537,
        iTwinErrorId: { scope: 'bentley-error', key: 'Already Loaded' },
      },
    },
  },
  'a proxy of the backend: no such method': {
    resolved: { ok: false, errorInfo: unknownMethod('FrontendHandler', 'nope', 'feh') },
  },
  nothing: { resolved: null },
  'an absent value': {},
  'an iTwinError': {
    rejected: { class: 'Error', name: 'k', message: 'm', iTwinErrorId: { scope: 's', key: 'k' }, foo: [1] },
  },
  'a plain error': { rejected: { class: 'Error', name: 'Error', message: 'p' } },
  'a thrown text': { rejected: { thrown: 's', typeof: 'string' } },
  // The frontend makes an error of it, and misses a message.
  'a thrown object': { rejected: { class: 'Error', name: 'Error', message: 'unknown error', a: 1 } },
  // The reference takes it for success.
  'nothing thrown': {
    rejected: { class: 'Error', name: 'Error', message: 'The operation failed without an error.' },
  },
  'an unknown method': {
    rejected: {
      class: 'BackendError',
      name: 'Error (65606)',
      ...unknownMethod('ConfTestHandler', 'noSuchMethod', 'conf-test'),
    },
  },
  // The reference does not answer.
  'an unknown channel': {
    rejected: {
      class: 'BackendError',
      name: 'Error (65606)',
      message: 'No handler is registered for channel: no-such-channel',
      errorNumber: 65606,
      iTwinErrorId: { scope: 'bentley-error', key: 'Error (65606)' },
    },
  },
  'another channel': { resolved: 'other' },
  // Calls that got the answer of another call.
  'calls at the same time': { resolved: [] },
  notifications: {
    resolved: [['moved', 1, { x: 2 }], ['stopped'], ['moved', 2, { kind: 'Float32Array', hex: '0000c03f' }]],
  },
  'a room': { resolved: [[1, { x: 2 }], [{ kind: 'Float32Array', hex: '0000c03f' }]] },
  'RPC with bytes': { resolved: { text: 't', bytes: { kind: 'Uint8Array', hex: 'fe' }, number: 2 } },
  'RPC with an error': {
    rejected: {
      class: 'BackendError',
      name: 'Bad Request',
      message: 'bad',
      errorNumber: 65542,
      iTwinErrorId: { scope: 'bentley-error', key: 'Bad Request' },
    },
  },
  'RPC that is pending at first': { resolved: { key: 'real', attempts: 3 } },
};
