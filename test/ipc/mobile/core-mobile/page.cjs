// A page of a mobile application of iTwin.js: the scripts of core-mobile and core-common as they are published, in a web view.
const { MobileRpcManager } = require('@itwin/core-mobile/lib/cjs/common/MobileRpcManager');
const common = require('@itwin/core-common');

const { IpcWebSocketFrontend, RpcInterface, RpcManager } = common;
const definitions = {};
let ipc;

/** Connects to the port that the address of the page names. */
exports.start = (interfaces) => {
  for (const [name, { version, operations }] of Object.entries(interfaces)) {
    class Definition extends RpcInterface {
      static interfaceName = name;
      static interfaceVersion = version;
    }
    for (const operation of operations)
      Definition.prototype[operation] = function () {
        return this.forward(arguments);
      };
    definitions[name] = Definition;
  }
  const configuration = MobileRpcManager.initializeClient(Object.values(definitions));
  configuration.pendingOperationRetryInterval = 1;
  common.RpcConfiguration.requestContext.serialize = async (request) => ({
    id: request.id,
    applicationId: 'mobile page',
    applicationVersion: '1',
    sessionId: 'session of the page',
    authorization: 'Bearer 1',
  });
  // As MobileApp.startup has it.
  ipc = new IpcWebSocketFrontend();
};

/** A value as scripts of this page would have made it: bytes of another realm are not those that core-common knows. */
function own(value) {
  if (ArrayBuffer.isView(value)) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(own);
  if (Object.prototype.toString.call(value) !== '[object Object]') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, own(each)]));
}

exports.outcome = async (promise) => {
  try {
    return { value: await promise };
  } catch ({ name, message, errorNumber }) {
    return { error: { name, message, errorNumber } };
  }
};
exports.rpc = (name, operation, ...args) =>
  RpcManager.getClientForInterface(definitions[name])[operation](...args.map(own));
exports.invoke = (channel, ...args) => ipc.invoke(channel, ...args.map(own));
exports.send = (channel, ...args) => ipc.send(channel, ...args.map(own));
exports.listen = (channel) => {
  const told = [];
  ipc.addListener(channel, (_event, ...args) => told.push(args));
  return told;
};
/** The function that the native part of an application calls when its backend listens on another port. */
exports.reconnect = (port) => window._imodeljs_rpc_reconnect(port);
