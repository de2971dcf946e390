// Step 1: in a folder that both sides import.
export const myChannel = 'my-interface-v1.2';

export interface MyInterface {
  sayHello(arg1: string, arg2: number, arg3: boolean): Promise<string>;
}
