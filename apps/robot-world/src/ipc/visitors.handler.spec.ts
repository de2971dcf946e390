import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { memoryIpc } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { IpcFrontend } from '@linnet/common';
import { until } from '../../../../test/harness/waiting.js';
import { visitorsChannel } from '../common/visitors.ipc.js';
import type { VisitorsIpc } from '../common/visitors.ipc.js';
import { RobotWorldModule } from '../robot-world.module.js';

describe('VisitorsIpcHandler', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [RobotWorldModule] }).compile();
    app = await module.createNestApplication(new LinnetExpressAdapter(), { logger: false }).init();
  });
  afterAll(() => app.close());

  function visitor() {
    const frontend = new IpcFrontend(memoryIpc(app));
    const heard: unknown[][] = [];
    frontend.addListener(visitorsChannel, (_event, ...message: unknown[]) => heard.push(message));
    return { frontend, heard, visitors: frontend.makeIpcProxy<VisitorsIpc>(visitorsChannel) };
  }

  it('lists visitors, reports changes, and carries greetings to the others', async () => {
    const [ada, bea] = [visitor(), visitor()];
    expect(await ada.visitors.enter('ada')).toEqual(['ada']);
    expect(await bea.visitors.enter('bea')).toEqual(['ada', 'bea']);
    await until(() => ada.heard.length > 0);
    await bea.visitors.greet('hello');
    bea.frontend.close();
    await until(() => ada.heard.length === 3);
    expect(ada.heard).toEqual([
      ['changed', ['ada', 'bea']],
      ['greeted', 'bea', 'hello'],
      ['changed', ['ada']],
    ]);
    expect(bea.heard).toEqual([]);
    ada.frontend.close();
  });

  it('rejects a greeting before the visit, and names that are empty or too long', async () => {
    const { frontend, visitors } = visitor();
    await expect(visitors.greet('hello')).rejects.toThrow('Enter before you greet.');
    for (const name of ['', ' ', 'x'.repeat(101)])
      await expect(visitors.enter(name)).rejects.toMatchObject({ name: 'BadRequestException' });
    frontend.close();
  });
});
