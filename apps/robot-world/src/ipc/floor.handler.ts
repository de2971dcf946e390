import { randomUUID } from 'node:crypto';
import { UseGuards } from '@nestjs/common';
import { CurrentActivity, IpcChannel, IpcHost } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import type { RpcStream } from '@linnet/common';
import { floorChannel } from '../common/floor.ipc.js';
import type { FloorIpc } from '../common/floor.ipc.js';
import type { FoundObstacles, PlanProgress, SurveyReport } from '../common/robot-world.props.js';
import { ObstacleSearch } from '../engine/obstacle.search.js';
import { ObstacleSurveys } from '../engine/obstacle.survey.js';
import { PlanImport } from '../engine/plan.import.js';
import { ChangesGuard } from './changes.guard.js';

/** Answers {@link FloorIpc}. */
@IpcChannel(floorChannel)
export class FloorIpcHandler implements FloorIpc {
  constructor(
    private readonly host: IpcHost,
    private readonly search: ObstacleSearch,
    private readonly plans: PlanImport,
    private readonly surveys: ObstacleSurveys,
  ) {}

  findObstacles(): AsyncIterable<FoundObstacles> {
    return this.search.find();
  }

  @UseGuards(ChangesGuard)
  async importPlan(
    plan: RpcStream<Uint8Array>,
    @CurrentActivity() activity?: Activity,
  ): Promise<PlanProgress> {
    const { signal } = activity!;
    const imported = await this.plans.run(plan, (progress) => activity!.report(progress), signal);
    void this.host.notifications(floorChannel).rebuilt();
    return imported;
  }

  async surveyObstacles(@CurrentActivity() activity?: Activity): Promise<SurveyReport> {
    const report = (progress: unknown) => activity!.report(progress);
    return this.surveys.run(randomUUID(), report, activity!.signal);
  }
}
