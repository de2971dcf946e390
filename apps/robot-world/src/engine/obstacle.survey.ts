import { EventEmitter, once } from 'node:events';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { TransientError } from '@linnet/common';
import { CancelledError } from '../common/robot-world.errors.js';
import { obstacleKinds } from '../common/robot-world.props.js';
import type { ObstacleKind, SurveyProgress, SurveyReport } from '../common/robot-world.props.js';
import { WarehouseDatabase } from './warehouse.database.js';
import { countObstacles, surveySlice } from './warehouse.schema.js';

/** Injection token: the pause between two steps of a survey, in milliseconds. */
export const SURVEY_PAUSE = Symbol('robot-world:survey-pause');

const STEPS = 20;
/** Surveys that are kept, running and done. Callers choose the names, so that a limit is needed. */
const KEPT = 100;

/** A running, finished or cancelled survey. */
export interface Survey extends SurveyProgress {
  /** The obstacles found so far. */
  readonly report: SurveyReport;
  /** Emits `step` after each step, and when the survey is cancelled. */
  readonly steps: EventEmitter;
  timer: NodeJS.Timeout | undefined;
  isCancelled: boolean;
}

/** Surveys of all obstacles. They run in steps, so that the server answers other calls meanwhile. */
@Injectable()
export class ObstacleSurveys implements OnModuleDestroy {
  readonly #logger = new Logger(ObstacleSurveys.name);
  readonly #surveys = new Map<string, Survey>();

  constructor(
    private readonly database: WarehouseDatabase,
    @Inject(SURVEY_PAUSE) private readonly pause: number,
  ) {}

  /**
   * Returns the survey of this name, and starts it if it does not exist.
   *
   * @throws TransientError if too many surveys are running; CancelledError if the survey was cancelled, so that a late poll does
   * not start it again
   */
  join(surveyId: string): Survey {
    const survey = this.#surveys.get(surveyId) ?? this.#start(surveyId);
    if (survey.isCancelled) throw new CancelledError(`The survey ${surveyId} was cancelled.`);
    return survey;
  }

  /**
   * Runs a survey to its end for a caller that waits.
   *
   * @param report receives the progress, at once and after each step
   * @param signal cancels the survey
   * @throws AbortError if the signal aborts; otherwise the errors of {@link join}
   */
  async run(
    surveyId: string,
    report: (progress: SurveyProgress) => void,
    signal: AbortSignal,
  ): Promise<SurveyReport> {
    try {
      for (;;) {
        const survey = this.join(surveyId);
        const { surveyed, total } = survey;
        report({ surveyed, total });
        if (isDone(survey)) return survey.report;
        await once(survey.steps, 'step', { signal });
      }
    } finally {
      if (signal.aborted) this.cancel(surveyId);
    }
  }

  /** Stops the survey of this name. @returns whether it was running */
  cancel(surveyId: string): boolean {
    const survey = this.#surveys.get(surveyId);
    if (!survey || isOver(survey)) return false;
    clearTimeout(survey.timer);
    survey.isCancelled = true;
    survey.steps.emit('step');
    this.#logger.log(`Survey ${surveyId} was cancelled at ${survey.surveyed} of ${survey.total} obstacles`);
    return true;
  }

  onModuleDestroy(): void {
    for (const { timer } of this.#surveys.values()) clearTimeout(timer);
    this.#surveys.clear();
  }

  #start(surveyId: string): Survey {
    this.#makeSpace();
    const total = this.database.column(countObstacles)[0]!;
    const report = Object.fromEntries(
      obstacleKinds.map((kind) => [kind, { count: 0, area: 0 }]),
    ) as SurveyReport;
    const steps = new EventEmitter();
    const survey: Survey = { total, surveyed: 0, report, steps, timer: undefined, isCancelled: false };
    this.#surveys.set(surveyId, survey);
    this.#logger.log(`Survey ${surveyId} of ${total} obstacles has begun`);
    this.#schedule(surveyId, survey);
    return survey;
  }

  /** Forgets the oldest survey that is done or cancelled. */
  #makeSpace(): void {
    if (this.#surveys.size < KEPT) return;
    const done = [...this.#surveys].find(([, survey]) => isOver(survey));
    if (!done) throw new TransientError('Too many surveys are running.', 503, 1);
    this.#surveys.delete(done[0]);
  }

  #schedule(surveyId: string, survey: Survey): void {
    survey.timer = setTimeout(() => {
      this.#step(survey);
      // Timers keep the context of the call that set them, so that this line belongs to that call.
      if (isDone(survey)) this.#logger.log(`Survey ${surveyId} is done`);
      else this.#schedule(surveyId, survey);
      survey.steps.emit('step');
    }, this.pause);
  }

  #step(survey: Survey): void {
    const size = Math.ceil(survey.total / STEPS);
    const found = this.database.rows<[ObstacleKind, number, number]>(surveySlice, size, survey.surveyed);
    for (const [kind, count, area] of found) {
      survey.report[kind].count += count;
      survey.report[kind].area += area;
    }
    survey.surveyed = Math.min(survey.total, survey.surveyed + size);
  }
}

function isOver(survey: Survey): boolean {
  return survey.isCancelled || isDone(survey);
}

export function isDone({ surveyed, total }: Survey): boolean {
  return surveyed >= total;
}
