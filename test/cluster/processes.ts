import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { endOf } from '../harness/child.end.js';
import { startNginx } from '../harness/nginx.server.js';
import type { NginxServer } from '../harness/nginx.server.js';
import { freePort } from '../harness/free.port.js';
import { until } from '../harness/waiting.js';

/** The application of a node, as the arguments of Node. */
export const application = {
  /** By `compile('test/cluster')`. */
  compiled: [fileURLToPath(new URL('../../dist/cluster/main.js', import.meta.url))],
  /** Compiled by Node at each start, which takes seconds. */
  source: [
    fileURLToPath(new URL('../ipc/transport/worker/start.mjs', import.meta.url)),
    new URL('./application/main.ts', import.meta.url).href,
  ],
} as const;

/** A file of deploy/: the cluster is the topology that its files describe. */
function deployed(file: string): string {
  return readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
}

/** The memory of a node after a collection, in bytes, its sessions, and its warnings. */
export interface NodeMemory {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
  readonly sessions: number;
  /** How often it has warned that notifications may be lost. */
  readonly missed: number;
}

/** A backend, whose process may be replaced. It keeps its port. */
export class ClusterNode {
  #child: ChildProcess | undefined;

  private constructor(
    private readonly port: number,
    private readonly command: readonly string[],
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @param command one of {@link application} */
  static async start(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ClusterNode> {
    const node = new ClusterNode(await freePort(), command, env);
    await node.start();
    return node;
  }

  /** The address, as a configuration of nginx has it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Whether it wants requests. */
  async isReady(): Promise<boolean> {
    const answer = await fetch(`http://${this.address}/health/ready`).catch(() => undefined);
    return answer?.ok === true;
  }

  /** Starts a process, and waits until it is ready. */
  async start(): Promise<void> {
    const [entry, ...args] = this.command as [string, ...string[]];
    this.#child = fork(entry, args, {
      env: { ...process.env, ...this.env, PORT: String(this.port), NODE_ENV: 'production' },
      execArgv: ['--expose-gc'],
    });
    await Promise.race([
      once(this.#child, 'message'),
      once(this.#child, 'exit').then(([code]) => {
        throw new Error(`A backend ended with ${code}.`);
      }),
    ]);
    await until(() => this.isReady());
  }

  /** Ends the process, by SIGKILL as a failure of its computer would. Resolves when it has ended. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    return endOf(this.#child!, signal);
  }

  async memory(): Promise<NodeMemory> {
    const answer = once(this.#child!, 'message');
    this.#child!.send('memory');
    return ((await answer) as [NodeMemory])[0];
  }
}

/** The options of Redis. */
export function redisOptions(): string[] {
  const { services } = parse(deployed('compose.yaml')) as { services: { redis: { command: string[] } } };
  return services.redis.command.slice(1);
}

/** nginx with the configuration of deploy/, in front of nodes. */
export function startGateway(nodes: readonly ClusterNode[]): Promise<NginxServer> {
  const configuration = deployed('nginx.conf').replaceAll(
    /backend-(\d):3000/g,
    (_match, number: string) => nodes[Number(number) - 1]!.address,
  );
  return startNginx(configuration);
}
