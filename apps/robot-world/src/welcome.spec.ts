import { exec, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActivityLogger } from '@linnet/backend';
import { createRobotWorldApp } from './robot-world.app.js';
import { welcome } from './welcome.js';

class Silent extends ActivityLogger {
  protected override printMessages(): void {}
}

const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** Does what a command line with `curl` says: by its own program where there is one. */
async function run(line: string): Promise<string> {
  if (hasCurl) return (await promisify(exec)(line.replace('curl', 'curl -sS'))).stdout;
  const headers = [...line.matchAll(/-H "([^:"]+): ([^"]*)"/g)].map(([, name, value]) => [name!, value!]);
  const body = /-d "([^"]*)"/.exec(line)![1]!;
  const url = /http:\S+$/.exec(line)![0];
  return (await fetch(url, { method: 'POST', headers: headers as [string, string][], body })).text();
}

describe('the welcome screen', () => {
  let app: NestExpressApplication;
  let port: number;

  beforeAll(async () => {
    app = await createRobotWorldApp(new Silent());
    const server = await app.listen(0, '127.0.0.1');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => app.close());

  it('prints a command line that works', async () => {
    const lines = welcome(port, false)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('curl '));
    expect(lines).toHaveLength(1);
    expect(Number(await run(lines[0]!))).toBe(500);
  });

  it('prints addresses that answer', async () => {
    const urls = welcome(port, false)
      .match(/http:\/\/\S+$/gm)!
      .filter((url) => !url.includes('RpcInterface'));
    expect(urls).toHaveLength(4);
    for (const url of urls) expect((await fetch(url)).status).toBe(200);
  });

  it('says whether robots can be moved, and which port the client needs', () => {
    expect(welcome(3001, true)).toContain('Robots can be added');
    expect(welcome(3001, false)).toContain('ROBOT_WORLD_FEATURES=robots.write');
    expect(welcome(3001, true)).not.toContain('PORT=');
    expect(welcome(4000, true)).toContain('PORT=4000');
  });

  it('names the second backend if it exists', () => {
    expect(welcome(3001, true)).not.toContain('second backend');
    const both = welcome(3001, true, 'http://127.0.0.1:3002');
    expect(both).toContain('npm run plan');
    expect(both).toContain('http://127.0.0.1:3002/docs');
  });
});
