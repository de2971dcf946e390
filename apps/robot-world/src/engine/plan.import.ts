import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { TransientError } from '@linnet/common';
import { NotPossibleError } from '../common/robot-world.errors.js';
import type { Id64String, PlanProgress } from '../common/robot-world.props.js';
import { readPlan } from './floor.plan.js';
import { RobotWorldEngine } from './robot-world.engine.js';

/** Obstacles in one transaction, which takes some milliseconds. */
const BATCH = 500;
/** The most obstacles on a floor. A plan can be of any size, but the floor has a limit. */
const MOST_OBSTACLES = 200_000;

/** Adds the obstacles of floor plans, a batch at a time, so that the server answers other calls meanwhile. */
@Injectable()
export class PlanImport {
  readonly #logger = new Logger(PlanImport.name);
  #isRunning = false;

  constructor(private readonly engine: RobotWorldEngine) {}

  /**
   * Adds all obstacles of a plan, or none.
   *
   * @param report receives the progress after each batch
   * @param signal cancels the import
   * @throws InvalidPlanError if a line is wrong; NotPossibleError if there are too many obstacles; TransientError if another
   * import is running
   */
  async run(
    plan: AsyncIterable<Uint8Array>,
    report: (progress: PlanProgress) => void,
    signal: AbortSignal,
  ): Promise<PlanProgress> {
    if (this.#isRunning) throw new TransientError('Another floor plan is being imported.', 503, 1);
    this.#isRunning = true;
    const added: Id64String[][] = [];
    try {
      const progress = { bytes: 0, obstacles: 0 };
      for await (const { obstacles, bytes } of readPlan(plan, BATCH)) {
        this.#checkSpace(obstacles.length);
        added.push(this.engine.addObstacles(obstacles));
        progress.bytes = bytes;
        progress.obstacles += obstacles.length;
        report({ ...progress });
        await nextTurn();
        signal.throwIfAborted();
      }
      this.#logger.log(`A floor plan of ${progress.bytes} bytes has added ${progress.obstacles} obstacles`);
      return progress;
    } catch (error) {
      await this.#undo(added);
      throw error;
    } finally {
      this.#isRunning = false;
    }
  }

  #checkSpace(more: number): void {
    if (this.engine.countObstacles() + more > MOST_OBSTACLES)
      throw new NotPossibleError(
        `The floor plan is too full: a floor has at most ${MOST_OBSTACLES} obstacles.`,
      );
  }

  async #undo(added: readonly Id64String[][]): Promise<void> {
    for (const batch of added) {
      this.engine.removeObstacles(batch);
      await nextTurn();
    }
    this.#logger.warn('A floor plan was not imported, and its obstacles are removed again');
  }
}
