/** A line of a task's output. */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** False when the bytes were not UTF-8; `text` then holds replacement characters. */
  readonly validUtf8: boolean;
}

const lf = 0x0a;
const cr = 0x0d;

/**
 * Cuts a stream into lines as .NET's StreamReader does: at LF, CRLF and also at a lone CR, so that a carriage return in
 * foreign text begins a new line. Cut on bytes, because neither byte occurs inside a longer UTF-8 sequence.
 */
export class LineSplitter {
  readonly #stream: 'stdout' | 'stderr';
  readonly #onLine: (line: OutputLine) => void;
  readonly #pending: Buffer[] = [];
  #afterCr = false;

  constructor(stream: 'stdout' | 'stderr', onLine: (line: OutputLine) => void) {
    this.#stream = stream;
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#afterCr) {
        this.#afterCr = false;
        if (byte === lf) {
          start = at + 1;
          continue;
        }
      }
      if (byte !== lf && byte !== cr) continue;
      this.#pending.push(chunk.subarray(start, at));
      this.#emit();
      this.#afterCr = byte === cr;
      start = at + 1;
    }
    if (start < chunk.length) this.#pending.push(chunk.subarray(start));
  }

  /** A last line without an end still counts. */
  end(): void {
    if (this.#pending.some((part) => part.length > 0)) this.#emit();
  }

  #emit(): void {
    const bytes = Buffer.concat(this.#pending.splice(0));
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      this.#onLine({ stream: this.#stream, text, validUtf8: true });
    } catch {
      this.#onLine({ stream: this.#stream, text: bytes.toString('utf8'), validUtf8: false });
    }
  }
}
