import semver from 'semver';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { isVersionCompatible, operationsOf } from '@linnet/common/internal';

/**
 * Which versions of clients are served. `compatible`: the rule of iTwin.js, where a differing patch does not matter.
 * `strict`: a client whose version is newer than the server's is refused, whatever part of it is.
 */
export type VersionCheck = 'compatible' | 'strict';

export function versionRule(check: VersionCheck | undefined): (backend: string, frontend: string) => boolean {
  return check === 'strict' ? isStrictlyCompatible : isVersionCompatible;
}

/** The rule of iTwin.js, less clients that are newer than the server. */
function isStrictlyCompatible(backend: string, frontend: string): boolean {
  if (!isVersionCompatible(backend, frontend)) return false;
  return !semver.valid(backend) || !semver.valid(frontend) || semver.lte(frontend, backend);
}

/** @throws Error if the definition cannot be served */
export function checkDefinition(definition: RpcInterfaceDefinition, implementation: string): void {
  try {
    operationsOf(definition);
  } catch (error) {
    throw new Error(`${implementation}: ${(error as Error).message}`, { cause: error });
  }
  if (semver.valid(definition.interfaceVersion) !== definition.interfaceVersion.replace(/\+.*$/, ''))
    throw new Error(
      `${implementation}: interfaceVersion "${definition.interfaceVersion}" of "${definition.interfaceName}" is not a semantic version.`,
    );
}
