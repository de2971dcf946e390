import { IModelError, IModelStatus } from '@linnet/common';
import type { IpcCall, IpcMethodHandler } from '@linnet/common';
import type { IpcHost } from './ipc.host.js';

/** The channel by which `NativeApp` of core-frontend says, and asks, whether there is an internet. */
const CHANNEL = 'itwinjs-core/nativeApp';
const NOTIFY = 'itwinjs-core/nativeApp-notify';

const ONLINE = 0;
const OFFLINE = 1;

/**
 * Keeps what frontends say of the internet, unless the application answers that channel itself. Without it `ElectronApp` and
 * `MobileApp` of iTwin.js do not start; what else it does there (briefcases, storage, access tokens) is of core-backend.
 *
 * @returns a function that ends it
 */
export function provideNativeApp(host: IpcHost): () => void {
  const { channels } = host.server;
  if (channels.has(`itwin.${CHANNEL}`)) return () => undefined;
  let known: unknown;
  const override = ({ arguments: [, status] }: IpcCall): void => {
    if (status !== ONLINE && status !== OFFLINE)
      throw new IModelError(IModelStatus.BadArg, 'The status must be 0 (online) or 1 (offline).');
    if (known === status) return;
    known = status;
    void host.send(NOTIFY, 'notifyInternetConnectivityChanged', status);
  };
  const methods = new Map<string, IpcMethodHandler>([
    ['checkInternetConnectivity', () => known ?? ONLINE],
    ['overrideInternetConnectivity', override],
  ]);
  return channels.register(CHANNEL, { name: 'NativeAppHandler', methods });
}
