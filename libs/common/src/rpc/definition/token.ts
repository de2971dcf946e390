/** The routing argument of an iTwin.js call: which model in which state an operation is about. */
export interface IModelRpcProps {
  /** Names an open model; not on the path of HTTP. */
  key?: string;
  /** The project that the model belongs to; part of the path. */
  iTwinId?: string;
  /** The model that the operation is about; part of the path, which gateways route by. */
  iModelId?: string;
  /** The state of the model; its id is part of the path. */
  changeset?: { id: string; index?: number };
}

type Token = IModelRpcProps & { iTwinId: string; iModelId: string };

/** Whether an argument is a token: an object with own members `iModelId` and `iTwinId` (docs/wire.md#27-tokens). */
export function isToken(argument: unknown): argument is Token {
  return (
    typeof argument === 'object' &&
    argument !== null &&
    Object.hasOwn(argument, 'iModelId') &&
    Object.hasOwn(argument, 'iTwinId')
  );
}

/** The part of a token that the path of a request has. Missing members come from the argument. */
export type RoutedToken = Pick<IModelRpcProps, 'iTwinId' | 'iModelId' | 'changeset'>;

/**
 * Reads the token from a raw path of iTwin.js. As in the reference, segments are not percent-decoded, and the last of two
 * segments of a kind counts.
 *
 * @param segments the segments of the path, without the query
 */
export function routedToken(segments: readonly string[]): RoutedToken {
  const routed: RoutedToken = {};
  for (let i = 0; i < segments.length - 1; i++) {
    const value = segments[i + 1]!;
    if (segments[i] === 'context') routed.iTwinId = value;
    else if (segments[i] === 'imodel') routed.iModelId = value;
    else if (segments[i] === 'changeset') routed.changeset = { id: value === '0' ? '' : value };
    else if (segments[i] !== 'mode') continue;
    i++; // the segment behind is a value, whatever it looks like
  }
  return routed;
}

/**
 * Creates a token from the argument and the path of the request. The path has priority, because gateways route and
 * authorize by it.
 */
export function inflateToken(token: IModelRpcProps, routed: RoutedToken): Required<IModelRpcProps> {
  const iTwinId = routed.iTwinId ?? token.iTwinId ?? '';
  const iModelId = routed.iModelId ?? token.iModelId ?? '';
  const id = routed.changeset?.id ?? token.changeset?.id ?? '0';
  const index = token.changeset?.index;
  const changeset = index === undefined ? { id } : { id, index };
  const { key } = token;
  const derived = typeof key !== 'string' || key.includes(':');
  return { key: derived ? `${iModelId}:${id}` : key, iTwinId, iModelId, changeset };
}

/**
 * Whether the argument names another token than the path, in which ids are percent-encoded. A missing member other than
 * an id is not a mismatch.
 */
export function isTokenMismatch(token: IModelRpcProps, inflated: IModelRpcProps): boolean {
  return (
    (token.key !== undefined && !isSame(token.key, inflated.key)) ||
    !isSame(token.iTwinId, inflated.iTwinId) ||
    !isSame(token.iModelId, inflated.iModelId) ||
    (Boolean(token.changeset) && !isSame(token.changeset?.id, inflated.changeset?.id))
  );
}

/** Whether an id of an argument equals an id of a path, which may be percent-encoded. */
export function isSame(sent: string | undefined, routed: string | undefined): boolean {
  if (sent === routed) return true;
  try {
    return routed !== undefined && sent === decodeURIComponent(routed);
  } catch {
    return false;
  }
}

/** The first argument that names a model (docs/wire.md#21-request). */
export function tokenOf(args: readonly unknown[]): IModelRpcProps | undefined {
  return args.find(
    (argument): argument is IModelRpcProps =>
      typeof argument === 'object' &&
      argument !== null &&
      typeof (argument as IModelRpcProps).iModelId === 'string',
  );
}
