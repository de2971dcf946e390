import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ClientRequestContext } from '@linnet/backend';
import {
  defaultIpcLimits,
  IpcFrontend,
  ipcChannel,
  IpcServer,
  messagePortIpc,
  serveMessagePort,
} from '@linnet/common';
import type { FloorProps, Position, Region } from '../../../robot-world/src/common/robot-world.props.js';
import { ObstacleMap } from './obstacle.map.js';
import { findRoute } from './route.search.js';

/** A search for a route. Lengths are in metres. */
export interface RouteQuery {
  readonly floor: FloorProps;
  readonly obstacles: readonly Region[];
  /** The radius of the robot. */
  readonly radius: number;
  readonly start: Position;
  readonly goal: Position;
}

/** The places of a route, or the reason why none was found. */
export type FoundRoute = Position[] | 'no route' | 'goal is taken';

interface RouteSearch {
  find(query: RouteQuery): Promise<FoundRoute>;
}

const searchChannel = ipcChannel<RouteSearch>('route-search-v1');

/**
 * The search behind a message port: nothing but messages passes between it and its caller, so that it can move to a thread of its
 * own. Traces and cancellations go through the port as over any other transport.
 */
@Injectable()
export class SearchPort implements OnApplicationShutdown {
  readonly #server = new IpcServer({
    limits: defaultIpcLimits,
    invokeTimeoutMs: 0,
    run: (activity, work) => ClientRequestContext.run(activity, work),
  });
  readonly #ports = new MessageChannel();
  readonly #frontend: IpcFrontend;

  constructor() {
    this.#server.channels.register(searchChannel, {
      name: 'RouteSearch',
      methods: new Map([
        ['find', ({ arguments: [query], activity }) => find(query as RouteQuery, activity.signal)],
      ]),
    });
    serveMessagePort(this.#server, this.#ports.port1);
    this.#frontend = new IpcFrontend(messagePortIpc(this.#ports.port2));
  }

  /** Searches for a route, as part of the current activity, which also cancels it. */
  find(query: RouteQuery): Promise<FoundRoute> {
    const { activityId, signal } = ClientRequestContext.current;
    const options = { activityId, signal, timeoutMs: 0 };
    return this.#frontend.makeIpcProxy<RouteSearch>(searchChannel, options).find(query);
  }

  /** Called by Nest. Open ports would keep the process alive. */
  async onApplicationShutdown(): Promise<void> {
    this.#frontend.close();
    await this.#server.close(0);
    for (const port of [this.#ports.port1, this.#ports.port2]) port.close();
  }
}

async function find(
  { floor, obstacles, radius, start, goal }: RouteQuery,
  signal: AbortSignal,
): Promise<FoundRoute> {
  const map = new ObstacleMap(floor, obstacles);
  if (!map.isFree(goal, goal, radius)) return 'goal is taken';
  return (await findRoute(map, radius, start, goal, signal)) ?? 'no route';
}
