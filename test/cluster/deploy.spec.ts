import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { DCLinter } from 'dclint';
import * as apps from 'kubernetes-models/apps/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { hasNginx, startNginx } from '../harness/nginx.server.js';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import { redisOptions } from './processes.js';

// The files of deploy/. The cluster runs the same topology with processes: main.ts.

const folder = fileURLToPath(new URL('../../deploy/', import.meta.url));
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

/** The delays of the application in docs/deploying.md, in seconds: `drainDelayMs` and `shutdownTimeoutMs`. */
const DRAIN = 2;
const SHUTDOWN = 10;

/** Checks a Compose file by the schema of the specification, and by rules for what it allows and nobody wants. */
function faultsOfCompose(text: string): string[] {
  const place = mkdtempSync(join(tmpdir(), 'linnet-compose-'));
  const file = join(place, 'compose.yaml');
  writeFileSync(file, text);
  // The order of services and keys is that of a reader.
  const rules = {
    'service-keys-order': 0,
    'services-alphabetical-order': 0,
    'top-level-properties-order': 0,
  };
  const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
  // Its types are not found by the rules of modules of Node.
  const results = linter.lintFiles([file], false) as readonly { messages: readonly { message: string }[] }[];
  const found = results.flatMap(({ messages }) => messages.map(({ message }) => message));
  rmSync(place, { recursive: true });
  return found;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a manifest of any kind
  readonly spec: any;
}

type Kind = new (manifest: never) => { validate(): void };
const kinds = {
  'apps/v1': apps,
  v1: core,
  'policy/v1': policy,
  'networking.k8s.io/v1': networking,
} as unknown as Record<string, Record<string, Kind>>;

/** @throws Error if a manifest is not one of its kind, by the schema of Kubernetes */
function checkManifest(manifest: Manifest): void {
  new kinds[manifest.apiVersion]![manifest.kind]!(manifest as never).validate();
}

describe('deploy/compose.yaml', () => {
  const text = read('compose.yaml');
  const { services } = parse(text, { merge: true }) as {
    services: Record<string, { stop_grace_period?: string }>;
  };

  it('is a Compose file', () => {
    expect(faultsOfCompose(text)).toEqual([]);
    expect(faultsOfCompose(text.replace('stop_grace_period: 30s', 'stop_grace: 30s'))).not.toEqual([]);
  });

  it('names the backends that nginx has, and lets them drain', () => {
    const backends = Object.keys(services).filter((name) => name.startsWith('backend'));
    const upstream = Array.from(read('nginx.conf').matchAll(/server (backend-\d):3000/g), ([, name]) => name);
    expect(upstream).toEqual(backends);
    for (const name of backends)
      expect(parseInt(services[name]!.stop_grace_period!, 10)).toBeGreaterThan(DRAIN + SHUTDOWN);
  });

  (hasRedis ? it : it.skip)('has options that Redis knows', async () => {
    const redis = await startRedis(...redisOptions());
    await redis.stop();
  });
});

describe('deploy/kubernetes', () => {
  const manifests = readdirSync(join(folder, 'kubernetes')).flatMap((file) =>
    parseAllDocuments(read(join('kubernetes', file))).map((document) => document.toJS() as Manifest),
  );
  const deployment = manifests.find(({ kind }) => kind === 'Deployment');

  it('has manifests of Kubernetes', () => {
    for (const manifest of manifests) checkManifest(manifest);
    const wrong = { ...deployment!, spec: { ...deployment!.spec, replicas: 'three' } };
    expect(() => checkManifest(wrong)).toThrow('replicas');
  });

  it('lets backends drain before they are killed, one at a time', () => {
    const { template, strategy } = deployment!.spec;
    const [{ lifecycle, readinessProbe }] = template.spec.containers;
    const { seconds } = lifecycle.preStop.sleep;
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(seconds + DRAIN + SHUTDOWN);
    expect(strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(readinessProbe.httpGet.path).toBe('/health/ready');
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budgets.map(({ spec }) => spec.selector)).toEqual([deployment!.spec.selector]);
  });
});

(hasNginx ? describe : describe.skip)('deploy/nginx.conf', () => {
  it('is a configuration of nginx', async () => {
    const nginx = await startNginx(read('nginx.conf').replaceAll(/backend-\d:3000/g, '127.0.0.1:1'));
    expect((await fetch(`http://127.0.0.1:${nginx.port}/`)).status).toBe(502);
    await nginx.stop();
  });
});
