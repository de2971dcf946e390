// A page of an application of iTwin.js: the scripts of core-electron and core-frontend as they are published, in a window.
const { ElectronApp } = require('@itwin/core-electron/lib/cjs/ElectronFrontend');
const common = require('@itwin/core-common');
const { IModelApp, IpcApp, IpcHandler, NativeApp, NotificationHandler } = require('@itwin/core-frontend');
const { NullRenderSystem } = require('@itwin/core-frontend/lib/cjs/NoRenderApp');

const { RpcInterface, RpcManager, RpcRequest } = common;

/** Declares an interface, as its definition is shared. */
function define(interfaceName, interfaceVersion, operations) {
  class Definition extends RpcInterface {
    static interfaceName = interfaceName;
    static interfaceVersion = interfaceVersion;
  }
  for (const operation of operations)
    Definition.prototype[operation] = function () {
      return this.forward(arguments);
    };
  return Definition;
}

const definitions = {};

/** A value as scripts of this page would have made it: bytes of another realm are not those that core-common knows. */
function own(value) {
  if (ArrayBuffer.isView(value)) {
    const Kind = globalThis[Object.prototype.toString.call(value).slice(8, -1)];
    return Kind === DataView ? value : Kind.from(value);
  }
  if (Array.isArray(value)) return value.map(own);
  if (Object.prototype.toString.call(value) !== '[object Object]') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, own(each)]));
}

/** Starts the application, with interfaces by name. */
exports.start = async (interfaces, applicationId = 'page') => {
  for (const [name, { version, operations }] of Object.entries(interfaces))
    definitions[name] ??= define(name, version, operations);
  const iModelApp = {
    noRender: true,
    renderSys: new NullRenderSystem(),
    localization: new common.EmptyLocalization(),
    rpcInterfaces: Object.values(definitions),
    applicationId,
    sessionId: 'session of the page',
  };
  await ElectronApp.startup({ iModelApp });
  common.RpcConfiguration.requestContext.getId = () => '';
  for (const definition of Object.values(definitions))
    RpcManager.getClientForInterface(definition).configuration.pendingOperationRetryInterval = 1;
};
exports.stop = () => ElectronApp.shutdown();

/** The outcome of a promise, as data. */
exports.outcome = async (promise) => {
  try {
    return { value: await promise };
  } catch (error) {
    const { name, message, errorNumber } = error;
    const isBackendError = error instanceof common.BackendError;
    const metadata = isBackendError ? error.loggingMetadata : { ...error };
    return { error: { name, message, errorNumber, isBackendError, metadata } };
  }
};

exports.rpc = (name, operation, ...args) =>
  RpcManager.getClientForInterface(definitions[name])[operation](...args.map(own));
exports.authorize = (token) => {
  IModelApp.authorizationClient = { getAccessToken: async () => token };
};
exports.endpoints = (name) =>
  RpcManager.describeAvailableEndpoints && RpcManager.describeAvailableEndpoints(name);
exports.ipc = (channel, method, ...args) => IpcApp.makeIpcProxy(channel)[method](...args);
exports.invoke = (channel, ...args) => IpcApp.invoke(channel, ...args);
exports.send = (channel, ...args) => IpcApp.send(channel, ...args);
exports.listen = (channel) => {
  const told = [];
  IpcApp.addListener(channel, (_event, ...args) => told.push(args));
  return told;
};
exports.handle = (channel, handler) => IpcApp.handle(channel, handler);
exports.notified = (channel, ...methods) => {
  const told = [];
  class Notified extends NotificationHandler {
    get channelName() {
      return channel;
    }
  }
  for (const method of methods) Notified.prototype[method] = (...args) => void told.push([method, ...args]);
  Notified.register();
  return told;
};
exports.serve = (channel, methods) => {
  class Served extends IpcHandler {
    get channelName() {
      return channel;
    }
  }
  Object.assign(Served.prototype, methods);
  Served.register();
};
exports.dialog = (method, ...args) => ElectronApp.dialogIpc[method](...args);
exports.isOnline = () => NativeApp.checkInternetConnectivity();
exports.goOffline = () => NativeApp.overrideInternetConnectivity(1);
exports.connectivity = () => {
  const told = [];
  NativeApp.onInternetConnectivityChanged.addListener((status) => told.push(status));
  return told;
};
exports.onNotFound = (handler) => RpcRequest.notFoundHandlers.addListener(handler);
