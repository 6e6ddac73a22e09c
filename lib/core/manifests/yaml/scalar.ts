/**
 * How Kubernetes reads a YAML scalar. Its tools use sigs.k8s.io/yaml, which resolves plain scalars by YAML 1.1 with the
 * exceptions of go-yaml v2: no base 60 numbers, timestamps stay text, `0o17` is accepted too. Source of the rules: `resolve.go`
 * and `decode.go` of go.yaml.in/yaml/v2.
 */
export type ScalarValue = string | number | boolean | null;

/** A scalar that has no exact JSON form. `message` says what to do; it does not repeat the text, which may be secret. */
export class ScalarError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const words = new Map<string, ScalarValue>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((text) => [text, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((text) => [text, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((text) => [text, null] as const),
]);
const infinities = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const goInteger = /^([-+]?)(0[bB][01]+|0[oO][0-7]+|0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const goFloat = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
/** go-yaml reads the digits after `0b` as a signed number. */
const signInsideBinary = /^0b([-+])([01]+)$/;
const dotFloat = /^\.[0-9]+([eE][-+]?[0-9]+)?$/;

/** What Kubernetes makes of a scalar without quotes and without a tag. Throws ScalarError. */
export function resolvePlain(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (infinities.test(text)) {
    throw new ScalarError('number-not-finite', 'Infinity and NaN have no JSON form. Quote the value if text is meant.');
  }
  const first = text.charCodeAt(0);
  if (first === 0x2e) return dotFloat.test(text) ? floatOrText(text, text) : text;
  const startsLikeNumber = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d;
  return startsLikeNumber ? resolveNumber(text) : text;
}

/** What a scalar with an explicit tag means, `tag` in its long form. Throws ScalarError. */
export function resolveTagged(tag: string, text: string): ScalarValue {
  switch (tag) {
    case 'tag:yaml.org,2002:str':
    case 'tag:yaml.org,2002:timestamp':
      return text;
    case 'tag:yaml.org,2002:binary':
      return decodeBinary(text);
    case 'tag:yaml.org,2002:null':
    case 'tag:yaml.org,2002:bool':
    case 'tag:yaml.org,2002:int':
    case 'tag:yaml.org,2002:float':
      return resolveAs(tag, text);
    default:
      // As sigs.k8s.io/yaml: a tag that it does not know leaves the text as it is.
      return text;
  }
}

/**
 * What a YAML 1.2 reader (the core schema) makes of a plain scalar when that differs from Kubernetes' reading; undefined when
 * both agree. Editors, linters and other tools often read YAML 1.2.
 */
export function yaml12Difference(text: string, kubernetes: ScalarValue): { readonly yaml12: ScalarValue } | undefined {
  const yaml12 = resolveCore(text);
  return Object.is(yaml12, kubernetes) || (yaml12 === 0 && kubernetes === 0) ? undefined : { yaml12 };
}

/** `3`, `true`, `the text "Y"`: a value as a message names it. */
export function describeScalar(value: ScalarValue): string {
  if (typeof value === 'string') return `the text "${value}"`;
  if (typeof value === 'boolean') return `the boolean ${value}`;
  return value === null ? 'null' : `the number ${value}`;
}

function resolveNumber(text: string): ScalarValue {
  const plain = text.replaceAll('_', '');
  const match = goInteger.exec(plain);
  if (match !== null) {
    const [, sign = '', digits = ''] = match;
    const magnitude = integerOf(digits);
    if (fitsGo(sign, magnitude)) return exactNumber(sign === '-' ? -magnitude : magnitude);
  }
  if (goFloat.test(plain)) return floatOrText(plain, text);
  const odd = signInsideBinary.exec(plain);
  if (odd === null) return text;
  const magnitude = BigInt(`0b${odd[2]}`);
  return magnitude < 1n << 63n ? exactNumber(odd[1] === '-' ? -magnitude : magnitude) : text;
}

function integerOf(digits: string): bigint {
  const octal = /^0[0-7]+$/.test(digits);
  return BigInt(octal ? `0o${digits}` : digits.toLowerCase());
}

/** Go tries a signed 64-bit integer, then an unsigned one, which takes no sign; what fits neither is tried as a float. */
function fitsGo(sign: string, magnitude: bigint): boolean {
  if (sign === '') return magnitude < 1n << 64n;
  return sign === '-' ? magnitude <= 1n << 63n : magnitude < 1n << 63n;
}

/**
 * The integer as a JavaScript number, if the API server will read the same integer from its JSON. Beyond 64 signed bits the
 * server itself reads a float, so nothing is lost there.
 */
function exactNumber(value: bigint): number {
  const number = Number(value);
  const beyondInt64 = value >= 1n << 63n || value < -(1n << 63n);
  if (beyondInt64 || String(number) === value.toString()) return number;
  throw new ScalarError(
    'integer-too-large',
    'This integer has more digits than can be carried exactly (beyond 9007199254740991). Quote it: text is exact, and quantities may be text.',
  );
}

function floatOrText(digits: string, text: string): ScalarValue {
  const value = Number(digits);
  return Number.isFinite(value) ? value : text;
}

function resolveAs(tag: string, text: string): ScalarValue {
  const value = resolvePlain(text);
  const kind = tag.slice(tag.lastIndexOf(':') + 1);
  const fits =
    (kind === 'null' && value === null) ||
    (kind === 'bool' && typeof value === 'boolean') ||
    (kind === 'float' && typeof value === 'number') ||
    (kind === 'int' && typeof value === 'number' && !isFloatText(text));
  if (fits) return value;
  throw new ScalarError('tag-mismatch', `The value is no \`!!${kind}\`. Correct the value, or take the tag away.`);
}

function isFloatText(text: string): boolean {
  return !goInteger.test(text.replaceAll('_', ''));
}

function decodeBinary(text: string): string {
  const compact = text.replace(/[\r\n]/g, '');
  const bytes = Buffer.from(compact, 'base64');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw new ScalarError('binary-invalid', 'The `!!binary` value is not valid base64.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ScalarError(
      'binary-not-text',
      'The `!!binary` value is not text, and JSON has no other form for it. Write the base64 text itself, without the tag, where a field takes base64.',
    );
  }
}

function resolveCore(text: string): ScalarValue {
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+)$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  return text;
}
