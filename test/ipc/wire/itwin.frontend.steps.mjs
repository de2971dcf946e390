import { createRequire } from 'node:module';
import {
  BentleyCloudRpcManager,
  EmptyLocalization,
  IModelError,
  RpcInterface,
  RpcManager,
} from '@itwin/core-common';
import { IpcApp, IpcHandler, LocalhostIpcApp, NotificationHandler } from '@itwin/core-frontend';

const { NullRenderSystem } = createRequire(import.meta.url)('@itwin/core-frontend/lib/cjs/NoRenderApp');

class ConfEcho extends RpcInterface {
  static interfaceName = 'ConfEcho';
  static interfaceVersion = '2.3.4';
  add() {
    return this.forward(arguments);
  }
}
class ConfBinary extends RpcInterface {
  static interfaceName = 'ConfBinary';
  static interfaceVersion = '1.0.0';
  mixed() {
    return this.forward(arguments);
  }
}
class ConfErrors extends RpcInterface {
  static interfaceName = 'ConfErrors';
  static interfaceVersion = '1.0.0';
  bentley() {
    return this.forward(arguments);
  }
}
class ConfFlow extends RpcInterface {
  static interfaceName = 'ConfFlow';
  static interfaceVersion = '1.0.0';
  pending() {
    return this.forward(arguments);
  }
}

class FrontendHandler extends IpcHandler {
  get channelName() {
    return 'feh';
  }
  async boom() {
    throw new IModelError(65537, 'm');
  }
  async invert(bytes) {
    return bytes.map((byte) => byte ^ 255);
  }
  async none() {}
}

const notified = [];
let allNotified;
const notifications = new Promise((resolve) => (allNotified = resolve));
const notify = (...notification) => {
  if (notified.push(notification) === 3) allNotified(notified);
};
class Notified extends NotificationHandler {
  get channelName() {
    return 'conf-notify';
  }
  moved(...args) {
    notify('moved', ...args);
  }
  stopped(...args) {
    notify('stopped', ...args);
  }
}

const test = IpcApp.makeIpcProxy('conf-test');
const rpc = (definition) => RpcManager.getClientForInterface(definition);

/** The same bytes for every kind, at offsets that fit the kind. */
const kinds = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  DataView,
];
const views = kinds.flatMap((Kind) => {
  const size = Kind.BYTES_PER_ELEMENT ?? 1;
  return [0, 1, 3].map((elements) => {
    const memory = Uint8Array.from({ length: 64 }, (_, i) => (i * 31 + size) % 256).buffer;
    return new Kind(memory, elements * size, Kind === DataView ? 16 : 16 / size);
  });
});

/** The steps, in order, by name. The steps of A are recorded, and their numbers depend on the earlier steps. */
export const steps = {
  A00: async (socketUrl) => {
    await LocalhostIpcApp.startup({
      localhostIpcApp: { socketUrl },
      iModelApp: {
        applicationId: 'conf-app',
        applicationVersion: '9.8.7',
        sessionId: 'conf-session',
        noRender: true,
        renderSys: new NullRenderSystem(),
        localization: new EmptyLocalization(),
      },
    });
    const definitions = [ConfEcho, ConfBinary, ConfErrors, ConfFlow];
    const info = { title: 'conformance', version: 'v1.0' };
    BentleyCloudRpcManager.initializeClient({ info }, definitions).pendingOperationRetryInterval = 10;
  },
  A01: () => test.add(1, 2),
  A02: () => IpcApp.makeIpcFunctionProxy('conf-test', 'echo').some(1),
  A03: () => test.throwBentley(65537, 'm'),
  A04: async () => IpcApp.send('conf-app-send', 1),
  A05: async () => {
    const remove = IpcApp.handle('fe', async (text) => `pong:${text}`);
    const reply = await test.callFrontend('fe', 'ping');
    remove();
    return reply;
  },
  A06: async () => {
    FrontendHandler.register();
    const { reply } = await test.callFrontend('feh', 'boom');
    delete reply.error.stack;
    return { reply };
  },
  A07: () => rpc(ConfEcho).add(1, 2),

  'what was sent': () => test.takeLog(),
  'a proxy of the backend: result': () => test.callFrontendProxy('feh', 'invert', Uint8Array.of(1, 2)),
  'a proxy of the backend: nothing': () => test.callFrontendProxy('feh', 'none'),
  'a proxy of the backend: error': () => test.callFrontendProxy('feh', 'boom'),
  'a proxy of the backend: no such method': () => test.callFrontendProxy('feh', 'nope'),
  nothing: () => test.nothing(),
  'an absent value': () => test.none(),
  'an iTwinError': () => test.throwITwin('s', 'k', 'm', { foo: [1] }),
  'a plain error': () => test.throwPlain('p'),
  'a thrown text': () => test.throwString('s'),
  'a thrown object': () => test.throwObject({ a: 1 }),
  'nothing thrown': () => test.throwObject(),
  'an unknown method': () => test.noSuchMethod(),
  'an unknown channel': () => IpcApp.makeIpcProxy('no-such-channel').method(),
  'another channel': () => IpcApp.makeIpcProxy('other').which(),
  'every kind from the backend': () => test.kinds(),
  'every kind to the backend': async () => {
    const seen = await Promise.all(views.map((view) => test.describe(view)));
    return views.map((sent, i) => ({ sent, seen: seen[i] }));
  },
  'every kind there and back': async () => {
    const back = await test.echo(...views);
    return views.map((sent, i) => ({ sent, seen: back[i] }));
  },
  'calls at the same time': async () => {
    const all = Array.from({ length: 500 }, (_, i) => i);
    const sums = await Promise.all(
      all.map((i) => (i % 3 > 0 ? test.add(i, 1) : test.one(Uint16Array.of(i + 1)).then(([sum]) => sum))),
    );
    return all.filter((i) => sums[i] !== i + 1);
  },
  notifications: async () => {
    Notified.register();
    await test.pushArgs('conf-notify', 'moved', 1, { x: 2 });
    await test.pushArgs('conf-notify', 'stopped');
    await test.pushArgs('conf-notify', 'moved', 2, Float32Array.of(1.5));
    // Answers and notifications have no common order.
    return notifications;
  },
  pushes: async () => {
    const came = [];
    let remove;
    const all = new Promise((resolve) => {
      remove = IpcApp.addListener('conf-pushes', (_event, ...args) => came.push(args) === 200 && resolve());
    });
    await test.push('conf-pushes', 200, 8);
    await all;
    remove();
    return came.toSorted(([a], [b]) => a - b);
  },
  'a room': async () => {
    const room = IpcApp.makeIpcProxy('conf-room');
    const came = [];
    let remove;
    const all = new Promise((resolve) => {
      remove = IpcApp.addListener('conf-said', (_event, ...args) => came.push(args) === 2 && resolve());
    });
    await room.say('floor-2', 'conf-said', 'before it is a member');
    await room.enter('floor-2');
    await room.say('floor-2', 'conf-said', 1, { x: 2 });
    await room.say('floor-2', 'conf-said', Float32Array.of(1.5));
    await all;
    remove();
    return came;
  },
  'RPC with bytes': () => rpc(ConfBinary).mixed('t', Uint8Array.of(1), 2),
  'RPC with an error': () => rpc(ConfErrors).bentley(65542, 'bad'),
  'RPC that is pending at first': () => rpc(ConfFlow).pending('real', 2, 'warming up'),
};
