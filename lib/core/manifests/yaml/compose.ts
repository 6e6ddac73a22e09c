import {
  COLLECTION_STYLE,
  EVENT_ID,
  type Event,
  getScalarValue,
  type MappingEvent,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml';
import { cutFlaws, type Flaw, propertyFlaws } from './disagreements.ts';
import type { YamlEntry, YamlMapping, YamlNode, YamlPath, YamlScalar, YamlSequence } from './node.ts';
import { resolvePlain, resolveTagged, ScalarError, type ScalarValue, yaml12Difference } from './scalar.ts';

/** A scalar that YAML 1.1 and YAML 1.2 readers understand differently. */
export interface Ambiguity {
  readonly path: YamlPath;
  readonly offset: number;
  readonly text: string;
  readonly kubernetes: ScalarValue;
  readonly yaml12: ScalarValue;
}

/** How a scalar's text becomes its value, when something is put in the place of variables. `path` leads to the scalar. */
export type ScalarRewrite = (text: string, plain: boolean, path: YamlPath) => Rewritten | undefined;

/** New text, or a value where the author wrote nothing but one variable. */
export type Rewritten = { readonly text: string } | { readonly value: ScalarValue };

export interface Composed {
  /** Undefined when the document holds nothing but comments. */
  readonly root: YamlNode | undefined;
  readonly flaws: readonly Flaw[];
  readonly ambiguities: readonly Ambiguity[];
}

/** What aliases and merges may add to a document, in values and in characters. kubectl stops at about as many values. */
const maxAliasedNodes = 400_000;
const maxAliasedCharacters = 20_000_000;

/** The size of a node once its aliases are written out. */
interface Size {
  nodes: number;
  characters: number;
}

interface Frame {
  readonly node: YamlMapping | YamlSequence;
  readonly size: Size;
  readonly anchor: string | undefined;
  /** Where the frame stands in its parent. */
  readonly step: string | number | undefined;
  readonly merged: Set<string>;
  /** In brackets, where YAML 1.1 and 1.2 disagree more often. */
  readonly flow: boolean;
  key: PendingKey | undefined;
}

type PendingKey = { readonly name: string; readonly offset: number } | 'merge' | 'refused';

interface Anchor {
  readonly node: YamlNode;
  readonly size: Size;
  open: boolean;
}

/**
 * Builds the values of one document from the parser's events by Kubernetes' rules, and finds all that those rules forbid or
 * leave open: duplicate keys, keys that are no text, aliases that contain themselves or grow without measure.
 */
export function compose(source: string, events: readonly Event[], rewrite?: ScalarRewrite): Composed {
  return new Composer(source, rewrite).run(events);
}

class Composer {
  readonly #source: string;
  readonly #rewrite: ScalarRewrite | undefined;
  readonly #flaws: Flaw[] = [];
  readonly #ambiguities: Ambiguity[] = [];
  readonly #anchors = new Map<string, Anchor>();
  readonly #frames: Frame[] = [];
  #tagPrefixes = new Map<string, string>();
  #root: YamlNode | undefined;
  #documents = 0;
  #aliased: Size = { nodes: 0, characters: 0 };
  #tooLarge = false;

  constructor(source: string, rewrite: ScalarRewrite | undefined) {
    this.#source = source;
    this.#rewrite = rewrite;
  }

  run(events: readonly Event[]): Composed {
    for (const event of events) {
      this.#take(event);
      if (this.#tooLarge) break;
    }
    return { root: this.#root, flaws: this.#flaws, ambiguities: this.#ambiguities };
  }

  #take(event: Event): void {
    this.#flaws.push(...propertyFlaws(this.#source, event));
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.#documents++;
        this.#tagPrefixes = new Map(
          event.directives.flatMap((directive) =>
            directive.kind === 'tag' ? [[directive.handle, directive.prefix] as const] : [],
          ),
        );
        break;
      case EVENT_ID.SEQUENCE:
        this.#open({ kind: 'sequence', items: [], offset: event.start }, event);
        break;
      case EVENT_ID.MAPPING:
        this.#open({ kind: 'mapping', entries: new Map(), offset: event.start }, event);
        break;
      case EVENT_ID.SCALAR:
        this.#scalar(event);
        break;
      case EVENT_ID.ALIAS:
        this.#alias(this.#source.slice(event.anchorStart, event.anchorEnd), event.anchorStart - 1);
        break;
      case EVENT_ID.POP:
        this.#close();
        break;
    }
  }

  #open(node: YamlMapping | YamlSequence, event: MappingEvent | SequenceEvent): void {
    const anchor = event.anchorStart < 0 ? undefined : this.#source.slice(event.anchorStart, event.anchorEnd);
    const flow = event.style === COLLECTION_STYLE.FLOW;
    const size = { nodes: 1, characters: 0 };
    if (anchor !== undefined) this.#anchors.set(anchor, { node, size, open: true });
    this.#frames.push({ node, size, anchor, step: this.#nextStep(), merged: new Set(), flow, key: undefined });
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    const anchor = frame.anchor === undefined ? undefined : this.#anchors.get(frame.anchor);
    if (anchor?.node === frame.node) anchor.open = false;
    this.#add(frame.node, frame.size, frame.node.offset);
  }

  #scalar(event: ScalarEvent): void {
    const text = getScalarValue(this.#source, event);
    const offset = scalarOffset(event);
    const isKey = this.#expectsKey();
    this.#flaws.push(...cutFlaws(this.#source, event, { text, isKey, inFlow: this.#frames.at(-1)?.flow === true }));
    if (isKey && text === '<<' && this.#isMerge(event)) {
      this.#setKey('merge');
      return;
    }
    const node: YamlScalar = { kind: 'scalar', value: this.#resolve(event, text, offset, isKey), offset };
    const size = { nodes: 1, characters: text.length };
    if (event.anchorStart >= 0) {
      this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), { node, size, open: false });
    }
    if (isKey) this.#key(node, text, offset);
    else this.#add(node, size, offset);
  }

  /** go-yaml takes `! <<` for a merge too, even in quotes. */
  #isMerge(event: ScalarEvent): boolean {
    if (event.tagStart < 0) return event.style === SCALAR_STYLE.PLAIN;
    return ['!', 'tag:yaml.org,2002:merge'].includes(this.#tag(event));
  }

  #resolve(event: ScalarEvent, text: string, offset: number, isKey: boolean): ScalarValue {
    const plain = event.style === SCALAR_STYLE.PLAIN && event.tagStart < 0;
    const rewritten = this.#rewrite?.(text, plain && !isKey, this.#path());
    if (rewritten !== undefined && 'value' in rewritten) return rewritten.value;
    try {
      if (event.tagStart >= 0) return resolveTagged(this.#tag(event), rewritten?.text ?? text);
      if (rewritten !== undefined) return rewritten.text;
      if (!plain) return text;
      const value = resolvePlain(text);
      // A key that is no text is refused, which says more than a warning.
      const difference = isKey ? undefined : yaml12Difference(text, value);
      if (difference !== undefined) {
        this.#ambiguities.push({ path: this.#path(), offset, text, kubernetes: value, yaml12: difference.yaml12 });
      }
      return value;
    } catch (error) {
      if (!(error instanceof ScalarError)) throw error;
      this.#flaw(error.code, error.message, offset);
      return text;
    }
  }

  #tag(event: ScalarEvent): string {
    const raw = this.#source.slice(event.tagStart, event.tagEnd);
    if (raw.startsWith('!<')) return raw.slice(2, -1);
    const handle = /^!(?:[0-9A-Za-z-]*!)?/.exec(raw)?.[0] ?? '!';
    const prefix = this.#tagPrefixes.get(handle) ?? (handle === '!!' ? 'tag:yaml.org,2002:' : handle);
    return prefix + raw.slice(handle.length);
  }

  #key(node: YamlNode, text: string, offset: number): void {
    if (node.kind !== 'scalar') {
      this.#setKey('refused');
      this.#flaw('key-not-text', 'A key must be text, not a list or an object.', offset);
      return;
    }
    const name = node.value === null ? undefined : String(node.value);
    if (name === undefined) {
      this.#setKey('refused');
      this.#flaw('key-not-text', 'A key must be text; this one is empty or null. Quote it if text is meant.', offset);
    } else if (typeof node.value !== 'string' && name !== text) {
      // Kubernetes would write a third thing here (`on` becomes the key `true`): never what an author means.
      this.#setKey('refused');
      this.#flaw(
        'key-not-text',
        `The key \`${text}\` is read by Kubernetes as \`${name}\` (YAML 1.1). Quote it if the text is meant: \`"${text}"\`.`,
        offset,
      );
    } else if (name === '__proto__') {
      this.#setKey('refused');
      this.#flaw('key-refused', 'The key `__proto__` is refused: no Kubernetes object has such a field.', offset);
    } else {
      this.#setKey({ name, offset });
    }
  }

  #alias(name: string, offset: number): void {
    const anchor = this.#anchors.get(name);
    if (anchor === undefined) {
      this.#flaw(
        'unknown-alias',
        `The alias \`*${name}\` names no anchor of this document. Define \`&${name}\` before it.`,
        offset,
      );
      this.#add({ kind: 'scalar', value: null, offset }, { nodes: 1, characters: 0 }, offset);
      return;
    }
    if (anchor.open) {
      this.#flaw(
        'recursive-alias',
        `The alias \`*${name}\` contains itself. An object cannot be inside itself.`,
        offset,
      );
      this.#add({ kind: 'scalar', value: null, offset }, { nodes: 1, characters: 0 }, offset);
      return;
    }
    if (this.#expectsKey()) {
      const text = anchor.node.kind === 'scalar' ? String(anchor.node.value) : '';
      this.#key(anchor.node, text, offset);
      return;
    }
    this.#countAliased(anchor.size, offset);
    this.#add(anchor.node, anchor.size, offset);
  }

  #add(node: YamlNode, size: Size, offset: number): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) {
      this.#finishDocument(node, offset);
      return;
    }
    frame.size.nodes += size.nodes;
    frame.size.characters += size.characters;
    if (frame.node.kind === 'sequence') {
      frame.node.items.push(node);
      return;
    }
    const key = frame.key;
    if (key === undefined) {
      this.#key(node, '', offset);
      return;
    }
    frame.key = undefined;
    if (key === 'refused') return;
    if (key === 'merge') this.#merge(frame, node, offset);
    else this.#set(frame, key.name, { keyOffset: key.offset, value: node });
  }

  #finishDocument(node: YamlNode, offset: number): void {
    const isEmpty = node.kind === 'scalar' && node.value === null;
    if (this.#documents <= 1) {
      if (!isEmpty) this.#root = node;
    } else if (!isEmpty) {
      this.#flaw(
        'text-after-document',
        "A further document must begin with `---`: Kubernetes' tools ignore what stands here after `...`.",
        offset,
      );
    }
  }

  #set(frame: Frame, name: string, entry: YamlEntry): void {
    const entries = (frame.node as YamlMapping).entries;
    if (entries.has(name) && !frame.merged.delete(name)) {
      this.#flaw('duplicate-key', `The key \`${name}\` is here a second time. Remove one of the two.`, entry.keyOffset);
      return;
    }
    entries.set(name, entry);
  }

  /** `<<`: keys of the mapping itself win. Where Kubernetes and YAML disagree because of the order, the file is refused. */
  #merge(frame: Frame, source: YamlNode, offset: number): void {
    const sources = source.kind === 'sequence' ? source.items : [source];
    const seen = new Set<string>();
    for (const item of sources) {
      if (item.kind !== 'mapping') {
        this.#flaw('merge-not-object', 'The merge key `<<` takes an object, or a list of objects.', offset);
        return;
      }
      for (const [name, entry] of item.entries) {
        if (seen.has(name)) continue;
        seen.add(name);
        this.#countAliased({ nodes: 1, characters: name.length }, offset);
        if (this.#tooLarge) return;
        this.#mergeEntry(frame, name, entry, offset);
      }
    }
  }

  #mergeEntry(frame: Frame, name: string, entry: YamlEntry, offset: number): void {
    const entries = (frame.node as YamlMapping).entries;
    if (entries.has(name)) {
      this.#flaw(
        'merge-order',
        `The merge key \`<<\` brings \`${name}\`, which is set above it: for Kubernetes the merged value would win, for other YAML readers the other one. Put \`<<\` first.`,
        offset,
      );
      return;
    }
    entries.set(name, entry);
    frame.merged.add(name);
  }

  #countAliased(size: Size, offset: number): void {
    if (this.#tooLarge) return;
    this.#aliased.nodes += size.nodes;
    this.#aliased.characters += size.characters;
    if (this.#aliased.nodes <= maxAliasedNodes && this.#aliased.characters <= maxAliasedCharacters) return;
    this.#tooLarge = true;
    this.#flaw(
      'alias-bomb',
      'Aliases make this document too large when they are written out. Use fewer of them.',
      offset,
    );
  }

  #expectsKey(): boolean {
    const frame = this.#frames.at(-1);
    return frame?.node.kind === 'mapping' && frame.key === undefined;
  }

  #setKey(key: PendingKey): void {
    const frame = this.#frames.at(-1);
    if (frame !== undefined) frame.key = key;
  }

  /** Where the next value will stand in the open collection; undefined for a key. */
  #nextStep(): string | number | undefined {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return undefined;
    if (frame.node.kind === 'sequence') return frame.node.items.length;
    return typeof frame.key === 'object' ? frame.key.name : undefined;
  }

  #path(): YamlPath {
    const steps = this.#frames.map((frame) => frame.step);
    steps.push(this.#nextStep());
    return steps.filter((step) => step !== undefined);
  }

  #flaw(code: string, message: string, offset: number): void {
    this.#flaws.push({ code, message, offset: Math.max(0, offset) });
  }
}

/** Quotes belong to a scalar; a block scalar is found by its first line. */
function scalarOffset(event: ScalarEvent): number {
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? event.valueStart - 1 : event.valueStart;
}
