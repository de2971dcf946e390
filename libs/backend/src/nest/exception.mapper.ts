import { HttpException } from '@nestjs/common';

/** A failure as a caller sees it. */
type Mapped = { status: number; body: Record<string, unknown> };

/** The exceptions that Nest has for answering, as a caller sees them; `undefined` for all other errors. */
export function mapNestException(error: unknown): Mapped | undefined {
  if (error instanceof HttpException) return mapHttpException(error);
  return isMessageException(error) ? mapMessageException(error) : undefined;
}

/**
 * An `HttpException`: its status (500 for one that is no error), its name, the message of its body, and what
 * else the body has.
 */
function mapHttpException(error: HttpException): Mapped {
  const status = error.getStatus();
  const response = error.getResponse();
  const { message, ...members } =
    typeof response === 'string' ? { message: response } : { message: undefined, ...response };
  const body: Record<string, unknown> = {
    message: error.message,
    ...members,
    isError: true,
    name: error.name,
  };
  if (typeof message === 'string') body['message'] = message;
  // Validation pipes give a list: one text for those who show it, the list for those who look closer.
  if (Array.isArray(message)) {
    body['message'] = message.map(String).join(', ');
    body['details'] = message;
  }
  return { status: status < 400 ? 500 : status, body };
}

/** `WsException` of `@nestjs/websockets`, and `RpcException` of `@nestjs/microservices`: packages nobody has to have. */
interface MessageException extends Error {
  getError(): string | object;
}

function isMessageException(error: unknown): error is MessageException {
  return error instanceof Error && typeof (error as Partial<MessageException>).getError === 'function';
}

function mapMessageException(error: MessageException): Mapped {
  const told = error.getError();
  const members = typeof told === 'string' ? { message: told } : told;
  return {
    status: 500,
    body: { message: error.message, ...members, isError: true, name: error.constructor.name },
  };
}
