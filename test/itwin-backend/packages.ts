import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as CoreBentley from '@itwin/core-bentley';
import type * as CoreCommon from '@itwin/core-common';
import type { IpcSocketBackend } from '@linnet/backend';
import { installPackages } from '../reference/install.js';

// The backend half of iTwin.js in the process of an application; its native addon is a stub, as no model is opened.

/** They have a folder without tests: Jest goes on to miss a folder of packages that was not there when it first looked. */
export const folder = fileURLToPath(new URL('packages/', import.meta.url));
/** Why the packages are not there; `undefined` where they are. */
export const missing = installPackages(folder);
// eslint-disable-next-line no-console -- who reads the report has to know what it does not say
if (missing) console.warn(`What core-backend does beside Linnet is not tested: ${missing}.`);

/** The used parts of `@itwin/core-backend`, whose types come with its packages. */
interface CoreBackend {
  readonly IpcHost: {
    readonly isValid: boolean;
    startup(options: {
      ipcHost: { socket: IpcSocketBackend; exceptions?: { noStack: boolean } };
    }): Promise<void>;
    shutdown(): Promise<void>;
    send(channel: string, ...data: unknown[]): void;
  };
  readonly IpcHandler: { new (): object; register(): () => void };
  readonly IModelHost: { startup: () => Promise<void>; shutdown: () => Promise<void> };
  readonly RpcTrace: {
    readonly currentActivity: CoreCommon.RpcActivity | undefined;
    run<T>(activity: CoreCommon.RpcActivity, work: () => Promise<T>): Promise<T>;
  };
}

export interface Packages {
  readonly backend: CoreBackend;
  readonly bentley: typeof CoreBentley;
  readonly common: typeof CoreCommon;
  /** A file of a package, for what it does not export. */
  readonly load: NodeJS.Require;
}

/** Loads the packages. `IModelHost` starts what it has of RPC, and leaves out models. */
export function loadPackages(): Packages {
  const load = createRequire(join(folder, 'packages.cjs'));
  const backend = load('@itwin/core-backend') as CoreBackend;
  const { initializeRpcBackend } = load('@itwin/core-backend/lib/cjs/RpcBackend') as {
    initializeRpcBackend(): void;
  };
  const native = load('@itwin/core-backend/lib/cjs/internal/NativePlatform') as { IModelNative: object };
  const platform = { queryConcurrency: () => 4 };
  Object.defineProperty(native.IModelNative, 'platform', { value: platform, configurable: true });
  backend.IModelHost.startup = async () => initializeRpcBackend();
  backend.IModelHost.shutdown = async () => undefined;
  const bentley = load('@itwin/core-bentley') as typeof CoreBentley;
  const common = load('@itwin/core-common') as typeof CoreCommon;
  return { backend, bentley, common, load };
}
