/** As much of an optional package, which is not installed here, as is asked of it. */
declare module '@nestjs/microservices/exceptions/rpc-exception.js' {
  export class RpcException extends Error {
    constructor(error: string | object);
    getError(): string | object;
  }
}
