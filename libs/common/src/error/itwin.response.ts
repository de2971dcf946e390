type Kind = 'pending' | 'notFound';

/** The kinds of the classes seen so far, by prototype. */
const known = new WeakMap<object, Kind | undefined>();

/**
 * Recognises a control response of any copy of `@itwin/core-common` by the structure of its classes. Names do not survive
 * a minifier, and one process may hold several copies. These classes have only members that their constructors set:
 *
 *     RpcControlResponse     message = 'RpcControlResponse'
 *     ├ RpcPendingResponse   message = '' unless it is given one
 *     └ RpcNotFoundResponse  message = 'Not found'
 *
 * Values from a peer are plain data and never have these prototypes.
 *
 * @returns the kind of the response; `undefined` for any other value
 */
export function itwinResponseKind(value: unknown): Kind | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Error) return undefined;
  const chain: object[] = [];
  for (let level = prototypeOf(value); level; level = prototypeOf(level)) chain.push(level);
  // The chain ends with the class that decides, its base class, and `Object`.
  const [decides, base] = [chain.at(-3), chain.at(-2)];
  if (!decides || !base || !Object.hasOwn(value, 'message')) return undefined;
  if (!known.has(decides)) known.set(decides, kindOf(decides, base));
  return known.get(decides);
}

function kindOf(decides: object, base: object): Kind | undefined {
  // The base class is checked first, so that no constructor of an unrelated class is called.
  if (messageOf(base) !== 'RpcControlResponse') return undefined;
  const message = messageOf(decides);
  if (message === '') return 'pending';
  return message === 'Not found' ? 'notFound' : undefined;
}

/** The message of a new instance; `undefined` if instances of the class have other members. */
function messageOf(prototype: object): unknown {
  const constructor = ownConstructor(prototype);
  if (!constructor) return undefined;
  try {
    const made = Reflect.construct(constructor, []) as object;
    return Object.keys(made).join() === 'message' ? (made as { message: unknown }).message : undefined;
  } catch {
    return undefined;
  }
}

/** The constructor of a prototype; `undefined` if the prototype has other members. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- a class with any constructor
function ownConstructor(prototype: object): Function | undefined {
  const keys = Reflect.ownKeys(prototype);
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return keys.length === 1 && typeof constructor === 'function' && constructor.length < 2
    ? constructor
    : undefined;
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
