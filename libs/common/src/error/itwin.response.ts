type Kind = 'pending' | 'notFound';

/** By the prototype that decides: each class is looked at once. */
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
 * @returns which of the two it is an instance of; `undefined` for anything else
 */
export function itwinResponseKind(value: unknown): Kind | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Error) return undefined;
  const chain: object[] = [];
  for (let level = prototypeOf(value); level; level = prototypeOf(level)) chain.push(level);
  // Last is what every object has, before it the base class, and before that the class that decides.
  const [decides, base] = [chain.at(-3), chain.at(-2)];
  if (!decides || !base || !Object.hasOwn(value, 'message')) return undefined;
  if (!known.has(decides)) known.set(decides, kindOf(decides, base));
  return known.get(decides);
}

function kindOf(decides: object, base: object): Kind | undefined {
  // The base class comes first: no constructor of another hierarchy than that of core-common is run after it.
  if (messageOf(base) !== 'RpcControlResponse') return undefined;
  const message = messageOf(decides);
  if (message === '') return 'pending';
  return message === 'Not found' ? 'notFound' : undefined;
}

/** The message that a class gives its instances, which have nothing else; `undefined` for a class of another kind. */
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

/** The constructor of a prototype that has no other member. */
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
