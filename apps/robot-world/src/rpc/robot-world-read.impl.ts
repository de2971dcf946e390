import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { RpcInterface, RpcPendingResponse } from '@linnet/backend';
import type {
  FloorProps,
  Id64String,
  ObstacleProps,
  Region,
  RobotProps,
  SurveyReport,
  WarehouseToken,
} from '../common/robot-world.props.js';
import { RobotWorldReadRpcInterface } from '../common/robot-world.rpc.js';
import { isDone, ObstacleSurveys } from '../engine/obstacle.survey.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import * as schema from '../argument.schema.js';

/** Answers {@link RobotWorldReadRpcInterface}: checks the arguments, and calls the engine. */
@RpcInterface(RobotWorldReadRpcInterface)
@UsePipes(StandardSchemaValidationPipe)
export class RobotWorldReadRpcImpl implements RobotWorldReadRpcInterface {
  constructor(
    private readonly engine: RobotWorldEngine,
    private readonly surveys: ObstacleSurveys,
  ) {}

  async countRobots(_token: WarehouseToken): Promise<number> {
    return this.engine.countRobots();
  }

  async countRobotsInArray(
    _token: WarehouseToken,
    @Body({ schema: schema.id64List }) elementIds: Id64String[],
  ): Promise<number> {
    return this.engine.countRobotsInArray(elementIds);
  }

  async queryRobots(
    _token: WarehouseToken,
    @Body({ schema: schema.region }) region: Region,
  ): Promise<RobotProps[]> {
    return this.engine.queryRobots(region);
  }

  async queryObstacles(
    _token: WarehouseToken,
    @Body({ schema: schema.region }) region: Region,
  ): Promise<ObstacleProps[]> {
    return this.engine.queryObstacles(region);
  }

  async queryObstaclesHitByRobot(
    _token: WarehouseToken,
    @Body({ schema: schema.id64 }) robotId: Id64String,
  ): Promise<Id64String[]> {
    return this.engine.queryObstaclesHitByRobot(robotId);
  }

  async describeFloor(_token: WarehouseToken): Promise<FloorProps> {
    return this.engine.floor;
  }

  async floorSnapshot(
    _token: WarehouseToken,
    @Body({ schema: schema.region }) region: Region,
    @Body({ schema: schema.resolution }) resolution: number,
  ): Promise<Uint8Array> {
    return this.engine.floorSnapshot(region, resolution);
  }

  async surveyObstacles(
    _token: WarehouseToken,
    @Body({ schema: schema.surveyId }) surveyId: string,
  ): Promise<SurveyReport> {
    const survey = this.surveys.join(surveyId);
    if (!isDone(survey)) throw new RpcPendingResponse(`${survey.surveyed} of ${survey.total} obstacles`);
    return survey.report;
  }

  async cancelSurvey(
    _token: WarehouseToken,
    @Body({ schema: schema.surveyId }) surveyId: string,
  ): Promise<boolean> {
    return this.surveys.cancel(surveyId);
  }
}
