// The reference server, with the interfaces of test/vectors/FIXTURE.md that the recorded calls use. A process of its own:
// it keeps to the packages that are installed here, and would end with every fault that it has.
const { createHash } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const common = require('@itwin/core-common');
const { BentleyError } = require('@itwin/core-bentley');
// The part of `IModelHost.startup` that RPC needs, without its native addon.
require('@itwin/core-backend/lib/cjs/RpcBackend').initializeRpcBackend();
const { IModelJsExpressServer } = require('@itwin/express-server');

const { BentleyCloudRpcManager, RpcInterface, RpcInvocation, RpcManager } = common;
const interfaces = [];

/** Declares an interface and what answers it. */
function serve(interfaceName, interfaceVersion, methods, unimplemented = []) {
  class Definition extends RpcInterface {
    static interfaceName = interfaceName;
    static interfaceVersion = interfaceVersion;
  }
  class Implementation extends RpcInterface {}
  for (const name of [...Object.keys(methods), ...unimplemented])
    Definition.prototype[name] = function () {
      return this.forward(arguments);
    };
  Object.assign(Implementation.prototype, methods);
  Object.defineProperty(Implementation, 'name', { value: `${interfaceName.replace('Conf', '')}Impl` });
  RpcManager.registerImpl(Definition, Implementation);
  interfaces.push(Definition);
}

const pattern = (size, seed) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) % 256);
const invert = (bytes) => bytes.map((byte) => byte ^ 255);
const digest = (bytes) => ({
  length: bytes.byteLength,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});
const list = (count, size) => Array.from({ length: count }, (_, i) => pattern(size, i));
const fail = (error) => {
  throw error;
};

serve(
  'ConfEcho',
  '2.3.4',
  {
    echo: async (value) => value,
    echoArgs: async (...values) => values,
    argCount: async (...values) => values.length,
    none: async () => undefined,
    nothing: async () => null,
    add: async (a, b) => a + b,
    health: async () => 'ok',
  },
  ['unimplemented'],
);

serve('ConfBinary', '1.0.0', {
  invert: async (bytes) => invert(bytes),
  digest: async (bytes) => digest(bytes),
  transform: async ({ a, b, c }) => ({
    a: { x: invert(a.x), y: -a.y },
    b: b.toUpperCase(),
    c: invert(c),
  }),
  many: async (count, size) => ({ items: list(count, size) }),
  listFirst: async (count, size) => list(count, size),
  mixed: async (text, bytes, number) => ({ text, bytes: invert(bytes), number }),
});

serve('ConfErrors', '1.0.0', {
  plain: async (message) => fail(new Error(message)),
  bentley: async (number, message) => fail(new BentleyError(number, message)),
  itwin: async (scope, key, message) =>
    fail(Object.assign(new Error(message), { iTwinErrorId: { scope, key }, name: key })),
  custom: async (message, members) => fail(Object.assign(new Error(message), members)),
  throwObject: async (members) => fail(members),
  noContent: async () => fail(new common.NoContentError()),
});

class ConfNotFound extends common.RpcNotFoundResponse {
  isConfNotFound = true;
  constructor(code) {
    super();
    this.code = code;
  }
}

const counts = new Map();
const count = (key) => counts.set(key, (counts.get(key) ?? 0) + 1).get(key);
serve('ConfFlow', '1.0.0', {
  async pending(key, times, message) {
    const attempts = count(key);
    if (attempts <= times) throw new common.RpcPendingResponse(`${message} #${attempts}`);
    return { key, attempts };
  },
  lookup: async (key) =>
    key.startsWith('missing')
      ? fail(new ConfNotFound(1))
      : key.startsWith('fatal')
        ? fail(new ConfNotFound(2))
        : `found:${key}`,
  transient: async (_status, key) => ({ key, attempts: counts.get(key) }),
  // Sleeps: the fixture that all backends share has this operation wait for a time.
  delay: (ms, value) => sleep(ms, value),
  async context() {
    const { request } = RpcInvocation.current(this);
    const { id, applicationId, applicationVersion, sessionId, authorization } = request;
    const { protocolVersion, path, method } = request;
    return { id, applicationId, applicationVersion, sessionId, authorization, protocolVersion, path, method };
  },
  cached: async (value) => value,
  generateTileContent: async (value) => value,
  getConnectionProps: async (value) => value,
  getTileCacheContainerUrl: async (value) => value,
  token: async (token) => token,
});

serve('ConfPre', '1.2.3-dev.7', { ping: async () => 'pre' });
serve('Conf.Spec_ial~1$', '1.0.0', { ping: async () => 'special' });

class Server extends IModelJsExpressServer {
  _configureRoutes() {
    // Nothing in the reference answers so; what stands before it does.
    this._app.post(/-transient$/, (request, response, next) => {
      const [status, key, failures, retryAfter] = JSON.parse(request.body);
      if (count(key) > failures) return next();
      if (retryAfter !== '') response.set('Retry-After', retryAfter);
      return response.status(status).send('later');
    });
    super._configureRoutes();
  }
}

async function main() {
  const info = { title: 'conformance', version: 'v1.0' };
  const configuration = BentleyCloudRpcManager.initializeImpl({ info }, interfaces);
  const server = await new Server(configuration.protocol).initialize(0);
  process.send({ port: server.address().port });
  // The parent process has ended.
  process.on('disconnect', () => process.exit());
}

void main();
