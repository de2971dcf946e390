import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

// The code of the iTwin.js documents, unchanged but for imports and layout: files of `samples` have it. They import our
// packages, and the other specs of this folder run these files.

const samples: readonly [section: string, file: string, code: string][] = [
  [
    'Rpc Interface › Define the Interface',
    'robot-world.interface.ts',
    'public static readonly interfaceName = "RobotWorldReadRpcInterface"; public static interfaceVersion = "1.0.0";',
  ],
  [
    'Rpc Interface › Define the Interface',
    'robot-world.interface.ts',
    'export abstract class RobotWorldReadRpcInterface extends RpcInterface { public static readonly interfaceName = "RobotWorldReadRpcInterface"; public static interfaceVersion = "1.0.0"; public static getClient() { return RpcManager.getClientForInterface(this); } public async countRobotsInArray(_iModelToken: IModelRpcProps, _elemIds: Id64String[]): Promise<number> { return this.forward(arguments); } public async countRobots(_iModelToken: IModelRpcProps): Promise<number> { return this.forward(arguments); } public async queryObstaclesHitByRobot(_iModelToken: IModelRpcProps, _rid: Id64String): Promise<Id64String[]> { return this.forward(arguments); } }',
  ],
  ['Rpc Interface › Client Stub', 'robot-world.interface.ts', 'return this.forward(arguments);'],
  [
    'Rpc Interface › Server Implementation',
    'robot-world.impl.ts',
    'export class RobotWorldReadRpcImpl extends RpcInterface implements RobotWorldReadRpcInterface { public async countRobotsInArray(tokenProps: IModelRpcProps, elemIds: Id64String[]): Promise<number> { const iModelDb: IModelDb = IModelDb.findByKey(tokenProps.key); return RobotWorldEngine.countRobotsInArray(iModelDb, elemIds); } public async countRobots(tokenProps: IModelRpcProps): Promise<number> { const iModelDb: IModelDb = IModelDb.findByKey(tokenProps.key); return RobotWorldEngine.countRobots(iModelDb); } public async queryObstaclesHitByRobot(tokenProps: IModelRpcProps, rid: Id64String): Promise<Id64String[]> { const iModelDb: IModelDb = IModelDb.findByKey(tokenProps.key); return RobotWorldEngine.queryObstaclesHitByRobot(iModelDb, rid); } }',
  ],
  [
    'Rpc Interface › Register Impls',
    'web.server.ts',
    'RpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);',
  ],
  [
    'Rpc Interface › Choose Interfaces',
    'web.server.ts',
    'private static chooseInterfacesToExpose(): RpcInterfaceDefinition[] { const interfaces: RpcInterfaceDefinition[] = [IModelReadRpcInterface, RobotWorldReadRpcInterface]; if (this._features.check("robot.imodel.readwrite")) { interfaces.push(RobotWorldWriteRpcInterface); } return interfaces; }',
  ],
  [
    'Rpc Interface › Configure Interfaces',
    'web.server.ts',
    // The result of the function is returned, because the call below it serves the interfaces.
    'export function initializeRpcImplBentleyCloud(interfaces: RpcInterfaceDefinition[]) { const cloudParams: BentleyCloudRpcParams = { info: { title: "RobotWorldEngine", version: "v1.0" } }; return BentleyCloudRpcManager.initializeImpl(cloudParams, interfaces); }',
  ],
  [
    'Rpc Interface › Serve the Interfaces',
    'express.server.ts',
    'const webServer = express(); webServer.post("*", async (request, response) => { rpcConfiguration.protocol.handleOperationPostRequest(request, response); });',
  ],
  [
    'Rpc Interface › Same Server',
    'web.client.ts',
    'export function initializeRpcClientBentleyCloudForApp(interfaces: RpcInterfaceDefinition[]) { const cloudParams: BentleyCloudRpcParams = { info: { title: "RobotWorldEngine", version: "v1.0" } }; BentleyCloudRpcManager.initializeClient(cloudParams, interfaces); }',
  ],
  [
    'Rpc Interface › Different Servers',
    'web.client.ts',
    'export function initializeRpcClientBentleyCloud(interfaces: RpcInterfaceDefinition[], serviceUrl?: string) { const cloudParams: BentleyCloudRpcParams = { info: { title: "RobotWorldEngine", version: "v1.0" }, uriPrefix: serviceUrl }; BentleyCloudRpcManager.initializeClient(cloudParams, interfaces); }',
  ],
  [
    'Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers',
    'my.interface.ts',
    'const myChannel = "my-interface-v1.2";',
  ],
  [
    'Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers',
    'my.interface.ts',
    'interface MyInterface { sayHello(arg1: string, arg2: number, arg3: boolean): Promise<string>; }',
  ],
  [
    'Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers',
    'my.handler.ts',
    // The document leaves out the braces of the class.
    'class MyClassHandler extends IpcHandler implements MyInterface { public get channelName() { return myChannel; } public async sayHello(arg1: string, arg2: number, arg3: boolean) { return `hello: ${arg1} ${arg2} ${arg3}` } }',
  ],
  [
    'Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers',
    'my.frontend.ts',
    'const callMyBackend = async <T extends AsyncMethodsOf<MyInterface>>(methodName: T,...args: Parameters<MyInterface[T]>) => { return IpcApp.callIpcChannel(myChannel, methodName, ...args) as PromiseReturnType<MyInterface[T]>; };',
  ],
  [
    'Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers',
    'my.frontend.ts',
    'const method1Val = await callMyBackend("sayHello", "abc", 10, true);',
  ],
];

/** Code less white space, comments, the kind of its quotes, and what a formatter adds. */
function bare(code: string): string {
  return code
    .replaceAll(/\/\/.*$/gm, '')
    .replaceAll('"', "'")
    .replaceAll(/\s+/g, '')
    .replaceAll(/[,;](?=[)\]}]|$)/g, '');
}

describe('the code of the documents', () => {
  it.each(samples)('%s: the file %s has it unchanged', (_section, file, code) => {
    const ours = bare(readFileSync(join(import.meta.dirname, 'samples', file), 'utf8'));
    expect(ours).toContain(bare(code));
  });
});
