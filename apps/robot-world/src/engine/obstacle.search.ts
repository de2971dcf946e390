import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { FoundObstacles } from '../common/robot-world.props.js';
import { RobotWorldEngine } from './robot-world.engine.js';

/** Injection token: the pause between two strips of a search, in milliseconds. */
export const SEARCH_PAUSE = Symbol('robot-world:search-pause');

/** South to north, in metres. */
const STRIP = 5;

/** Searches the floor a strip at a time, so that the server answers other calls meanwhile. */
@Injectable()
export class ObstacleSearch {
  constructor(
    private readonly engine: RobotWorldEngine,
    @Inject(SEARCH_PAUSE) private readonly pauseMs: number,
  ) {}

  /** Finds every obstacle once, in the strip that has its southern edge. */
  async *find(): AsyncGenerator<FoundObstacles> {
    const { width, depth } = this.engine.floor;
    for (let minY = 0; minY < depth; minY += STRIP) {
      const maxY = minY + STRIP;
      const inStrip = this.engine.queryObstacles({ minX: 0, minY, maxX: width, maxY });
      const obstacles = inStrip.filter((box) => box.minY >= minY && box.minY < maxY);
      yield { obstacles, searched: Math.min(1, maxY / depth) };
      await pause(this.pauseMs);
    }
  }
}
