import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answersOf, follow, withoutStack, withShortStack } from './compare.js';
import type { IpcVector } from './compare.js';
import { ipcDifferences } from './differences.js';
import { IpcConformanceModule, IpcDevelopmentModule } from './fixture.js';
import { adapterNames, startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';
import { RawFrontend } from '../../ipc/wire/raw.frontend.js';

const { vectors, count } = readVectors('ipc-raw') as { vectors: IpcVector[]; count: number };

it('the recorded messages of a frontend by hand are complete', () => {
  expect(vectors).toHaveLength(count);
  const ids = vectors.map(({ id }) => id);
  expect(Object.keys(ipcDifferences).filter((id) => !ids.includes(id))).toEqual([]);
});

describe.each(adapterNames)('the messages of a frontend by hand over %s', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(IpcConformanceModule, adapter);
  });
  afterAll(() => server.stop());

  it.each(vectors)('$id $title', async ({ id, frames }) => {
    const frontend = await RawFrontend.open(server.port);
    const came = await follow(frontend, frames, ipcDifferences[id]);
    expect(came).toEqual(answersOf(frames, ipcDifferences[id]).map(withoutStack));
    await frontend.close();
  });

  it('I08 arrives at the backend unchanged', async () => {
    const [sender, reader] = await Promise.all([0, 1].map(() => RawFrontend.open(server.port)));
    await reader!.invoke('itwin.conf-test', 'takeLog');
    await follow(sender!, vectors.find(({ id }) => id === 'I08')!.frames);
    expect(await reader!.invoke('itwin.conf-test', 'takeLog')).toEqual({ result: [['x', 1]] });
    await Promise.all([sender!.close(), reader!.close()]);
  });
});

describe('the messages of a frontend by hand in development mode', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(IpcDevelopmentModule, 'LinnetExpressAdapter');
  });
  afterAll(() => server.stop());

  const isThrown = ({ id }: IpcVector) => /^I07-[0-4]$/.test(id);

  it.each(vectors.filter(isThrown))(
    '$id $title, with a stack trace where the reference has it',
    async ({ frames }) => {
      const frontend = await RawFrontend.open(server.port);
      const came = await follow(frontend, frames);
      expect(came.map(withShortStack)).toEqual(answersOf(frames).map(withShortStack));
      await frontend.close();
    },
  );

  // An error of a missing channel or method has no trace of the application.
  it.each(vectors.filter(({ id }) => id === 'I07-5' || id === 'I07-6'))(
    '$id $title, without a stack trace',
    async ({ frames }) => {
      const frontend = await RawFrontend.open(server.port);
      expect(await follow(frontend, frames)).toEqual(answersOf(frames).map(withoutStack));
      await frontend.close();
    },
  );
});
