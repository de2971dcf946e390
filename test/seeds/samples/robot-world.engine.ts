import type { Id64String } from '@itwin/core-bentley';
import { ClientRequestContext } from '@linnet/backend/node';
import { IModelError, IModelStatus } from '@linnet/common';

/** As much of a model as the samples need: robots, each with the obstacles that it hits. */
export class IModelDb {
  static readonly #open = new Map<string, IModelDb>();

  constructor(readonly robots: ReadonlyMap<Id64String, readonly Id64String[]>) {}

  static open(key: string, robots: Record<Id64String, Id64String[]>): void {
    this.#open.set(key, new IModelDb(new Map(Object.entries(robots))));
  }

  static findByKey(key: string | undefined): IModelDb {
    const iModel = this.#open.get(key ?? '');
    if (!iModel) throw new IModelError(IModelStatus.NotFound, `No model is open by the key "${key}".`);
    return iModel;
  }
}

/** The operations: static, as the server has no state, and synchronous, as they need not wait. */
export class RobotWorldEngine {
  /** The activities that the operations ran in. */
  static readonly activityIds: string[] = [];

  static countRobotsInArray(iModelDb: IModelDb, elemIds: Id64String[]): number {
    return elemIds.filter((id) => iModelDb.robots.has(id)).length;
  }

  static countRobots(iModelDb: IModelDb): number {
    this.activityIds.push(ClientRequestContext.current.activityId);
    return iModelDb.robots.size;
  }

  static queryObstaclesHitByRobot(iModelDb: IModelDb, rid: Id64String): Id64String[] {
    return [...(iModelDb.robots.get(rid) ?? [])];
  }
}
