import { IpcHandler } from '@linnet/backend';
import type { MyInterface } from './my.interface.js';
import { myChannel } from './my.interface.js';

// Step 2; the document leaves out the braces of the class.
export class MyClassHandler extends IpcHandler implements MyInterface {
  public get channelName() {
    return myChannel;
  }
  public async sayHello(arg1: string, arg2: number, arg3: boolean) {
    return `hello: ${arg1} ${arg2} ${arg3}`;
  }
}
