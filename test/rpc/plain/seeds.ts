import { ClientRequestContext } from '@linnet/backend/node';
import { RpcInterface } from '@linnet/common';
import type { IModelRpcProps } from '@linnet/common';
import { RobotWorldReadRpcInterface } from '../../seeds/samples/robot-world.interface.js';

export { RobotWorldReadRpcInterface };

type Id64String = string;

/** Implements the interface of the documents of iTwin.js with what tests look at; counts how often it is made. */
export class RobotWorldReadRpcImpl extends RpcInterface implements RobotWorldReadRpcInterface {
  static made = 0;
  readonly number = ++RobotWorldReadRpcImpl.made;

  public async countRobotsInArray(_tokenProps: IModelRpcProps, elemIds: Id64String[]): Promise<number> {
    return elemIds.length;
  }
  public async countRobots(tokenProps: IModelRpcProps): Promise<number> {
    return tokenProps.iModelId!.length;
  }
  public async queryObstaclesHitByRobot(tokenProps: IModelRpcProps, rid: Id64String): Promise<Id64String[]> {
    await Promise.resolve();
    return [tokenProps.key!, rid, ClientRequestContext.current.activityId];
  }
}
