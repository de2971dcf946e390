import { IpcApp } from '@linnet/frontend';
import type { AsyncMethodsOf, PromiseReturnType } from '@linnet/frontend';
import type { MyInterface } from './my.interface.js';
import { myChannel } from './my.interface.js';

// Step 3.
export const callMyBackend = async <T extends AsyncMethodsOf<MyInterface>>(
  methodName: T,
  ...args: Parameters<MyInterface[T]>
) => {
  return IpcApp.callIpcChannel(myChannel, methodName, ...args) as PromiseReturnType<MyInterface[T]>;
};

export async function sayHello(): Promise<string> {
  const method1Val = await callMyBackend('sayHello', 'abc', 10, true);
  return method1Val;
}
