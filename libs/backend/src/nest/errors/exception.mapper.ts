import {
  BadGatewayException,
  BadRequestException,
  ConflictException,
  ForbiddenException,
  GatewayTimeoutException,
  GoneException,
  HttpException,
  HttpVersionNotSupportedException,
  ImATeapotException,
  InternalServerErrorException,
  MethodNotAllowedException,
  MisdirectedException,
  NotAcceptableException,
  NotFoundException,
  NotImplementedException,
  PayloadTooLargeException,
  PreconditionFailedException,
  RequestTimeoutException,
  ServiceUnavailableException,
  UnauthorizedException,
  UnprocessableEntityException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { encodeError, withoutOrigin } from '@linnet/common/internal';
import { isMessageException, messageExceptionName } from '../internals/message.exceptions.js';
import type { MessageException } from '../internals/message.exceptions.js';

/** A failure as a caller sees it. */
type Mapped = { status: number; body: Record<string, unknown> };

/** The exceptions that Nest has for answering, as a caller sees them; `undefined` for all other errors. */
export function mapNestException(error: unknown): Mapped | undefined {
  if (error instanceof HttpException) return mapHttpException(error);
  return isMessageException(error) ? mapMessageException(error) : undefined;
}

/**
 * Maps an `HttpException`: its status (500 if the status is not an error), its name, the message of its body, and the other
 * members of the body.
 */
function mapHttpException(error: HttpException): Mapped {
  const status = error.getStatus();
  const response = responseOf(error);
  const name = nameOf(error);
  const { message, ...members } =
    typeof response === 'string'
      ? { message: response }
      : { message: undefined, ...(withoutOrigin({ ...response }) as object) };
  const body: Record<string, unknown> = {
    message: typeof response === 'string' ? response : messageBy(error, name),
    ...members,
    isError: true,
    name,
  };
  if (typeof message === 'string') body['message'] = message;
  // Validation pipes give a list: one text for those who show it, the list for those who look closer.
  if (Array.isArray(message)) {
    body['message'] = message.map(String).join(', ');
    body['details'] = message;
  }
  return { status: status < 400 ? 500 : status, body };
}

/** The response of an exception. If it was made from another error, only the visible part of that error. */
function responseOf(error: HttpException): string | object {
  const response: unknown = error.getResponse();
  if (!(response instanceof Error)) return response as string | object;
  return messageOf(response);
}

/** The part of a message that callers may see, of an error that another one was made from. */
function messageOf(error: Error): string {
  const { body } = encodeError(error, '');
  return String((body as { message?: unknown }).message);
}

/** The message of an exception; by its own name, where it has none but that of its class. */
function messageBy(error: HttpException, name: string): string {
  return error.message === inWords(error.constructor.name) ? inWords(name) : error.message;
}

function mapMessageException(error: MessageException): Mapped {
  const source = error.getError();
  const members = source instanceof Error || typeof source !== 'object' ? {} : withoutOrigin({ ...source });
  const message =
    source instanceof Error ? messageOf(source) : typeof source === 'string' ? source : error.message;
  return { status: 500, body: { message, ...(members as object), isError: true, name: nameOf(error) } };
}

/**
 * The name of an exception: as Nest calls its classes, whatever a minifier made of their names; as the
 * application does, where it gives it a name; else as its class.
 */
function nameOf(error: Error): string {
  const type = error.constructor;
  const isGiven = error.name !== type.name && error.name !== Error.prototype.name;
  if (isGiven) return error.name;
  return httpExceptionNames.get(type) ?? messageExceptionName(type) ?? type.name;
}

/** The message that Nest gives an exception without one: its name in words. */
function inWords(name: string): string {
  return name.match(/[A-Z][a-z]+|[0-9]+/g)?.join(' ') ?? 'Error';
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- classes with any constructor
const httpExceptionNames: ReadonlyMap<Function, string> = new Map(
  Object.entries({
    BadGatewayException,
    BadRequestException,
    ConflictException,
    ForbiddenException,
    GatewayTimeoutException,
    GoneException,
    HttpException,
    HttpVersionNotSupportedException,
    ImATeapotException,
    InternalServerErrorException,
    MethodNotAllowedException,
    MisdirectedException,
    NotAcceptableException,
    NotFoundException,
    NotImplementedException,
    PayloadTooLargeException,
    PreconditionFailedException,
    RequestTimeoutException,
    ServiceUnavailableException,
    UnauthorizedException,
    UnprocessableEntityException,
    UnsupportedMediaTypeException,
  }).map(([name, type]) => [type, name]),
);
