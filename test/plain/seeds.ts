import { ClientRequestContext } from '@linnet/backend/node';
import { RpcInterface, RpcManager } from '@linnet/common';
import type { IModelRpcProps } from '@linnet/common';

// What the documents of iTwin.js show, but for the paths of the imports and the engine behind the implementation.

type Id64String = string;

export abstract class RobotWorldReadRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'RobotWorldReadRpcInterface';
  public static interfaceVersion = '1.0.0';
  public static getClient() {
    return RpcManager.getClientForInterface(this);
  }
  public async countRobotsInArray(_iModelToken: IModelRpcProps, _elemIds: Id64String[]): Promise<number> {
    return this.forward(arguments);
  }
  public async countRobots(_iModelToken: IModelRpcProps): Promise<number> {
    return this.forward(arguments);
  }
  public async queryObstaclesHitByRobot(
    _iModelToken: IModelRpcProps,
    _rid: Id64String,
  ): Promise<Id64String[]> {
    return this.forward(arguments);
  }
}

/** Counts how often it is made. */
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
