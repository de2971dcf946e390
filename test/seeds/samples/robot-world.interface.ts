import type { Id64String } from '@itwin/core-bentley';
import type { IModelRpcProps } from '@linnet/common';
import { RpcInterface, RpcManager } from '@linnet/common';

// The RPC query interface that may be exposed by the RobotWorldEngine.
export abstract class RobotWorldReadRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'RobotWorldReadRpcInterface'; // The immutable name of the interface
  public static interfaceVersion = '1.0.0'; // The API version of the interface
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

/** Named where interfaces are chosen, and not shown. */
export abstract class RobotWorldWriteRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'RobotWorldWriteRpcInterface';
  public static interfaceVersion = '1.0.0';
  public async moveRobot(_iModelToken: IModelRpcProps, _rid: Id64String): Promise<void> {
    return this.forward(arguments);
  }
}
