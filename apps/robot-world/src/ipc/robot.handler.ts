import { Body, StandardSchemaValidationPipe, UseGuards, UsePipes } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { CurrentActivity, IpcChannel, ipcError, IpcSession } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import type {
  DriveResult,
  Id64String,
  Position,
  Region,
  RobotSighting,
} from '../common/robot-world.props.js';
import { NotFoundError } from '../common/robot-world.errors.js';
import { robotChannel } from '../common/robot.ipc.js';
import type { RobotIpc } from '../common/robot.ipc.js';
import * as schema from '../argument.schema.js';
import { RobotSightings } from '../engine/robot.sightings.js';
import { RobotTraffic } from '../engine/robot.traffic.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import { ChangesGuard } from './changes.guard.js';

/** Answers {@link RobotIpc}. Each session has a handler of its own, because it injects the session. */
@IpcChannel(robotChannel)
@UsePipes(StandardSchemaValidationPipe)
export class RobotIpcHandler implements RobotIpc, OnModuleDestroy {
  /** The positions of robots that have moved since the last notification of the frontend. */
  readonly #news = new Map<Id64String, Position>();
  #isTelling = false;
  #endSubscription = () => {};

  constructor(
    private readonly session: IpcSession,
    private readonly engine: RobotWorldEngine,
    private readonly traffic: RobotTraffic,
    private readonly sightings: RobotSightings,
  ) {}

  async subscribe(@Body({ schema: schema.regionOrNone }) region?: Region | null): Promise<number> {
    this.#end();
    const { width, depth } = this.engine.floor;
    const watched = region ?? { minX: 0, minY: 0, maxX: width, maxY: depth };
    this.#endSubscription = this.engine.onMoved((robotId, position, before) => {
      if (!isInside(watched, position) && !isInside(watched, before)) return;
      this.#news.set(robotId, position);
      void this.#tell();
    });
    return this.engine.queryRobots(watched).length;
  }

  async unsubscribe(): Promise<void> {
    this.#end();
  }

  @UseGuards(ChangesGuard)
  async drive(
    @Body({ schema: schema.id64 }) robotId: Id64String,
    @Body({ schema: schema.position }) to: Position,
  ): Promise<DriveResult> {
    try {
      return await this.traffic.drive(robotId, to, this.session.signal);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      const { message, errorNumber } = error;
      throw ipcError(robotChannel, 'drive', 'RobotNotFound', undefined, { message, errorNumber });
    }
  }

  async stop(@Body({ schema: schema.id64 }) robotId: Id64String): Promise<void> {
    this.traffic.stop(robotId);
  }

  follow(
    @Body({ schema: schema.id64 }) robotId: Id64String,
    @CurrentActivity() activity?: Activity,
  ): AsyncIterable<RobotSighting> {
    return this.sightings.follow(robotId, activity!.signal);
  }

  /** Nest calls it at the end of the session. */
  onModuleDestroy(): void {
    this.#end();
  }

  #end(): void {
    this.#endSubscription();
    this.#endSubscription = () => {};
    this.#news.clear();
  }

  /** Notifies the frontend of one robot after the other, as fast as it reads. */
  async #tell(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const frontend = this.session.notifications(robotChannel);
    try {
      // The iteration of a Map includes entries that are added meanwhile, so that later moves are sent as well.
      for (const [robotId, position] of this.#news) {
        this.#news.delete(robotId);
        await frontend.moved(robotId, position);
      }
    } catch {
      // The session has ended while its frontend was slow.
      this.#end();
    } finally {
      this.#isTelling = false;
    }
  }
}

function isInside({ minX, minY, maxX, maxY }: Region, { x, y }: Position): boolean {
  return x >= minX && x <= maxX && y >= minY && y <= maxY;
}
