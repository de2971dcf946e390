import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOf } from './child.end.js';
import { freePort } from './free.port.js';
import { listening } from './waiting.js';

const nginx = process.env['NGINX_BINARY'] ?? 'nginx';

/** Whether nginx is installed (`NGINX_BINARY` may name it). */
export const hasNginx = spawnSync(nginx, ['-v']).status === 0;
if (!hasNginx) console.log('nginx is not installed: nothing is tried behind it.');

/** An nginx that listens on loopback. */
export interface NginxServer {
  readonly port: number;
  /** Ends the process and starts another one: all connections break. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts nginx with a whole configuration. It listens on a port that was free in the place of the one that it names. */
export async function startNginx(configuration: string): Promise<NginxServer> {
  const folder = mkdtempSync(join(tmpdir(), 'linnet-nginx-'));
  // Its workers are another user where this one is root.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const ours = configuration
    .replace('http {', `http { access_log off; ${temporary.join(' ')}`)
    .replace(/listen (?:127\.0\.0\.1:)?\d+;/, `listen 127.0.0.1:${port};`);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `pid ${folder}/pid; daemon off; error_log stderr crit; ${ours}`);
  const begin = async () => {
    const child = spawn(nginx, ['-c', file, '-p', folder], { stdio: 'inherit' });
    await listening(port);
    return child;
  };
  let child = await begin();
  const end = () => endOf(child, 'SIGTERM');
  return {
    port,
    async restart() {
      await end();
      child = await begin();
    },
    async stop() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
