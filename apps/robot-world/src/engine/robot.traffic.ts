import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { TransientError } from '@linnet/common';
import type { DriveResult, Id64String, Position } from '../common/robot-world.props.js';
import { NoPlaceError } from './no-place.error.js';
import { RobotWorldEngine } from './robot-world.engine.js';

/** Injection token: the time that a step of a drive takes, in milliseconds. */
export const DRIVE_TICK = Symbol('robot-world:drive-tick');

/** Metres from one step to the next: with a tick of 50 ms, 1.5 m/s. Much less than the width of any obstacle. */
const STRIDE = 0.075;
/** The most robots that drive at once: each needs about twenty updates of the database per second. */
const MAX_DRIVES = 100;

/** The driving robots. They drive in straight lines, step by step, and stop in front of obstacles. */
@Injectable()
export class RobotTraffic implements OnModuleDestroy {
  readonly #logger = new Logger(RobotTraffic.name);
  readonly #drives = new Map<Id64String, AbortController>();

  constructor(
    private readonly engine: RobotWorldEngine,
    @Inject(DRIVE_TICK) private readonly tick: number,
  ) {}

  /**
   * Drives a robot until it arrives, an obstacle is in its way, or it is stopped. A new drive replaces the current drive of the
   * robot.
   *
   * @param signal stops the drive
   * @throws NotFoundError if the robot does not exist
   * @throws TransientError if too many robots are driving
   */
  async drive(robotId: Id64String, to: Position, signal?: AbortSignal): Promise<DriveResult> {
    this.engine.robot(robotId);
    this.stop(robotId);
    if (this.#drives.size >= MAX_DRIVES) throw new TransientError('Too many robots are driving.', 503, 1);
    const drive = new AbortController();
    const stop = () => drive.abort();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    this.#drives.set(robotId, drive);
    try {
      const id = randomUUID();
      this.engine.beginDrive(robotId, id);
      const result = await this.#drive(robotId, to, id, drive.signal);
      this.#logger.log(`Robot ${robotId} ${ending(result)}`);
      return result;
    } finally {
      signal?.removeEventListener('abort', stop);
      if (this.#drives.get(robotId) === drive) this.#drives.delete(robotId);
    }
  }

  /** Stops a robot, even if another node drives it. Does nothing if it does not drive. */
  stop(robotId: Id64String): void {
    this.#abort(robotId);
    this.engine.endDrive(robotId);
  }

  onModuleDestroy(): void {
    for (const robotId of this.#drives.keys()) this.#abort(robotId);
  }

  #abort(robotId: Id64String): void {
    this.#drives.get(robotId)?.abort();
    this.#drives.delete(robotId);
  }

  async #drive(robotId: Id64String, to: Position, id: string, signal: AbortSignal): Promise<DriveResult> {
    let position: Position = this.engine.robot(robotId);
    while ((await this.#nextTick(signal)) && this.engine.isDrivenBy(robotId, id)) {
      // The position is read again at each step: another caller may have moved the robot.
      position = this.engine.robot(robotId);
      const next = stride(position, to);
      try {
        position = this.engine.stepRobot(robotId, next);
      } catch (error) {
        if (error instanceof NoPlaceError) return { ...ended(position), hit: [...error.hit] };
        throw error;
      }
      if (next === to) return { ...ended(position), arrived: true };
    }
    return ended(position);
  }

  /** @returns whether to go on */
  async #nextTick(signal: AbortSignal): Promise<boolean> {
    // An abort rejects the promise and clears the timer.
    await pause(this.tick, undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }
}

/** The position after one step; `to` if the distance is shorter than a step. */
function stride(from: Position, to: Position): Position {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const part = STRIDE / Math.hypot(dx, dy);
  return part < 1 ? { x: from.x + dx * part, y: from.y + dy * part } : to;
}

function ended({ x, y }: Position): DriveResult {
  return { arrived: false, position: { x, y } };
}

function ending({ arrived, hit }: DriveResult): string {
  if (arrived) return 'has arrived';
  if (!hit) return 'has been stopped';
  return hit.length > 0 ? `stands in front of ${hit.join(', ')}` : 'stands at the edge of the floor';
}
