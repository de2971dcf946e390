import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import {
  ActivityLogger,
  InjectRpcClient,
  RpcClientModule,
  RpcInterface as decorate,
  RpcModule,
} from '@linnet/backend';
import type { RpcProxy } from '@linnet/backend';
import { createRpcClient, RpcInterface } from '@linnet/common';
import type { HttpSend, RpcClient, RpcClientOptions } from '@linnet/common';
import { serveNest, stopAll } from './seeds.servers.js';

// One click in a page, a backend that it asks, and a backend that that one asks; each with a log.

abstract class Planner extends RpcInterface {
  public static readonly interfaceName = 'Planner';
  public static interfaceVersion = '1.0.0';
  public async plan(_robot: string): Promise<string[]> {
    return this.forward(arguments);
  }
}

abstract class Obstacles extends RpcInterface {
  public static readonly interfaceName = 'Obstacles';
  public static interfaceVersion = '1.0.0';
  public async of(_robot: string): Promise<string[]> {
    return this.forward(arguments);
  }
}

/** Knows nothing of calls, and logs in a later turn of the event loop. */
@Injectable()
class Survey {
  readonly #logger = new Logger('Survey');

  async look(robot: string) {
    await turn();
    this.#logger.log(`looking around ${robot}`);
    return [`wall near ${robot}`];
  }
}

@decorate(Obstacles)
class ObstaclesImpl implements Obstacles {
  constructor(private readonly survey: Survey) {}
  of(robot: string) {
    return this.survey.look(robot);
  }
}

@decorate(Planner)
class PlannerImpl implements Planner {
  readonly #logger = new Logger('Planner');
  constructor(@InjectRpcClient(Obstacles) private readonly obstacles: RpcProxy<Obstacles>) {}

  async plan(robot: string) {
    const around = await this.obstacles.of(robot);
    this.#logger.warn(`planned for ${robot}`);
    return around;
  }
}

/** Lines of both logs, as a log browser has them. */
let lines: Record<string, unknown>[];
let client: RpcClient;
const written = jest.spyOn(process.stdout, 'write');

beforeAll(async () => {
  const keep = (text: unknown) => {
    for (const line of String(text).split('\n')) if (line.startsWith('{')) lines.push(JSON.parse(line));
    return true;
  };
  lines = [];
  const withLog = (app: { useLogger(logger: ActivityLogger): void }) =>
    app.useLogger(new ActivityLogger({ json: true }));
  written.mockImplementation(keep);
  const far = await serveNest(
    { imports: [RpcModule.forRoot()], providers: [Survey, ObstaclesImpl] },
    withLog,
  );
  const asked = RpcClientModule.forFeature([{ interface: Obstacles, uriPrefix: far.url }]);
  const near = await serveNest({ imports: [RpcModule.forRoot(), asked], providers: [PlannerImpl] }, withLog);
  client = createRpcClient({ uriPrefix: near.url, applicationId: 'page', sessionId: 's1' });
});
afterAll(async () => {
  await stopAll();
  written.mockRestore();
});

const linesOf = (activityId: string) => lines.filter((line) => line['ActivityId'] === activityId);

describe('Rpc Interface › Logging and ActivityIds', () => {
  it('writes the id of a request to the log of every backend that takes part', async () => {
    expect(await client.client(Planner).with({ activityId: 'click 1' }).plan('r1')).toEqual(['wall near r1']);
    expect(linesOf('click 1')).toMatchObject([
      { context: 'Survey', message: 'looking around r1', rpcMethod: 'of', SessionId: 's1' },
      { context: 'Planner', message: 'planned for r1', rpcMethod: 'plan', SessionId: 's1' },
    ]);
  });

  it('writes each of several activities at the same time with its own id', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `together ${i}`);
    const plan = (activityId: string) => client.client(Planner).with({ activityId }).plan(activityId);
    await Promise.all(ids.map(plan));
    for (const id of ids)
      expect(linesOf(id).map(({ message }) => message)).toEqual([
        `looking around ${id}`,
        `planned for ${id}`,
      ]);
  });

  it('lets a frontend log own lines with the id', async () => {
    const own: { message: string; ActivityId: string }[] = [];
    const stop = client.addListener(({ kind, operation, activityId: ActivityId }) =>
      own.push({ message: `${kind} ${operation}`, ActivityId }),
    );
    await client.client(Planner).plan('r2');
    stop();
    const { ActivityId } = own[0]!;
    expect(own).toEqual([
      { message: 'request plan', ActivityId },
      { message: 'response plan', ActivityId },
    ]);
    expect(linesOf(ActivityId)).toHaveLength(2);
  });
});

describe('Rpc Interface › Frontend/client', () => {
  it('gives each call a unique id, and sends it as X-Correlation-ID', async () => {
    const ids: string[] = [];
    const reply = { status: 200, header: () => null, body: new TextEncoder().encode('[]') };
    const send: HttpSend = async ({ headers }) => {
      ids.push(new Headers(headers).get('X-Correlation-ID')!);
      return reply;
    };
    const planner = createRpcClient({ send }).client(Planner);
    await Promise.all(Array.from({ length: 50 }, () => planner.plan('r3')));
    expect(new Set(ids).size).toBe(50);
    expect(ids).not.toContain('');
  });
});

describe('Rpc Interface › Backend', () => {
  it('takes the id from the header of any client', async () => {
    const target = `${(client.options as RpcClientOptions).uriPrefix}/Planner-1.0.0-plan`;
    const headers = { 'X-Correlation-ID': 'by hand', 'Content-Type': 'text/plain' };
    await fetch(target, { method: 'POST', headers, body: '["r4"]' });
    expect(linesOf('by hand')).toHaveLength(2);
  });
});

describe('Rpc Interface › Log Browsers', () => {
  it('find the property ActivityId in lines of a call, and not in other lines', async () => {
    await client.client(Planner).with({ activityId: 'click 5' }).plan('r5');
    new Logger('Planner').log('no call here');
    const property = (message: string) => lines.find((line) => line['message'] === message)?.['ActivityId'];
    expect(property('planned for r5')).toBe('click 5');
    expect(property('no call here')).toBeUndefined();
    expect(lines.some(({ message }) => message === 'no call here')).toBe(true);
  });
});
