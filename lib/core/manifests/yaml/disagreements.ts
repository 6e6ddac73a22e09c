import { type Event, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';

/** Something in a document that is wrong, by its offset in the text. */
export interface Flaw {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

/** `{a:}` or `[a :, b]`: a colon that a bracket or comma follows. */
const emptyFlowValue = /[ \t\r\n]*:[,[\]{}]/y;

/** Anchors and tags that the parser takes by YAML 1.2 and that are a syntax error, or something else, for Kubernetes. */
export function propertyFlaws(source: string, event: Event): Flaw[] {
  const flaws: Flaw[] = [];
  if ('anchorStart' in event && event.anchorStart >= 0) {
    if (!/^[0-9A-Za-z_-]+$/.test(source.slice(event.anchorStart, event.anchorEnd))) {
      const message = 'The name of an anchor or alias may hold letters, digits, `-` and `_` only.';
      flaws.push({ code: 'anchor-name', message, offset: event.anchorStart });
    }
  }
  if ('tagStart' in event && event.tagStart >= 0 && !/^\s?$/.test(source.charAt(event.tagEnd))) {
    flaws.push({ code: 'tag-separator', message: 'A tag must be followed by a space.', offset: event.tagStart });
  }
  return flaws;
}

/** Text that the parser and Kubernetes' parser cut differently: `[a:, ?b]`, and an escaped line break before a blank line. */
export function cutFlaws(
  source: string,
  event: ScalarEvent,
  scalar: { readonly text: string; readonly isKey: boolean; readonly inFlow: boolean },
): Flaw[] {
  const offset = Math.max(0, event.valueStart);
  if (event.style === SCALAR_STYLE.DOUBLE_QUOTED) {
    const raw = event.fast ? '' : source.slice(event.valueStart, event.valueEnd);
    if (!/\\(?:\r\n|\r|\n)[ \t]*[\r\n]/.test(raw)) return [];
    const message = 'YAML readers disagree about a blank line after a `\\` at the end of a line. Write `\\n` instead.';
    return [{ code: 'escaped-break', message, offset }];
  }
  if (event.style !== SCALAR_STYLE.PLAIN || !scalar.inFlow) return [];
  emptyFlowValue.lastIndex = event.valueEnd;
  const isCut = scalar.isKey && event.valueEnd >= 0 && emptyFlowValue.test(source);
  if (!isCut && !/^[?:]/.test(scalar.text)) return [];
  const message = 'YAML readers disagree about `:` and `?` here. Quote the text, or put a space after the `:`.';
  return [{ code: 'flow-text', message, offset }];
}
