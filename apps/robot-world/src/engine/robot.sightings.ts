import { Injectable, Logger } from '@nestjs/common';
import type { Id64String, RobotSighting } from '../common/robot-world.props.js';
import { RobotWorldEngine } from './robot-world.engine.js';

/** Follows robots, one for each caller. */
@Injectable()
export class RobotSightings {
  readonly #logger = new Logger(RobotSightings.name);

  constructor(private readonly engine: RobotWorldEngine) {}

  /**
   * Yields the position of a robot, and then its latest position each time it has moved since the last read.
   *
   * @param signal ends the stream
   * @throws NotFoundError if the robot does not exist
   */
  async *follow(robotId: Id64String, signal: AbortSignal): AsyncGenerator<RobotSighting> {
    const { x, y } = this.engine.robot(robotId);
    let sighting: RobotSighting = { x, y, travelled: 0 };
    let isNews = true;
    let wake = () => {};
    const end = this.engine.onMoved((id, to, from) => {
      if (id !== robotId) return;
      sighting = { ...to, travelled: sighting.travelled + Math.hypot(to.x - from.x, to.y - from.y) };
      isNews = true;
      wake();
    });
    const leave = () => wake();
    signal.addEventListener('abort', leave);
    try {
      while (!signal.aborted) {
        if (isNews) {
          isNews = false;
          yield sighting;
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      end();
      signal.removeEventListener('abort', leave);
      this.#logger.log(`Robot ${robotId} is not followed any more`);
    }
  }
}
