import { readVectors } from '../tables/vectors.js';
import type { IpcMessage } from '../../ipc/wire/raw.frontend.js';

/** Answers that differ from the recorded ones on purpose. */
export interface IpcDifference {
  /** Why, in one line; docs/differences.md says more. */
  reason: string;
  /** All that the backend sends, in order. */
  answers: Partial<IpcMessage>[];
}

const RPC = 'itwin.itwinjs-core/rpc-over-ipc';
const notDeclared = (interfaceName: string, operation: string) => ({
  errorNumber: 32768,
  name: 'Error',
  message: `RPC interface class "${interfaceName}" does not does not declare operation "${operation}"`,
  iTwinErrorId: { scope: 'bentley-error', key: 'Error' },
});

/** The answer of the control channel; the recorded client called it over HTTP. */
const endpoints = (
  readVectors('http-client') as { vectors: { id: string; clientOutcome: object }[] }
).vectors.find(({ id }) => id === 'C42')!.clientOutcome as { resolved: object[] };

/** Where we answer hand-made messages otherwise than the reference, by vector. Stack traces are another matter. */
export const ipcDifferences: Record<string, IpcDifference> = {
  I11: {
    reason: 'handlers start in the order of the messages, so that the first is answered first',
    answers: [
      { type: 3, channel: 'itwin.conf-test', response: 2, data: { result: 'first' }, sequence: 0 },
      { type: 3, channel: 'itwin.conf-test', response: 1, data: { result: 'second' }, sequence: 1 },
    ],
  },
  I13: {
    reason: 'every call is answered',
    answers: [
      {
        type: 3,
        channel: 'itwin.nope',
        response: 1,
        data: {
          error: {
            errorNumber: 65606,
            name: 'Error (65606)',
            message: 'No handler is registered for channel: nope',
            iTwinErrorId: { scope: 'bentley-error', key: 'Error (65606)' },
          },
        },
        sequence: 0,
      },
    ],
  },
  'I20-14': {
    reason: 'a name that is not declared, like any other',
    answers: [
      {
        type: 3,
        channel: RPC,
        response: 1,
        data: { error: notDeclared('ConfEcho', 'constructor') },
        sequence: 0,
      },
    ],
  },
  'I20-15': {
    reason: 'whoever asks is told, whatever list of interfaces it was built against',
    answers: [{ type: 3, channel: RPC, response: 1, data: { result: endpoints.resolved }, sequence: 0 }],
  },
};

/** Where a call over IPC comes to something else than the same call over HTTP, in the client itself. */
export interface RpcOverIpcDifference {
  reason: string;
  /** Absent: the call does not settle, whatever it is answered. */
  outcome?: unknown;
}

const rejected = (constructor: string, name: string, message: string, errorNumber?: number) => ({
  rejected: { class: constructor, name, message, errorNumber },
});
const noNumber = 'only what bears a number becomes a BackendError over IPC';
const older = 'a client of an older protocol is told as of any result';
const noStatus =
  'there are no statuses: what is to be repeated is an error, and the client does not repeat it';
const later = rejected('Error', 'TransientError', 'later');

/** By vector of the recorded calls over HTTP. */
export const rpcOverIpcDifferences: Record<string, RpcOverIpcDifference> = {
  C05: {
    reason: 'the client cannot take null (docs/differences.md, 4)',
    outcome: rejected('TypeError', 'TypeError', "Cannot read properties of null (reading 'hasOwnProperty')"),
  },
  C08: { reason: 'nothing is lost over IPC', outcome: { resolved: 3 } },
  C17: { reason: noNumber, outcome: rejected('Error', 'Error', 'went wrong') },
  C20: {
    reason: 'there are no statuses that hide an error',
    outcome: rejected('BackendError', 'Bad Request', 'bad', 65542),
  },
  C22: { reason: noNumber, outcome: rejected('Error', 'conf-key', 'm') },
  C23: { reason: noNumber, outcome: rejected('Error', 'Error', 'c') },
  C24: { reason: noNumber, outcome: rejected('Error', 'Error', 'unknown error') },
  C26: { reason: older, outcome: { resolved: { errorNumber: 65604, name: 'Error (65604)' } } },
  C29: { reason: older, outcome: { resolved: { message: 'warming "up" #1' } } },
  C31: { reason: 'the client waits for a handler of "not found" that is not there' },
  C32: { reason: older, outcome: { resolved: { message: 'Not found', isConfNotFound: true, code: 2 } } },
  C33: { reason: noStatus, outcome: later },
  C34: { reason: noStatus, outcome: later },
  C35: { reason: noStatus, outcome: later },
  C36: {
    reason: 'there are no statuses that hide an error',
    outcome: rejected(
      'BackendError',
      'RpcInterfaceStatus.IncompatibleVersion',
      'Backend version 2.3.4 does not match frontend version 3.0.0 for RPC interface health.',
      135168,
    ),
  },
  C40: {
    reason: 'there is no path to complete a token from',
    outcome: {
      resolved: {
        key: 'iModel:old',
        iTwinId: 'other',
        iModelId: 'other',
        changeset: { id: 'other', index: 4 },
      },
    },
  },
  C41: {
    reason: 'a session has its credentials from the upgrade, and there is no request',
    outcome: {
      resolved: {
        id: 'd0b2acfa-d1d1-4814-b18e-9b0b1433ae50',
        applicationId: 'conf-app',
        applicationVersion: '9.8.7',
        sessionId: 'conf-session',
        authorization: '',
        protocolVersion: 2,
        path: '',
        method: 'context',
      },
    },
  },
};
