import { HttpException } from '@nestjs/common';
import { encodeError, withoutOrigin } from '@linnet/common/internal';

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
  const response = toldBy(error);
  const { message, ...members } =
    typeof response === 'string'
      ? { message: response }
      : { message: undefined, ...(withoutOrigin({ ...response }) as object) };
  const body: Record<string, unknown> = {
    message: typeof response === 'string' ? response : error.message,
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

/** What an exception says; of another error that it was made from only what may be seen of that. */
function toldBy(error: HttpException): string | object {
  const response: unknown = error.getResponse();
  if (!(response instanceof Error)) return response as string | object;
  const { body } = encodeError(response, '');
  const { message } = body as { message?: unknown };
  return String(message);
}

/** `WsException` of `@nestjs/websockets`, and `RpcException` of `@nestjs/microservices`: packages nobody has to have. */
interface MessageException extends Error {
  getError(): string | object;
}

function isMessageException(error: unknown): error is MessageException {
  if (!(error instanceof Error) || typeof (error as Partial<MessageException>).getError !== 'function')
    return false;
  // Errors of other libraries have such a method, too.
  for (let type: unknown = error.constructor; typeof type === 'function'; type = Object.getPrototypeOf(type))
    if (type.name === 'WsException' || type.name === 'RpcException') return true;
  return false;
}

function mapMessageException(error: MessageException): Mapped {
  const told = error.getError();
  const members = typeof told === 'string' ? { message: told } : told;
  return {
    status: 500,
    body: { message: error.message, ...members, isError: true, name: error.constructor.name },
  };
}
