/** The used part of an optional package, which is not installed in this repository. */
declare module '@nestjs/microservices/exceptions/rpc-exception.js' {
  export class RpcException extends Error {
    constructor(error: string | object);
    getError(): string | object;
  }
}
