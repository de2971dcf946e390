import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from '@jest/globals';
import { IModelError, IModelStatus, IpcChannel, IpcModule } from '@linnet/backend';
import { root } from '../docs/guide.js';

/** Everything that a frontend of iTwin.js needs to know of a model that is open. */
const opened = {
  key: 'hall-1',
  name: 'Hall 1',
  rootSubject: { name: 'Hall 1' },
  projectExtents: { low: [0, 0, 0], high: [1, 1, 1] },
};

@IpcChannel('itwinjs-core/ipc-app')
class ModelFunctions {
  readonly asked: unknown[] = [];
  async openCheckpoint(checkpoint: { iModelId: string }) {
    this.asked.push(checkpoint);
    if (checkpoint.iModelId !== 'hall-1')
      throw new IModelError(IModelStatus.NotFound, 'There is no such model.');
    return opened;
  }
}

@Module({ imports: [IpcModule.forRoot()], providers: [ModelFunctions] })
class ModelModule {}

/** A frontend of iTwin.js as it is published, without what draws. It prints what came of opening two models. */
const frontend = `
  import { createRequire } from 'node:module';
  import { environment } from ${JSON.stringify(join(root, 'test/ipc/wire/itwin.frontend.environment.mjs'))};
  const load = createRequire(${JSON.stringify(join(root, 'test/'))});
  Object.assign(globalThis, environment(load('ws').WebSocket));
  const { CheckpointConnection, LocalhostIpcApp } = await import('@itwin/core-frontend');
  const { EmptyLocalization } = await import('@itwin/core-common');
  const { NullRenderSystem } = load('@itwin/core-frontend/lib/cjs/NoRenderApp');
  const hubAccess = { getChangesetFromVersion: async () => ({ id: 'c1', index: 1 }) };
  const iModelApp = { noRender: true, renderSys: new NullRenderSystem(), localization: new EmptyLocalization(), hubAccess };
  await LocalhostIpcApp.startup({ iModelApp, localhostIpcApp: { socketUrl: new URL(process.argv.at(-1)) } });
  const model = await CheckpointConnection.openRemote('site', 'hall-1');
  const refused = await CheckpointConnection.openRemote('site', 'hall-2').catch((error) => error);
  console.log(JSON.stringify([model.name, model.key, refused.constructor.name, refused.errorNumber, refused.message]));
  process.exit(0);
`;

it('a frontend of iTwin.js opens a model that the application provides', async () => {
  const app = await NestFactory.create(ModelModule, { logger: false });
  try {
    await app.listen(0, '127.0.0.1');
    const url = `${(await app.getUrl()).replace('http', 'ws')}/ipc`;
    const args = ['--input-type=module', '-e', frontend, '--', url];
    const child = spawn(process.execPath, args, { cwd: join(root, 'test') });
    const [printed, faults] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect([printed.trim(), faults]).toEqual([
      JSON.stringify(['Hall 1', 'hall-1', 'BackendError', 65574, 'There is no such model.']),
      expect.any(String),
    ]);
    expect(app.get(ModelFunctions).asked[0]).toEqual({
      iTwinId: 'site',
      iModelId: 'hall-1',
      changeset: { id: 'c1', index: 1 },
    });
  } finally {
    await app.close();
  }
}, 60_000);
