import { describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@itwin/core-common';
import fc from 'fast-check';
import { isVersionCompatible } from './version.js';

const number = fc.integer({ min: 0, max: 3 });
const tag = fc.constantFrom('', '-dev.1', '-dev.2', '-', ':1', '+b');
const version = fc.oneof(
  fc
    .tuple(number, number, number, tag)
    .map(([major, minor, patch, tag]) => `${major}.${minor}.${patch}${tag}`),
  fc.constantFrom('', '1', '1.2', '1.2.', '.', '1.2.3.4', ' 1.2.3', '1e0.2.3', '0x1.2.3', 'x.y.z', '-1.2.3'),
  fc.string(),
);

describe('the version rule of RPC interfaces', () => {
  it('equals the rule of iTwin.js for any two texts', () => {
    fc.assert(
      fc.property(version, version, (backend, frontend) => {
        expect(isVersionCompatible(backend, frontend)).toBe(
          RpcInterface.isVersionCompatible(backend, frontend),
        );
      }),
      { numRuns: 5000 },
    );
  });
});
